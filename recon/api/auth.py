"""Who calls: a browser with its session, or a program with a bearer token.

A token can't be sent by a foreign page behind a person's back, so it needs no CSRF token; a
session does, on every request that changes something.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, cast

from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import CsrfViewMiddleware
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt

from accounts.models import ApiToken, User
from recon.api.errors import ApiError, NotSignedIn

ApiView = Callable[..., HttpResponse]


def endpoint(*methods: str, public: bool = False) -> Callable[[ApiView], ApiView]:
    """Wraps a view of the API: allowed methods, the caller (`request.user`), errors as JSON.

    The CSRF middleware is told to stand back because it would read a whole upload before the
    token is looked at; a view that changes something calls `check_csrf` itself.
    """

    def decorate(view: ApiView) -> ApiView:
        @csrf_exempt
        @never_cache
        @wraps(view)
        def answered(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            try:
                _check_method(request, methods)
                if not public:
                    request.user = _caller(request)
                return view(request, *args, **kwargs)
            except ApiError as error:
                return error.response()

        return cast(ApiView, answered)

    return decorate


def check_csrf(request: HttpRequest) -> None:
    """Raises ApiError (403) for a request by session without a valid CSRF token.

    Reads the body, so call it after `uploads.receive`.
    """
    if _bearer(request) is None:
        middleware = _CsrfCheck(lambda _: HttpResponse())
        middleware.process_request(request)
        reason = middleware.process_view(request, _unmarked, (), {})
        if reason:
            raise ApiError(
                403, f"{reason} {gettext('Programs send a bearer token instead of a session.')}"
            )


class _CsrfCheck(CsrfViewMiddleware):
    """Django's check, giving the reason instead of a page."""

    def _reject(self, request: HttpRequest, reason: str) -> str:
        return reason


def _unmarked(request: HttpRequest) -> HttpResponse:
    """Stands for a view that is not exempt."""
    return HttpResponse()


def _check_method(request: HttpRequest, methods: tuple[str, ...]) -> None:
    if request.method not in methods:
        allowed = ", ".join(methods)
        said = gettext("This address takes {allowed}, not {method}.")
        raise ApiError(405, said.format(allowed=allowed, method=request.method), Allow=allowed)


def _caller(request: HttpRequest) -> User:
    """Raises NotSignedIn. A token that is sent counts, even beside a good session."""
    token = _bearer(request)
    if token is None:
        if not request.user.is_authenticated:
            raise NotSignedIn(gettext("Send a bearer token from your account page, or sign in."))
        return request.user
    user = ApiToken.owner_of(token)
    if user is None:
        raise NotSignedIn(gettext("This bearer token is not valid (any more)."))
    return user


def _bearer(request: HttpRequest) -> str | None:
    """What follows "Bearer", be it as wrong as it may; None where the header is absent or another
    scheme's, as of a proxy that has a password of its own."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None
