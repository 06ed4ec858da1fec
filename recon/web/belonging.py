"""Where a scene belongs, as forms say it: to a person alone, or to one of their teams."""

from __future__ import annotations

from urllib.parse import urlencode

from django.http import HttpRequest
from django.urls import reverse

from accounts.models import User
from accounts.requests import SignedInRequest
from recon.jobs.teams import moving
from recon.models import Job, Team

#: The form's field: a team's handle, or empty for the person alone.
FIELD = "team"


def choices(user: User, chosen: str) -> dict[str, object]:
    """What `_belongs.html` shows; nothing to people who can make scenes in no team."""
    return {"teams_for_scenes": moving.teams_for_scenes(user), "team_handle": chosen}


def choices_for_new(request: SignedInRequest) -> dict[str, object]:
    """The same for a scene that is not there yet: as it was sent, or as an address says."""
    post = getattr(request, "_post", None) or {}
    return choices(request.user, post.get(FIELD, request.GET.get(FIELD, "")))


def choices_of(job: Job, user: User) -> dict[str, object]:
    """The same for a scene of the person's."""
    return choices(user, job.team.handle if job.team else "")


def team_sent(request: HttpRequest, user: User) -> Team | None:
    """The team that a form names; None for the person alone. Raises UserError("no_such_team")."""
    return moving.team_called(user, request.POST.get(FIELD, "").replace("\0", ""))


def gallery_of(job: Job) -> str:
    """The address of the gallery in which it stands."""
    gallery = reverse("recon:gallery")
    return f"{gallery}?{urlencode({FIELD: job.team.handle})}" if job.team else gallery
