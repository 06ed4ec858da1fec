"""What a team's log says, in the language of who reads it."""

from __future__ import annotations

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from recon.jobs.people.team_log import Kind
from recon.models import Membership, TeamEvent

_SENTENCES = {
    Kind.TEAM_MADE: _("{who} made the team “{name}”."),
    Kind.TEAM_CHANGED: _("{who} called the team “{name}”, with the address {handle}."),
    Kind.TEAM_DELETED: _("{who} deleted the team."),
    Kind.INVITED: _("{who} invited {whom}: {role}."),
    Kind.WITHDRAWN: _("{who} withdrew the invitation for {whom}."),
    Kind.DECLINED: _("{who} declined the invitation."),
    Kind.JOINED: _("{who} joined: {role}."),
    Kind.ROLE_CHANGED: _("{who} changed the role of {whom} from {was} to {role}."),
    Kind.REMOVED: _("{who} removed {whom} from the team."),
    Kind.LEFT: _("{who} left the team."),
    Kind.SCENE_ADDED: _("{who} moved the scene “{scene}” into the team."),
    Kind.SCENE_TAKEN: _("{who} moved the scene “{scene}” out of the team."),
    Kind.SCENE_SHARED: _("{who} shared the scene “{scene}” by a link."),
    Kind.SCENE_UNSHARED: _("{who} ended the sharing of the scene “{scene}”."),
    Kind.SCENE_DELETED: _("{who} deleted the scene “{scene}”."),
}


def sentence(event: TeamEvent) -> str:
    facts = dict(event.facts)
    if event.kind in (Kind.INVITED, Kind.WITHDRAWN):
        facts["whom"] = facts.get("whom") or gettext("whoever has the link")
    for name in ("role", "was"):
        if facts.get(name) in Membership.Role.values:
            facts[name] = str(Membership.Role(facts[name]).label)
    who = event.person_email or gettext("Somebody")
    return str(_SENTENCES[Kind(event.kind)]).format(who=who, **facts)
