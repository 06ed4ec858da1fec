"""Teams, as API v1 gives them."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from ninja import Schema
from pydantic import Field

from recon.api.v1.schemas.site import Quota

Role = Literal["owner", "editor", "viewer"]


class Team(Schema):
    """A team that the caller is in."""

    handle: str = Field(description="Its address, and what `team` of a job is.")
    name: str
    role: Role = Field(description="The caller's.")
    created_at: datetime
    url: str = Field(description="The team's page.")


class TeamInFull(Team):
    """All about one team."""

    quota: Quota


class Teams(Schema):
    """The caller's teams."""

    items: list[Team]


class Member(Schema):
    """Somebody in a team."""

    email: str
    name: str = Field(description="Empty unless they have a public name.")
    role: Role
    joined_at: datetime


class Members(Schema):
    """Who is in a team."""

    items: list[Member]
