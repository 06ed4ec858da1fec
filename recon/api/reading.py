"""What programs send: which job, and what they wish for it."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.utils.translation import gettext

from accounts.requests import SignedInRequest
from recon.api.errors import ApiError, NoSuchJob
from recon.jobs.site_config import usual_wishes
from recon.models import Job
from recon.pipeline.wishes import Wishes
from recon.web.access import CHANGE, OnlyLooks, job_for
from recon.web.tags import named_in
from recon.web.wish_forms import AgainForm

TRUE, FALSE = ("true", "1", "on", "yes"), ("false", "0", "off", "no", "")


def own_job(request: SignedInRequest, job_id: str, *, change: str = CHANGE) -> Job:
    """Raises as `job_of_caller`."""
    try:
        key = uuid.UUID(job_id)
    except ValueError as error:
        raise NoSuchJob from error
    return job_of_caller(request, key, change=change)


def job_of_caller(request: SignedInRequest, key: uuid.UUID, *, change: str = CHANGE) -> Job:
    """Raises NoSuchJob, and ApiError (403) for a change by a viewer of the job's team. `change` is
    what staff need for other people's (`job_for`)."""
    try:
        job = job_for(request, key, change=change)
    except OnlyLooks as error:
        raise ApiError(403, str(error.sentence), code="viewer") from error
    if job is None:
        raise NoSuchJob
    return job


def title_and_wishes(data: QueryDict, earlier: Wishes) -> tuple[str | None, Wishes]:
    """The title, None where it is not sent, and the wishes: those of `earlier` where `data` does
    not name them. Raises ApiError (400)."""
    switches: Mapping[str, Any] = {
        name: truth(data, name, default=known)
        for name, known in asdict(earlier).items()
        if isinstance(known, bool)
    }
    form = AgainForm(data)
    if not form.is_valid():
        raise ApiError(400, " ".join(form.sentences))
    if "preset" in data and not form.cleaned_data["preset"]:  # sent empty: the usual one
        earlier = replace(earlier, preset=usual_wishes().preset)
    title = form.cleaned_data["title"] if "title" in data else None
    return title, replace(form.wishes(earlier, data), **switches)


def tags_of(data: QueryDict) -> list[str] | None:
    """The tags of `tags`, repeated or separated by commas; None where it is not sent, [] where it
    is sent empty. Raises ApiError (400)."""
    if "tags" not in data:
        return None
    try:
        return named_in(map(str, data.getlist("tags")))
    except ValidationError as error:
        raise ApiError(400, " ".join(error.messages)) from error


def truth(data: QueryDict, name: str, *, default: bool) -> bool:
    """Raises ApiError (400) for anything but the usual words for yes and no."""
    if name not in data:
        return default
    sent = str(data[name])
    word = sent.strip().lower()
    if word not in TRUE + FALSE:
        raise ApiError(
            400,
            gettext("{name} is either true or false, not “{sent}”.").format(name=name, sent=sent),
        )
    return word in TRUE
