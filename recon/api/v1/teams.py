"""A person's teams: which they are, who is in them, what they may have."""

from __future__ import annotations

from django.conf import settings
from ninja import Router

from accounts.requests import SignedInRequest
from recon.api.v1.callers import Token
from recon.api.v1.problems import Refused
from recon.api.v1.schemas import teams as types
from recon.api.v1.site import quota_of
from recon.jobs.teams import members
from recon.models import Membership
from recon.web.access import NO_SUCH_TEAM

router = Router(tags=["teams"])


@router.get("/teams", auth=Token(), response=types.Teams)
def list_teams(request: SignedInRequest) -> types.Teams:
    """The caller's teams, in alphabetical order."""
    return types.Teams(items=[_team(one) for one in members.memberships_of(request.user)])


@router.get("/teams/{str:handle}", auth=Token(), response=types.TeamInFull)
def get_team(request: SignedInRequest, handle: str) -> types.TeamInFull:
    """One of them, with what it may have, and has."""
    member = _member(request, handle)
    return types.TeamInFull(**_team(member).model_dump(), quota=quota_of(member.team))


@router.get("/teams/{str:handle}/members", auth=Token(), response=types.Members)
def list_members(request: SignedInRequest, handle: str) -> types.Members:
    """Who is in it: owners first, then editors, then viewers."""
    people = members.in_order(_member(request, handle).team)
    return types.Members(
        items=[
            types.Member(
                email=one.user.email,
                name=one.user.public_name,
                role=one.role,  # type: ignore[arg-type]
                joined_at=one.joined_at,
            )
            for one in people
        ]
    )


def _member(request: SignedInRequest, handle: str) -> Membership:
    """Raises Refused (404)."""
    member = members.membership_of(request.user, handle.replace("\0", ""))
    if member is None:
        raise Refused(404, "no_such_team", str(NO_SUCH_TEAM))
    return member


def _team(member: Membership) -> types.Team:
    team = member.team
    return types.Team(
        handle=team.handle,
        name=team.name,
        role=member.role,  # type: ignore[arg-type]
        created_at=team.created_at,
        url=settings.BASE_URL.rstrip("/") + team.get_absolute_url(),
    )
