"""What programs send: which job, and what they wish of it."""

from __future__ import annotations

import uuid
from typing import Any

from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.utils.translation import gettext

from accounts.requests import SignedInRequest
from recon.api.errors import ApiError, NoSuchJob
from recon.models import Job
from recon.web.access import CHANGE, job_for
from recon.web.tags import named_in
from recon.web.wish_forms import AgainForm

TRUE, FALSE = ("true", "1", "on", "yes"), ("false", "0", "off", "no", "")

#: Wishes in words, and yes-or-no wishes with what holds where they are not sent.
_WORDS = ("title", "preset", "outlier_filter")
_SWITCHES = {"original_resolution": False, "cross_validate": False, "final_refine": True}


def own_job(request: SignedInRequest, job_id: str, *, change: str = CHANGE) -> Job:
    """Raises NoSuchJob. `change` is what staff need for other people's (`job_for`)."""
    try:
        job = job_for(request, uuid.UUID(job_id), change=change)
    except ValueError as error:
        raise NoSuchJob from error
    if job is None:
        raise NoSuchJob
    return job


def wishes_of(data: QueryDict, *, only_sent: bool = False) -> dict[str, Any]:
    """The wishes for `submit.new_job`, checked. Raises ApiError (400).

    With `only_sent`, those that `data` does not name are left out, for whoever has others.
    """
    wishes: dict[str, Any] = {name: data.get(name, "") for name in _WORDS}
    for name, default in _SWITCHES.items():
        wishes[name] = truth(data, name, default=default)
    form = AgainForm(wishes)
    if not form.is_valid():
        raise ApiError(400, " ".join(form.sentences))
    wishes |= {name: form.cleaned_data[name] for name in _WORDS}
    return {name: wish for name, wish in wishes.items() if name in data or not only_sent}


def tags_of(data: QueryDict) -> list[str] | None:
    """The tags of `tags`, repeated or with commas between; None where it is not sent, [] where it
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
