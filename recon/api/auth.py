"""Who calls: a browser with its session, or a program with a bearer token.

A token can't be sent by a foreign page behind a person's back, so it needs no CSRF token; a
session does, on every request that changes something.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, cast

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.middleware.csrf import CsrfViewMiddleware
from django.utils.cache import add_never_cache_headers
from django.utils.translation import gettext
from django.views.decorators.csrf import csrf_exempt

from accounts import limits, throttling
from accounts.models import ApiToken, Scope, User
from accounts.throttling import MINUTE, Counter, Limit
from recon.api.errors import ApiError, NotSignedIn

ApiView = Callable[..., HttpResponseBase]

WRONG_TOKENS = Limit("api_by_address", 60, MINUTE)


def endpoint(
    *methods: str, scope: Scope = Scope.READ, public: bool = False
) -> Callable[[ApiView], ApiView]:
    """Wraps a view of the API: allowed methods, the caller (`request.user`), errors as JSON.

    A token must have `scope`; a session may do all that its owner may.

    The CSRF middleware is told to stand back because it would read a whole upload before the
    token is looked at; a view that changes something receives the body (`recon.api.bodies`).
    """

    def decorate(view: ApiView) -> ApiView:
        @csrf_exempt
        @wraps(view)
        def answered(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            response: HttpResponseBase
            try:
                _check_method(request, methods)
                if not public:
                    request.user = _caller(request, scope)
                response = view(request, *args, **kwargs)
            except ApiError as error:
                response = error.response()
            if not response.has_header("Cache-Control"):  # a file says for itself
                add_never_cache_headers(response)
            return response

        return cast(ApiView, answered)

    return decorate


def by_method(**views: ApiView) -> ApiView:
    """One address whose methods have views of their own (`GET=..., POST=...`), all of them
    endpoints. HEAD goes with GET."""
    if "GET" in views:
        views["HEAD"] = views["GET"]
    refused = endpoint(*sorted(views), public=True)(_unmarked)

    @csrf_exempt
    def chosen(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        return views.get(str(request.method), refused)(request, *args, **kwargs)

    return cast(ApiView, chosen)


def check_csrf(request: HttpRequest) -> None:
    """Raises ApiError (403) for a request by session without a valid CSRF token.

    Reads the body, so call it after that was received (`recon.api.bodies`).
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


def _unmarked(request: HttpRequest, **_: Any) -> HttpResponse:
    """Stands for a view that is not exempt."""
    return HttpResponse()


def _check_method(request: HttpRequest, methods: tuple[str, ...]) -> None:
    if request.method not in methods:
        allowed = ", ".join(methods)
        said = gettext("This address takes {allowed}, not {method}.")
        raise ApiError(405, said.format(allowed=allowed, method=request.method), Allow=allowed)


def _caller(request: HttpRequest, scope: Scope) -> User:
    """Raises NotSignedIn, ApiError (403) for a token without `scope`, and TooMany. A token that is
    sent counts, even beside a good session."""
    secret = _bearer(request)
    if secret is None:
        if not request.user.is_authenticated:
            raise NotSignedIn(gettext("Send a bearer token from your account page, or sign in."))
        _count_call(request.user)
        return request.user
    token = ApiToken.find(secret)
    if token is None:
        throttling.spend(limits.by_network(request, WRONG_TOKENS))
        raise NotSignedIn(gettext("This bearer token is not valid, or no longer valid."))
    _count_call(token.user)
    if not token.allows(scope):
        said = gettext("This token may not do that: it lacks the scope “{scope}”.")
        raise ApiError(403, said.format(scope=scope.value), code="token_scope")
    token.note_use()
    return token.user


def _count_call(user: User) -> None:
    each = Limit("api", settings.API_CALLS_A_MINUTE, MINUTE)
    throttling.spend([Counter(each, str(user.pk))])


def _bearer(request: HttpRequest) -> str | None:
    """What follows "Bearer", be it as wrong as it may; None where the header is absent or another
    scheme's, as of a proxy that has a password of its own."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None
