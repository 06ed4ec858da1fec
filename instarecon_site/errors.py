"""Pages and JSON for requests that end in an error.

People get a page of `templates/errors/`, programs (the API's paths, or whoever asks for JSON) get
`{"detail": "<sentence>"}` with the same status. API v1 has
problems: `application/problem+json` (RFC 9457), with a code for programs.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from django.core.exceptions import ValidationError
from django.db import DatabaseError, DataError, InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.translation import gettext_lazy as _
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

#: What a database or Redis that can't be reached raises, and an SQLite that stays locked.
AWAY = (OperationalError, InterfaceError, RedisConnectionError, RedisTimeoutError)
RETRY_AFTER_S = 10

#: What the database's drivers say of values that they can't send, with no type of its own.
_NO_COLUMN_HOLDS = ("NUL (0x00)", "Python int too large to convert")

_SENTENCES = {
    400: _("We couldn't read that request."),
    403: _("You are not allowed to do that."),
    404: _("There is nothing at this address."),
    429: _("Too many attempts. Wait a while, then try again."),
    500: _("Something went wrong on our side."),
    503: _("The site can’t reach its data right now. Nothing is lost; try again soon."),
}


def wants_json(request: HttpRequest) -> bool:
    """Whether a program asks: by the API's paths, or by preferring JSON over a page.

    A shared scene's files are for both: whoever does not ask for a page there is a program.
    """
    if request.path.startswith("/recon/pub/"):
        preferred = request.get_preferred_type(["application/json", "text/html"])
    elif _is_of_programs(request.path) or is_of_api_v1(request):
        return True
    else:
        preferred = request.get_preferred_type(["text/html", "application/json"])
    return preferred == "application/json"


def _is_of_programs(path: str) -> bool:
    return path.startswith("/recon/") or path == "/oembed"


def answer(
    request: HttpRequest, status: int, template: str = "", sentence: str = "", code: str = ""
) -> HttpResponse:
    """The error page or JSON for `status`; `sentence` says more than the status alone, and `code`
    says it to programs."""
    if wants_json(request):
        return _json(request, status, sentence or str(_SENTENCES[status]), code)
    context = {"sentence": sentence}
    return render(request, template or f"errors/{status}.html", context, status=status)


def _json(request: HttpRequest, status: int, sentence: str, code: str = "") -> HttpResponse:
    if is_of_api_v1(request):
        return problem(status, sentence, code=code)
    content = {"detail": str(sentence)} | ({"code": code} if code else {})
    return JsonResponse(content, status=status)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return answer(request, 400)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    """What a view says with `recon.web.access.LinkLocked` is shown."""
    return answer(request, 403, sentence=getattr(exception, "sentence", ""))


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """What a view says with `recon.web.access.NotThere` is shown; Django's own reasons are not."""
    return answer(request, 404, sentence=getattr(exception, "sentence", ""))


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    code = "csrf" if is_of_api_v1(request) else ""
    return answer(request, 403, "errors/403_csrf.html", code=code)


def server_error(request: HttpRequest) -> HttpResponse:
    """The answer to an exception that nobody handled; the exception decides whether it was a fault
    at all.

    Rendered without the request's context: the session or the database may be what failed.
    """
    status = status_of(sys.exc_info()[1])
    if status == 400:
        return answer(request, 400)
    response: HttpResponse
    if wants_json(request):
        response = _json(request, status, str(_SENTENCES[status]))
    else:
        response = HttpResponse(render_to_string(f"errors/{status}.html"), status=status)
    if status == 503:
        response["Retry-After"] = str(RETRY_AFTER_S)
    return response


def status_of(error: BaseException | None) -> int:
    """503 if the database, the queue or the object store is down, or has been locked for too long,
    or the site is too busy; 400 for a value that no column can hold and that no form has looked at;
    500 for the rest."""
    if _is_away(error) or getattr(error, "http_status", None) == 503:
        return 503
    if isinstance(error, (DataError, ValidationError)):
        return 400
    said = str(error) if isinstance(error, (ValueError, OverflowError)) else ""
    return 400 if any(part in said for part in _NO_COLUMN_HOLDS) else 500


def _is_away(error: BaseException | None) -> bool:
    """Whether it is one of `AWAY`, or was raised because of one: what tidies up after a lost
    connection meets the same."""
    known: list[BaseException] = []  # a chain may lead back to itself
    while error is not None and error not in known:
        # psycopg2 has no type of its own, and no code, for a server that ends while it answers.
        ended = type(error) is DatabaseError and getattr(error.__cause__, "pgcode", "") is None
        if ended or isinstance(error, AWAY):
            return True
        known.append(error)
        error = error.__cause__ or error.__context__
    return False


# --- Problems ---
#
# `type` is a URN made of the code: it names a kind of problem and is no address to open. Codes
# never change and are listed in docs/use/api-v1.md; sentences are for people, in their language.

#: Everything below answers with problems, whoever answers.
API_V1 = "/api/v1"
PROBLEM_TYPE = "application/problem+json"
_URN = "urn:instarecon3d:problem:"

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


def is_of_api_v1(request: HttpRequest) -> bool:
    """Whether the request is to API v1, be it to an address that exists or not."""
    return request.path == API_V1 or request.path.startswith(f"{API_V1}/")


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
    content = problem_facts(status, detail, code=code, title=title, errors=errors, facts=facts)
    readable = {"ensure_ascii": False}
    return JsonResponse(
        content, status=status, content_type=PROBLEM_TYPE, json_dumps_params=readable
    )


def problem_facts(
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
        "type": _URN + (code or usual_code),
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
