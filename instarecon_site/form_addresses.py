"""Addresses that only take what a form sends, and what they say to whoever just opens them."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from instarecon_site.errors import wants_json

View = TypeVar("View", bound=Callable[..., HttpResponseBase])


def form_on(page: str, *names: str) -> Callable[[View], View]:
    """Takes POST only. A browser that opens the address is redirected to the page that has the
    form.

    After a refusal without scripts a browser shows that address, keeps it in its history, and may
    open it again later. `page` is named as in `reverse`, `names` are those of the view's arguments
    that it needs. Programs get a 405.
    """

    def decorated(view: View) -> View:
        by_post = require_POST(view)

        @wraps(view)
        def led(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if request.method in ("GET", "HEAD") and not wants_json(request):
                return redirect(page, **{name: kwargs[name] for name in names})
            return by_post(request, *args, **kwargs)

        return cast(View, led)

    return decorated
