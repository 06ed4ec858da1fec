"""Answers requests whose body the web server could not keep, before any view reads it.

A body that is too long goes on to its view, without the body: each has its own words for that.
"""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.translation import gettext_lazy as _

from instarecon_site.errors import answer
from instarecon_site.server.body import DISK_FULL, TOO_MANY

#: Why, then: the status, how many seconds to wait before trying again, and what a person is told.
_ANSWERS = {
    TOO_MANY: (
        429,
        30,
        _(
            "Too many uploads from your address are under way. Wait for some of them to finish, "
            "then continue."
        ),
    ),
    DISK_FULL: (
        507,
        300,
        _(
            "The site has no room for this upload right now. Try again later; nothing else was "
            "lost."
        ),
    ),
}


def with_refusals(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """The middleware."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        why = request.META.get("recon.refused", "")
        return refuse(request, why) if why in _ANSWERS else get_response(request)

    return middleware


def refuse(request: HttpRequest, why: str) -> HttpResponse:
    status, seconds, sentence = _ANSWERS[why]
    response = answer(request, status, "errors/upload_refused.html", str(sentence))
    response["Retry-After"] = str(seconds)
    response["Cache-Control"] = "no-store"
    return response
