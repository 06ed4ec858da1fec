"""What programs mean by what they send: which job, which wishes, which way of sharing it."""

from __future__ import annotations

import datetime
from dataclasses import fields, replace
from uuid import UUID

from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext

from accounts.requests import SignedInRequest
from recon.api.reading import job_of_caller
from recon.api.sharing import SharingForm
from recon.api.v1.problems import FieldsRefused, Refused
from recon.api.v1.schemas.sent import ShareSent, WishesSent
from recon.jobs import sharing
from recon.jobs.teams import moving
from recon.models import Job, Team
from recon.pipeline.errors import UserError
from recon.pipeline.wishes import Wishes
from recon.web.access import CHANGE
from recon.web.sharing.forms import AboutForm
from recon.web.tags import named_in

#: The columns of `Share` by what programs call them, and the fields of the form that checks them.
_TEXTS = {"password": "share_password", "until": "share_until", "downloads": "share_downloads"}
_SWITCHES = {"on": "is_on", "figures": "shows_figures", "in_gallery": "in_gallery"}


def own_job(request: SignedInRequest, job_id: UUID, *, change: str = CHANGE) -> Job:
    """Raises as `job_of_caller`."""
    return job_of_caller(request, job_id, change=change)


def own_draft(request: SignedInRequest, job_id: UUID) -> Job:
    """Raises NoSuchJob, Refused (409)."""
    job = own_job(request, job_id)
    if not job.is_draft:
        said = gettext("This scene has been started: only a draft’s photos can be changed.")
        raise Refused(409, "draft_started", said)
    return job


def refuse_drafts(job: Job) -> None:
    """Raises Refused (409)."""
    if job.is_draft:
        raise Refused(409, "is_draft", gettext("This draft has not been started."))


def wishes_of(sent: WishesSent, earlier: Wishes) -> Wishes:
    """The wishes, as in `earlier` where nothing is sent."""
    names = [field.name for field in fields(Wishes)]
    wished = {name: getattr(sent, name) for name in names if getattr(sent, name) is not None}
    return replace(earlier, **wished)


def title_of(title: str | None) -> str | None:
    """A title without blanks around it. Raises FieldsRefused."""
    return None if title is None else str(_about(title=title)["title"])


def team_of(request: SignedInRequest, handle: str | None) -> Team | None:
    """The team in which a scene is to be; None for nothing or an empty text: the caller alone.
    Raises FieldsRefused where the caller can make no scenes in it."""
    try:
        return moving.team_called(request.user, handle or "")
    except UserError as error:
        raise FieldsRefused([("team", str(error))]) from error


def description_of(description: str | None) -> str:
    """Raises FieldsRefused."""
    return str(_about(description=description or "")["description"])


def tags_of(tags: list[str] | None) -> list[str]:
    """Different tags, as they are written. Raises FieldsRefused."""
    try:
        return named_in(tags or [])
    except ValidationError as error:
        raise FieldsRefused([("tags", message) for message in error.messages]) from error


def share_columns(sent: ShareSent, *, prefix: str = "") -> dict[str, object]:
    """The columns of `Share` that were sent, checked by the pages' own fields.

    A time without a zone is taken for UTC. Raises FieldsRefused.
    """
    given = sent.model_dump(include=sent.model_fields_set)
    texts = {_TEXTS[name]: _text(given[name]) for name in _TEXTS.keys() & given.keys()}
    with timezone.override(datetime.UTC):
        form = SharingForm(texts)
        if not form.is_valid():
            called = {field: name for name, field in _TEXTS.items()}
            raise FieldsRefused(
                (prefix + called[field], str(message))
                for field, messages in form.errors.items()
                for message in messages
            )
    columns = {name.removeprefix("share_"): value for name, value in form.cleaned_data.items()}
    if "password" in columns:
        columns["password"] = sharing.hash_password(columns["password"])
    switches = {column: given.get(name) for name, column in _SWITCHES.items()}
    return columns | {name: value for name, value in switches.items() if value is not None}


def _text(value: object) -> str:
    if isinstance(value, datetime.datetime):
        return value.isoformat()
    return "" if value is None else str(value)


def _about(**texts: str) -> dict[str, object]:
    form = AboutForm(texts)
    if not form.is_valid():
        raise FieldsRefused.of_form(form)
    return form.cleaned_data
