"""Errors as API v1 tells them: `application/problem+json` (RFC 9457), with a code for programs.

`type` is a URN made of the code: it names a kind of problem and is no address to open. Codes never
change and are listed in docs/use/api-v1.md; sentences are for people, in their language.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from django.http import HttpRequest, JsonResponse
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

#: Everything below answers in this way, whoever answers.
ROOT = "/api/v1"
MEDIA_TYPE = "application/problem+json"
TYPE = "urn:instarecon3d:problem:"

#: What each status is called, and the code where nothing more is known.
_BY_STATUS: dict[int, tuple[str, StrOrPromise]] = {
    400: ("bad_request", _("The request can’t be read")),
    401: ("not_signed_in", _("Not signed in")),
    403: ("forbidden", _("Not allowed")),
    404: ("not_found", _("Not found")),
    405: ("method_not_allowed", _("Another method is needed")),
    409: ("conflict", _("Not possible at present")),
    413: ("too_large", _("Too large")),
    415: ("unsupported_media_type", _("Unknown kind of body")),
    416: ("range_not_satisfiable", _("No such part of the file")),
    422: ("invalid_fields", _("Some fields are wrong")),
    429: ("too_many_requests", _("Too much at a time")),
    500: ("server_error", _("A fault of ours")),
    503: ("unavailable", _("Not available right now")),
    507: ("no_room", _("No room left")),
}


def is_asked(request: HttpRequest) -> bool:
    """Whether the request is to API v1, be it to an address that exists or not."""
    return request.path == ROOT or request.path.startswith(f"{ROOT}/")


def problem(
    status: int,
    detail: StrOrPromise,
    *,
    code: str = "",
    title: str = "",
    errors: Sequence[Mapping[str, str]] = (),
    facts: Mapping[str, object] | None = None,
) -> JsonResponse:
    """The answer. `errors` has the wrong fields: `field`, a path with dots, and `message`."""
    content = as_dict(status, detail, code=code, title=title, errors=errors, facts=facts)
    readable = {"ensure_ascii": False}
    return JsonResponse(content, status=status, content_type=MEDIA_TYPE, json_dumps_params=readable)


def as_dict(
    status: int,
    detail: StrOrPromise,
    *,
    code: str = "",
    title: str = "",
    errors: Sequence[Mapping[str, str]] = (),
    facts: Mapping[str, object] | None = None,
) -> dict[str, object]:
    """The same as it stands in an answer about several things, of which one was refused."""
    usual_code, usual_title = _BY_STATUS[status]
    content: dict[str, object] = {
        "type": TYPE + (code or usual_code),
        "title": title or str(usual_title),
        "status": status,
        "detail": str(detail),
        "code": code or usual_code,
    }
    if errors:
        content["errors"] = [dict(error) for error in errors]
    if facts:
        content["facts"] = dict(facts)
    return content
