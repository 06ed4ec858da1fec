"""What programs send in a request's body: a form, or JSON that is read as the same form.

A body that can't be read is refused with a sentence, never ignored: otherwise a wish would seem
granted that was never read.
"""

from __future__ import annotations

import json
from functools import partial
from typing import Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, QueryDict, UnreadablePostError
from django.utils.translation import gettext

from accounts.requests import SignedInRequest
from recon.api.auth import bearer
from recon.api.errors import ApiError
from recon.web import bodies, uploads

FORMS = ("multipart/form-data", "application/x-www-form-urlencoded")
JSON = "application/json"


def receive(request: SignedInRequest, *, may_be_json: bool = True) -> QueryDict:
    """The fields of the body, read within the limits; then checks who sends it.

    Without a body there are none, whatever its type is said to be. Files are in `request.FILES`.
    Raises ApiError: 400 for what is broken, 403 for a session without its CSRF token, 413 for too
    much, 415 for what is neither a form nor (with `may_be_json`) JSON.
    """
    read = partial(_fields, may_be_json=may_be_json)
    try:
        return bodies.receive(request, read, by_session=bearer(request) is None)
    except bodies.CsrfRefused as refused:
        said = gettext("Programs send a bearer token instead of a session.")
        raise ApiError(403, f"{refused.reason} {said}") from refused


def receive_none(request: SignedInRequest) -> None:
    """For methods that take no fields, such as DELETE: reads the body as `receive` does, and
    refuses one that is not empty. What can't be undone must not be done by misunderstanding.

    Raises ApiError as `receive` does, and 400 for a field or a file.
    """
    if receive(request) or request.FILES:
        said = gettext("{method} takes no fields: send it without a body.")
        raise ApiError(400, said.format(method=request.method))


def _fields(request: SignedInRequest, *, may_be_json: bool) -> QueryDict:
    kind = request.content_type or ""
    if not has_body(request):
        return QueryDict()
    if is_encoded(request):
        raise ApiError(415, gettext("Send the body as it is, without Content-Encoding."))
    if kind in FORMS:
        return read_form(request)
    if kind == JSON and may_be_json:
        return _fields_of(read_json(request))
    raise _unsupported(kind, may_be_json)


def has_body(request: HttpRequest) -> bool:
    """The web server has taken the body whole, and says its length even where the sender did
    not."""
    try:
        return int(request.META.get("CONTENT_LENGTH") or 0) > 0
    except ValueError:
        return False


def is_encoded(request: HttpRequest) -> bool:
    return request.headers.get("Content-Encoding", "identity").strip().lower() != "identity"


def _unsupported(kind: str, may_be_json: bool) -> ApiError:
    if may_be_json:
        said = gettext("Send the fields as a form ({forms}) or as JSON ({json}), not as {kind}.")
    else:
        said = gettext("Send the photos as a form ({form}), not as {kind}.")
    accepted = (*FORMS, JSON) if may_be_json else FORMS
    unnamed = gettext("a body that does not say what it is (Content-Type)")
    detail = said.format(form=FORMS[0], forms=", ".join(FORMS), json=JSON, kind=kind or unnamed)
    return ApiError(415, detail, Accept=", ".join(accepted))


def read_form(request: SignedInRequest) -> QueryDict:
    method, request.method = request.method, "POST"  # Django reads forms of no other
    try:
        uploads.receive(request)
    except uploads.UploadRefused as refused:
        raise ApiError(refused.status, str(refused)) from refused
    finally:
        request.method = method
    return request.POST


def read_json(request: HttpRequest) -> dict[str, Any]:
    try:
        sent = json.loads(request.body.decode("utf-8-sig"), parse_constant=_refuse_constant)
    except RequestDataTooBig as error:
        raise ApiError(413, gettext("The body's JSON is too large.")) from error
    except UnreadablePostError as error:
        raise ApiError(400, gettext("The body arrived cut off. Send it again.")) from error
    except json.JSONDecodeError as error:
        said = gettext("The body is not valid JSON: see line {line}, column {column}.")
        raise ApiError(400, said.format(line=error.lineno, column=error.colno)) from error
    except (ValueError, RecursionError) as error:  # not UTF-8, NaN, endless digits or brackets
        raise ApiError(400, gettext("The body is not valid JSON in UTF-8.")) from error
    if not isinstance(sent, dict):
        said = gettext("The body's JSON must be an object with the fields, such as {example}.")
        raise ApiError(400, said.format(example='{"title": "Fern"}'))
    return sent


def _refuse_constant(name: str) -> None:
    """NaN and Infinity, which Python reads and JSON does not have."""
    raise ValueError(name)


def _fields_of(sent: dict[str, Any]) -> QueryDict:
    """The same as a form would have sent it: a list is a field that is repeated."""
    fields = QueryDict(mutable=True)
    for name, value in sent.items():
        for one in value if isinstance(value, list) else [value]:
            fields.appendlist(checked_text(name), _text(name, one))
    if sum(len(values) for _, values in fields.lists()) > settings.DATA_UPLOAD_MAX_NUMBER_FIELDS:
        raise ApiError(400, gettext("The body has too many fields."))
    return fields


def _text(name: str, value: Any) -> str:
    """A field as a form writes it; null is a field that is sent empty."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return ""
    if isinstance(value, str):
        return checked_text(value)
    if isinstance(value, int | float):
        return str(value)
    said = gettext("{name} is a text, a number, true, false, null or a list of such.")
    raise ApiError(400, said.format(name=name))


def checked_text(text: str) -> str:
    """Raises ApiError (400) for what JSON can write and no text has: NUL, half a character."""
    if "\0" in text or any("\ud800" <= character <= "\udfff" for character in text):
        raise ApiError(400, gettext("The body's JSON has characters that can't be stored."))
    return text
