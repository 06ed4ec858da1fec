"""What goes wrong under /api/v1, as problems with codes (`instarecon_site.errors`)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from django import forms
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext
from ninja import NinjaAPI
from ninja.errors import HttpError
from ninja.errors import ValidationError as SchemaError

from accounts.throttling import TooMany
from instarecon_site.errors import problem, problem_facts
from recon.api.auth import bearer
from recon.api.errors import ApiError, NoSuchJob, NotSignedIn
from recon.models import Job
from recon.pipeline.errors import ReconError
from recon.web import faults

#: What our views call what was sent.
_PARAMETERS = ("sent", "wanted", "expected")


class Refused(Exception):
    """Ends a request with a problem of this status and code."""

    def __init__(self, status: int, code: str, detail: str, *, retry_after_s: int = 0) -> None:
        super().__init__(detail)
        self.status, self.code, self.detail = status, code, detail
        self.retry_after_s = retry_after_s


class FieldsRefused(Exception):
    """Ends a request with 422; `errors` are pairs of a field, a path with dots, and a sentence."""

    def __init__(self, errors: Iterable[tuple[str, str]]) -> None:
        super().__init__()
        self.errors = [{"field": field, "message": message} for field, message in errors]

    @classmethod
    def of_form(cls, form: forms.Form, prefix: str = "") -> FieldsRefused:
        """What `form` says of its fields, after `is_valid`."""
        return cls(
            (prefix + ("" if name == "__all__" else name), str(message))
            for name, messages in form.errors.items()
            for message in messages
        )


def answer_problems(api: NinjaAPI) -> None:
    """Has `api` answer everything that its views raise, and its own refusals, with problems. What
    is left goes to Django, whose answers are problems here, too."""
    handlers: dict[type[Exception], Any] = {
        Refused: _refused,
        FieldsRefused: _fields_refused,
        SchemaError: _schema_refused,
        ApiError: _api_error,
        ReconError: _recon_error,
        TooMany: _too_many,
        Job.DoesNotExist: _deleted_meanwhile,
        HttpError: _http_error,
        Http404: _not_found,
        Exception: _left_to_django,
    }
    for kind, handler in handlers.items():
        api.add_exception_handler(kind, handler)


def of_error(error: ReconError) -> dict[str, object]:
    """A problem of the pipeline's, for an answer about several things."""
    return problem_facts(
        faults.status_of(error), str(error), code=error.code, facts=_plain(error.facts)
    )


def _refused(request: HttpRequest, error: Refused) -> HttpResponse:
    answer = problem(error.status, error.detail, code=error.code)
    if error.retry_after_s:
        answer["Retry-After"] = str(error.retry_after_s)
    return answer


def _fields_refused(request: HttpRequest, error: FieldsRefused) -> HttpResponse:
    return problem(422, _about_fields(), errors=error.errors)


def _schema_refused(request: HttpRequest, error: SchemaError) -> HttpResponse:
    """Pydantic's words for each field; they are English in every language."""
    errors = [{"field": _path(one["loc"]), "message": str(one["msg"])} for one in error.errors]
    return problem(422, _about_fields(), errors=errors)


def _about_fields() -> str:
    return gettext("Some of what was sent is wrong: “errors” has each field and what it takes.")


def _path(location: Iterable[object]) -> str:
    """Pydantic names first where a value came from; then may come the view's own parameter."""
    _, *path = [str(part) for part in location]
    return ".".join(path[1:] if path and path[0] in _PARAMETERS else path)


def _api_error(request: HttpRequest, error: ApiError) -> HttpResponse:
    code = error.code
    if isinstance(error, NotSignedIn) and bearer(request) is not None:
        code = "token_invalid"
    elif isinstance(error, NoSuchJob):
        code = "no_such_job"
    answer = problem(error.status, error.detail, code=code)
    for name, value in error.headers.items():
        answer[name.replace("_", "-")] = value
    return answer


def _deleted_meanwhile(request: HttpRequest, error: Job.DoesNotExist) -> HttpResponse:
    return _api_error(request, NoSuchJob())


def _recon_error(request: HttpRequest, error: ReconError) -> HttpResponse:
    status = faults.status_of(error)
    answer = problem(status, str(error), code=error.code, facts=_plain(error.facts))
    for name, value in faults.headers_of(error).items():
        answer[name] = value
    return answer


def _too_many(request: HttpRequest, error: TooMany) -> HttpResponse:
    answer = problem(429, error.sentence)
    answer["Retry-After"] = answer["RateLimit-Reset"] = str(error.wait_s)
    answer["RateLimit-Limit"], answer["RateLimit-Remaining"] = str(error.limit.amount), "0"
    return answer


def _http_error(request: HttpRequest, error: HttpError) -> HttpResponse:
    """Ninja's own: a body that is no JSON."""
    return problem(error.status_code, gettext("The body is not valid JSON in UTF-8."))


def _not_found(request: HttpRequest, error: Http404) -> HttpResponse:
    sentence = getattr(error, "sentence", None) or gettext("There is nothing at this address.")
    return problem(404, sentence)


def _left_to_django(request: HttpRequest, error: Exception) -> HttpResponse:
    raise error


def _plain(facts: Mapping[str, object]) -> dict[str, object]:
    plain: dict[str, object] = json.loads(json.dumps(dict(facts), default=str))
    return plain
