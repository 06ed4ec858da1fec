"""Scenes that somebody has ticked in a gallery, and what is said about them."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlencode

from django.http import QueryDict
from django.urls import reverse
from django.utils.translation import gettext, ngettext

from accounts.models import User
from accounts.requests import SignedInRequest
from recon.models import Job
from recon.web.access import OnlyLooks

#: How many at a time.
MOST = 50


class NothingToDo(Exception):
    """Nothing can be done with what was ticked; the message says why."""


@dataclass(frozen=True)
class Chosen:
    """What was ticked: the person's and their teams' scenes, newest first, and how many more that
    are not there (any more) or not theirs."""

    jobs: list[Job]
    missing: int

    @classmethod
    def of(cls, request: SignedInRequest, sent: QueryDict, *, change: bool = False) -> Chosen:
        """`job`, repeated; to be changed, or only looked at. Raises NothingToDo: nothing ticked,
        too much, all of it gone, or something that the person may not change."""
        wanted = {_key_of(text) for text in sent.getlist("job")}
        if not wanted:
            raise NothingToDo(gettext("Tick the scenes first."))
        if len(wanted) > MOST:
            said = gettext("At most {most} scenes can be chosen at a time, not {count}.")
            raise NothingToDo(said.format(most=MOST, count=len(wanted)))
        keys = [key for key in wanted if isinstance(key, uuid.UUID)]
        theirs = Job.objects.with_rows().visible_to(request.user).filter(pk__in=keys)
        jobs = list(theirs.select_related("owner").prefetch_related("artifacts"))
        if change:
            _check_changeable(request.user, jobs)
        chosen = cls(jobs, len(wanted) - len(jobs))
        if not jobs:
            raise NothingToDo(chosen.said_of_missing)
        return chosen

    @property
    def said_of_missing(self) -> str:
        """Empty where all are there."""
        if not self.missing:
            return ""
        return ngettext(
            "{count} of the scenes that you chose is not there any more.",
            "{count} of the scenes that you chose are not there any more.",
            self.missing,
        ).format(count=self.missing)


def _check_changeable(user: User, jobs: list[Job]) -> None:
    """Raises NothingToDo."""
    keys = [job.pk for job in jobs if job.team_id is not None]
    changeable = Job.objects.changeable_by(user).filter(pk__in=keys).count() if keys else 0
    if changeable < len(keys):
        raise NothingToDo(str(OnlyLooks.sentence))


def _key_of(sent: str) -> uuid.UUID | str:
    """One key, however it is spelled; what is no key, and so no scene, stays text."""
    try:
        return uuid.UUID(sent)
    except ValueError:
        return sent


def names_of(jobs: Iterable[Job]) -> str:
    """The scenes' titles, to be read in a sentence."""
    quoted = gettext("“{name}”")
    return ", ".join(quoted.format(name=job.name) for job in jobs)


def gallery_address(sent: str) -> str:
    """The gallery as it was when the scenes were ticked: `sent` is its address's query."""
    query = QueryDict(sent.replace("\0", ""))
    names = ("team", "q", "tag", "sort", "page")
    parameters = urlencode({name: query[name] for name in names if query.get(name)})
    return reverse("recon:gallery") + (f"?{parameters}" if parameters else "")
