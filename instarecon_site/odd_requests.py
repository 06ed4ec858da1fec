"""What no honest client sends, and what would end in the depths of the database."""

from __future__ import annotations

from collections.abc import Callable

from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase

Handler = Callable[[HttpRequest], HttpResponseBase]


def without_odd_cookies(get_response: Handler) -> Handler:
    """Middleware, before the sessions': a cookie that holds a NUL is as good as none.

    A quoted cookie may write one ("\\000"). No cookie of ours has one, and PostgreSQL takes none.
    """

    def middleware(request: HttpRequest) -> HttpResponseBase:
        for name in [name for name, value in request.COOKIES.items() if "\0" in value]:
            del request.COOKIES[name]
        return get_response(request)

    return middleware


def without_odd_addresses(get_response: Handler) -> Handler:
    """Middleware, the last one: there is nothing at an address that holds a NUL (%00)."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        if "\0" in request.path_info:
            raise Http404
        return get_response(request)

    return middleware
