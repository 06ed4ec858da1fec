"""Browsers that have signed in to an account before: a signed cookie says so.

It opens nothing. A wrong password from such a browser is counted by itself, so that nobody's
guessing elsewhere can lock out an account's owner (`accounts.sign_in_limits`).
"""

from __future__ import annotations

import secrets
from collections.abc import Callable

from django.conf import settings
from django.core.signing import BadSignature, TimestampSigner
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.crypto import salted_hmac

COOKIE = "instarecon_device"
#: A browser is known for this long after its last sign-in, for this many accounts.
KNOWN_S, MOST = 365 * 24 * 60 * 60, 5


def _signer() -> TimestampSigner:
    """Made only when it is needed: it reads the secret key."""
    return TimestampSigner(salt="accounts.devices")


def device_of(request: HttpRequest, account: str) -> str:
    """This browser's number for the account (an address in lower case), or "" if it is not
    known."""
    return _known(request).get(_digest(account), "")


def remember(request: HttpRequest, account: str) -> None:
    """Has the answer tell this browser that it signed in to the account."""
    request.signed_in_to = account  # type: ignore[attr-defined]


def remember_devices(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """Middleware: sets the cookie on the answer to a sign-in."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        account = getattr(request, "signed_in_to", "")
        if account:
            _set(request, response, account)
        return response

    return middleware


def _set(request: HttpRequest, response: HttpResponseBase, account: str) -> None:
    known = _known(request)
    number = known.pop(_digest(account), "") or secrets.token_urlsafe(12)
    known[_digest(account)] = number
    response.set_cookie(
        COOKIE,
        _signer().sign_object(dict(list(known.items())[-MOST:])),
        max_age=KNOWN_S,
        secure=settings.IS_HTTPS,
        httponly=True,
        samesite="Lax",
    )


def _known(request: HttpRequest) -> dict[str, str]:
    try:
        return dict(_signer().unsign_object(request.COOKIES.get(COOKIE, ""), max_age=KNOWN_S))
    except (BadSignature, ValueError):
        return {}


def _digest(account: str) -> str:
    return salted_hmac("accounts.devices", account, algorithm="sha256").hexdigest()[:24]
