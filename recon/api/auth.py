"""Who calls: a browser with its session, or a program with a bearer token.

Another site's page can't send a token behind a person's back, so it needs no CSRF token; a session
does, on every request that changes something.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import add_never_cache_headers
from django.utils.translation import gettext

from accounts import sign_in_limits, throttling
from accounts.models import ApiToken, Scope, User
from accounts.requests import HtmxRequest, P, SignedInRequest, SignedInView, View, is_signed_in
from accounts.throttling import MINUTE, Counter, Limit
from recon.api.errors import ApiError, NotSignedIn
from recon.web.bodies import receives_body

WRONG_TOKENS = Limit("api_by_address", 60, MINUTE)


def endpoint(*methods: str, scope: Scope = Scope.READ) -> Callable[[SignedInView[P]], View[P]]:
    """Wraps a view of the API for whoever has an account (`request.user`): allowed methods, the
    caller, errors as JSON.

    A token must have `scope`; a session may do all that its owner may.
    """

    def decorate(view: SignedInView[P]) -> View[P]:
        @public_endpoint(*methods)
        @wraps(view)
        def answered(request: HtmxRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            return view(identify(request, scope), *args, **kwargs)

        return answered

    return decorate


def public_endpoint(*methods: str) -> Callable[[View[P]], View[P]]:
    """Wraps a view of the API for everybody: allowed methods, errors as JSON.

    A view that changes something receives the body, and so checks who sends it
    (`recon.api.bodies`).
    """

    def decorate(view: View[P]) -> View[P]:
        @receives_body
        @wraps(view)
        def answered(request: HtmxRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            response: HttpResponseBase
            try:
                _check_method(request, methods)
                response = view(request, *args, **kwargs)
            except ApiError as error:
                response = error.response()
            if not response.has_header("Cache-Control"):  # a file says for itself
                add_never_cache_headers(response)
            return response

        return answered

    return decorate


def by_method(**views: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """One address whose methods have views of their own (`GET=..., POST=...`), all of them
    endpoints. HEAD goes with GET."""
    if "GET" in views:
        views["HEAD"] = views["GET"]
    refuse = public_endpoint(*sorted(views))(_no_view)

    @receives_body
    def dispatch(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        return views.get(str(request.method), refuse)(request, *args, **kwargs)

    return dispatch


def _no_view(request: HttpRequest, **_: Any) -> HttpResponse:
    """For a method that no view of an address is there for; never called."""
    return HttpResponse()


def _check_method(request: HttpRequest, methods: tuple[str, ...]) -> None:
    if request.method not in methods:
        allowed = ", ".join(methods)
        said = gettext("This address takes {allowed}, not {method}.")
        raise ApiError(405, said.format(allowed=allowed, method=request.method), Allow=allowed)


def identify(request: HtmxRequest, scope: Scope) -> SignedInRequest:
    """`request` as its caller's. Raises NotSignedIn, ApiError (403) for a token without `scope`,
    and TooMany. If a token is sent, it decides, even beside a good session."""
    secret = bearer(request)
    if secret is not None:
        request.user = _owner_of(secret, request, scope)
    if not is_signed_in(request):
        raise NotSignedIn(gettext("Send a bearer token from your account page, or sign in."))
    if secret is None:
        _count_call(request.user)
    return request


def _owner_of(secret: str, request: HttpRequest, scope: Scope) -> User:
    """Raises as `identify`."""
    token = ApiToken.find(secret)
    if token is None:
        throttling.spend(sign_in_limits.by_network(request, WRONG_TOKENS))
        raise NotSignedIn(gettext("This bearer token is not valid, or no longer valid."))
    _count_call(token.user)
    if not token.allows(scope):
        said = gettext("This token may not do that: it lacks the scope “{scope}”.")
        raise ApiError(403, said.format(scope=scope.value), code="token_scope")
    token.note_use()
    request.api_token = token  # type: ignore[attr-defined]
    return token.user


def _count_call(user: User) -> None:
    throttling.spend([calls_of(user)])


def calls_of(user: User) -> Counter:
    """The counter of a person's calls, of programs and pages' scripts together."""
    return Counter(Limit("api", settings.API_CALLS_A_MINUTE, MINUTE), str(user.pk))


def bearer(request: HttpRequest) -> str | None:
    """What follows "Bearer", be it as wrong as it may; None where the header is absent or another
    scheme's, as of a proxy that has a password of its own."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None
