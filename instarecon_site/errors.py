"""Pages and JSON for requests that end in an error.

People get a page of `templates/errors/`, programs (the API's paths, or whoever asks for JSON) get
`{"detail": "<sentence>"}` with the same status.
"""

from __future__ import annotations

import sys

from django.core.exceptions import ValidationError
from django.db import DataError, InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.translation import gettext_lazy as _
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

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
    elif request.path.startswith("/recon/") or request.path == "/oembed":
        return True
    else:
        preferred = request.get_preferred_type(["text/html", "application/json"])
    return preferred == "application/json"


def answer(
    request: HttpRequest, status: int, template: str = "", sentence: str = "", code: str = ""
) -> HttpResponse:
    """The error page or JSON for `status`; `sentence` says more than the status alone, and `code`
    says it to programs."""
    if wants_json(request):
        content = {"detail": str(sentence or _SENTENCES[status])} | ({"code": code} if code else {})
        return JsonResponse(content, status=status)
    context = {"sentence": sentence}
    return render(request, template or f"errors/{status}.html", context, status=status)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return answer(request, 400)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    """What a view says with `recon.web.access.LinkLocked` is shown."""
    return answer(request, 403, sentence=getattr(exception, "sentence", ""))


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """What a view says with `recon.web.access.NotThere` is shown; Django's own reasons are not."""
    return answer(request, 404, sentence=getattr(exception, "sentence", ""))


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    return answer(request, 403, "errors/403_csrf.html")


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
        response = JsonResponse({"detail": str(_SENTENCES[status])}, status=status)
    else:
        response = HttpResponse(render_to_string(f"errors/{status}.html"), status=status)
    if status == 503:
        response["Retry-After"] = str(RETRY_AFTER_S)
    return response


def status_of(error: BaseException | None) -> int:
    """503 if the database, the queue or the object store is down, or has been locked for too long,
    or the site is too busy; 400 for a value that no column can hold and that no form has looked at;
    500 for the rest."""
    if isinstance(error, AWAY) or getattr(error, "http_status", None) == 503:
        return 503
    if isinstance(error, (DataError, ValidationError)):
        return 400
    said = str(error) if isinstance(error, (ValueError, OverflowError)) else ""
    return 400 if any(part in said for part in _NO_COLUMN_HOLDS) else 500
