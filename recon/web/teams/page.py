"""A team's page, as it is or with a refusal."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Concatenate

from django.conf import settings
from django.db.models import QuerySet
from django.forms import BaseForm
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render

from accounts.requests import P, SignedInRequest, View
from instarecon_site.form_addresses import form_on
from recon.jobs.people import quotas
from recon.jobs.teams import members
from recon.models import Membership, Team, TeamEvent
from recon.pipeline.errors import ReconError
from recon.web.access import membership_or_404, signed_in
from recon.web.faults import status_of
from recon.web.teams import log_texts
from recon.web.teams.forms import InviteForm, TeamForm

#: How much of the log stands on the page itself.
LATEST = 8

TeamView = Callable[Concatenate[SignedInRequest, Membership, P], HttpResponseBase]


def page(
    request: SignedInRequest,
    member: Membership,
    *,
    problems: Sequence[str] = (),
    status: int = 200,
    **forms: BaseForm,
) -> HttpResponse:
    """recon/team.html; `problems` are sentences about a refused action, `forms` come back with
    errors."""
    team = Team.objects.get(pk=member.team_id)  # a refused form may have changed the other
    context: dict[str, object] = {
        "team": team,
        "member": member,
        "people": members.in_order(team),
        "roles": Membership.Role.choices,
        "usage": quotas.usage(team),
        "problems": problems,
    }
    if member.is_owner:
        context |= {
            "invitations": team.invitations.select_related("created_by"),
            "invite_form": InviteForm(team=team),
            "team_form": TeamForm(instance=team, auto_id="team-%s"),
            "can_mail": settings.MAIL_IS_SET_UP,
            "log": lines(log_of(team)[:LATEST]),
        }
    return render(request, "recon/team.html", context | forms, status=status)


def log_of(team: Team) -> QuerySet[TeamEvent]:
    return TeamEvent.objects.filter(team=team)


def lines(events: QuerySet[TeamEvent] | Sequence[TeamEvent]) -> list[dict[str, object]]:
    return [{"at": event.at, "said": log_texts.sentence(event)} for event in events]


def acts_on_team(*, as_owner: bool = True) -> Callable[[TeamView[P]], View[Concatenate[str, P]]]:
    """For a POST to one team by a member, or by one of its owners: `view` gets their membership
    instead of the team's handle. ReconErrors that it raises are shown on the team's page.
    """

    def decorate(view: TeamView[P]) -> View[Concatenate[str, P]]:
        @form_on("recon:team", "handle")
        @signed_in
        @wraps(view)
        def answered(
            request: SignedInRequest, handle: str, *args: P.args, **kwargs: P.kwargs
        ) -> HttpResponseBase:
            member = membership_or_404(request, handle, as_owner=as_owner)
            try:
                return view(request, member, *args, **kwargs)
            except ReconError as error:
                return page(request, member, problems=[str(error)], status=status_of(error))

        return answered

    return decorate
