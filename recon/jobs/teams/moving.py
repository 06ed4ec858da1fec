"""Where a scene belongs: to its owner alone, or to a team of theirs."""

from __future__ import annotations

from django.db import transaction

from accounts.models import User
from recon.jobs import tags
from recon.jobs.people import quotas, team_log
from recon.jobs.people.team_log import Kind
from recon.models import Job, Membership, Share, Team
from recon.pipeline.errors import UserError


def teams_for_scenes(user: User) -> list[Team]:
    """The teams in which the person may make scenes, in alphabetical order."""
    editing = Membership.objects.filter(user=user, role__in=Membership.EDITING)
    found = Team.objects.filter(pk__in=editing.values("team"), closing_since=None)
    return list(found.order_by("name", "pk"))


def team_called(user: User, handle: str) -> Team | None:
    """The team at this address, None for no address: then a scene is the person's own. Raises
    UserError("no_such_team") where they may make no scenes in it, or there is none."""
    if not handle:
        return None
    found = next((one for one in teams_for_scenes(user) if one.handle == handle), None)
    if found is None:
        raise UserError("no_such_team", team=handle[:60])
    return found


@transaction.atomic
def move(job: Job, team: Team | None, *, by: User) -> bool:
    """The job belongs to `team` from now on, or to its owner alone. False where it does already.

    Only its owner may do it, who is `by`. A person's tags come along, and become the team's. Raises
    UserError: not_yours_to_move, `quotas.may_move`'s; Job.DoesNotExist.
    """
    locked = Job.objects.select_for_update().get(pk=job.pk)
    if locked.team_id == (team.pk if team else None):
        return False
    if locked.owner_id != by.pk:
        raise UserError("not_yours_to_move")
    quotas.may_move(locked, team)
    was, locked.team = locked.team, team
    locked.save(update_fields=("team",))
    tags.rewrite(locked)
    if team is not None:  # a team's scene is on nobody's public page
        Share.objects.filter(job=locked).update(in_gallery=False)
        job.share.in_gallery = False
    job.team = team
    if was is not None:
        team_log.note(was, Kind.SCENE_TAKEN, by, job=locked)
    if team is not None:
        team_log.note(team, Kind.SCENE_ADDED, by, job=locked)
    return True
