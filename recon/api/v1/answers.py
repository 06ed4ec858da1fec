"""What every answer of API v1 has: validators, how many calls are left, and problems for the wrong
method.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import get_conditional_response, patch_vary_headers
from django.utils.translation import gettext
from django.views.decorators.csrf import csrf_exempt

from accounts import throttling
from accounts.models import User
from instarecon_site.errors import problem
from recon.api.auth import calls_of
from recon.api.v1 import repeats

View = Callable[..., HttpResponseBase]


def answered(view: View) -> View:
    """Wraps the view of one address, whatever its methods."""

    @csrf_exempt  # `callers.receive` checks, once it is known who sends the body
    @wraps(view)
    def complete(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        response = None
        try:
            response = _by_method(view, request, *args, **kwargs)
        finally:
            repeats.settle(request, response)
        if response.status_code == 405:
            response = _wrong_method(request, response)
        if not response.has_header("Cache-Control"):
            response["Cache-Control"] = "private, no-cache"
        patch_vary_headers(response, ["Authorization", "Cookie", "Accept-Language"])
        response = _validated(request, response)
        _say_calls_left(request, response)
        return response

    return complete


def _by_method(view: View, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
    """HEAD is answered as GET is, without the body."""
    if request.method != "HEAD":
        return view(request, *args, **kwargs)
    request.method = "GET"
    try:
        return view(request, *args, **kwargs)
    finally:
        request.method = "HEAD"


def _wrong_method(request: HttpRequest, response: HttpResponseBase) -> HttpResponse:
    methods = sorted(part.strip() for part in response["Allow"].split(",") if part.strip())
    methods = [*methods, "HEAD"] if "GET" in methods else methods
    said = gettext("This address takes {allowed}, not {method}.")
    detail = said.format(allowed=", ".join(methods), method=request.method)
    answer = problem(405, detail)
    answer["Allow"] = ", ".join(methods)
    return answer


def _say_calls_left(request: HttpRequest, response: HttpResponseBase) -> None:
    user = getattr(request, "user", None)
    if not isinstance(user, User) or response.has_header("RateLimit-Limit"):
        return
    counter = calls_of(user)
    left, seconds = throttling.room(counter)
    response["RateLimit-Limit"] = str(counter.limit.amount)
    response["RateLimit-Remaining"] = str(left)
    response["RateLimit-Reset"] = str(seconds)


def _validated(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    """With an ETag of what is in it; 304 where the client has that already."""
    is_look = request.method in ("GET", "HEAD") and response.status_code == 200
    if not is_look or not isinstance(response, HttpResponse):
        return response
    if response.has_header("ETag") or response.has_header("X-Accel-Redirect"):  # nginx sends it
        return response
    etag = f'"{hashlib.sha256(response.content).hexdigest()[:32]}"'
    response["ETag"] = etag
    return get_conditional_response(request, etag=etag, response=response) or response
