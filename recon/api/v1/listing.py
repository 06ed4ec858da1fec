"""A page of a person's jobs: which ones, and from where on."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from django.db.models import Q, QuerySet
from django.utils.translation import gettext
from ninja import Schema
from pydantic import Field

from accounts.models import User
from recon.api.errors import ApiError
from recon.api.own_jobs import LARGEST_PAGE, PAGE, Place
from recon.api.v1.problems import FieldsRefused
from recon.api.v1.schemas.sent import Moment, Preset, Status
from recon.jobs import tags
from recon.jobs.teams import members
from recon.models import Job
from recon.web.access import NO_SUCH_TEAM

_Word = Annotated[str, Field(max_length=200)]


class JobsWanted(Schema):
    """Which of one's jobs, or of a team's; all of them without these."""

    team: _Word | None = Field(default=None, description="A team's handle: its jobs instead.")
    status: list[Status] = Field(default=[], max_length=6, description="Repeated: one of these.")
    tag: _Word | None = None
    preset: Preset | None = None
    created_after: Moment | None = Field(default=None, description="At this moment or later.")
    created_before: Moment | None = Field(default=None, description="Before this moment.")
    q: _Word | None = Field(default=None, description="Words of the title.")
    limit: int = Field(default=PAGE, ge=1, le=LARGEST_PAGE)
    cursor: _Word | None = Field(default=None, description="`next_cursor` of the page before.")


def wanted_by(owner: User, wanted: JobsWanted) -> QuerySet[Job]:
    """The person's jobs, or their team's, that fit, the newest first, on all pages. Raises
    FieldsRefused."""
    jobs = _whose(owner, wanted.team).order_by("-created_at", "-pk")
    if wanted.status:
        jobs = jobs.filter(status__in=wanted.status)
    if wanted.tag:
        jobs = jobs.filter(tags__key=tags.key_of(_text(wanted.tag)))
    if wanted.preset:
        jobs = jobs.filter(wishes__preset=wanted.preset)
    if wanted.created_after:
        jobs = jobs.filter(created_at__gte=_moment("created_after", wanted.created_after))
    if wanted.created_before:
        jobs = jobs.filter(created_at__lt=_moment("created_before", wanted.created_before))
    for word in _text(wanted.q or "").split():
        jobs = jobs.filter(title__icontains=word)
    return jobs


def _whose(person: User, handle: str | None) -> QuerySet[Job]:
    """Raises FieldsRefused."""
    jobs = Job.objects.with_rows()
    if handle is None:
        return jobs.own_of(person)
    member = members.membership_of(person, _text(handle))
    if member is None:
        raise FieldsRefused([("team", str(NO_SUCH_TEAM))])
    return jobs.filter(team=member.team)


def after(jobs: QuerySet[Job], cursor: str | None) -> QuerySet[Job]:
    """Those of `jobs` that come after the page that gave `cursor`. Raises ApiError (400)."""
    if cursor is None:
        return jobs
    try:
        at = Place.read(cursor)
    except ApiError as error:
        said = gettext("“cursor” is not from this list: send `next_cursor` as it was.")
        raise ApiError(400, said, code="bad_cursor") from error
    earlier = Q(created_at__lt=at.created_at) | Q(created_at=at.created_at, pk__lt=at.pk)
    return jobs.filter(earlier)


def cursor_after(job: Job) -> str:
    return Place(job.created_at, job.pk).write()


def _moment(name: str, sent: datetime) -> datetime:
    """In UTC, where it names no zone too. Raises FieldsRefused for the calendar's last days."""
    try:
        return sent.replace(tzinfo=sent.tzinfo or UTC).astimezone(UTC)
    except OverflowError as error:
        raise FieldsRefused([(name, gettext("There is no such time."))]) from error


def _text(sent: str) -> str:
    """Without what no column holds."""
    return sent.replace("\0", "").encode("utf-8", "ignore").decode()
