"""Requests that nobody means to send: no honest client's, or a browser's that was led astray."""

from __future__ import annotations

from collections.abc import Callable

from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import render

from instarecon_site.errors import wants_json

Handler = Callable[[HttpRequest], HttpResponseBase]


def without_odd_cookies(get_response: Handler) -> Handler:
    """Middleware, before the sessions': a cookie that holds a NUL is ignored.

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


def with_a_page_for_buttons(get_response: Handler) -> Handler:
    """Middleware: whoever opens a button's address, as after signing in or from the history, gets a
    page that says so with the 405, not an empty one.
    """

    def middleware(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        is_look = request.method in ("GET", "HEAD")
        if response.status_code != 405 or not is_look or wants_json(request):
            return response
        page = render(request, "errors/405.html", status=405)
        page["Allow"] = response.get("Allow", "POST")
        return page

    return middleware
