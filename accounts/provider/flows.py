"""Sign-ins under way, in a signed cookie of the browser that began them.

Not in a session: whoever only presses the button, or a robot that follows its link, would leave a
row behind. Each comes back once, within ten minutes, in the same browser.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

from django.conf import settings
from django.core.signing import BadSignature, TimestampSigner
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import reverse

COOKIE = "instarecon_provider"
VALID_S = 10 * 60
#: Of one browser: tabs in which somebody began.
MOST = 3

SIGN_IN, CONNECT, AGAIN = "sign_in", "connect", "again"


@dataclass(frozen=True)
class Flow:
    """What a sign-in is for, and what must come back from the provider."""

    state: str
    nonce: str
    code_verifier: str
    purpose: str = SIGN_IN
    #: The page that they wanted.
    to: str = ""
    #: The end of an invitation's link.
    invitation: str = ""
    #: Who began it, signed in.
    user: int | None = None


def _signer() -> TimestampSigner:
    """Made only when it is needed: it reads the secret key."""
    return TimestampSigner(salt="accounts.provider.flows")


def keep(request: HttpRequest, response: HttpResponseBase, flow: Flow) -> None:
    _set(response, [*_flows_of(request), flow][-MOST:])


def take(request: HttpRequest, state: str) -> Flow | None:
    """The one that comes back with `state`; None where this browser has begun none such."""
    return next((flow for flow in _flows_of(request) if state and flow.state == state), None)


def drop(request: HttpRequest, response: HttpResponseBase, state: str) -> None:
    if COOKIE in request.COOKIES:
        _set(response, [flow for flow in _flows_of(request) if flow.state != state])


def _flows_of(request: HttpRequest) -> list[Flow]:
    try:
        found = _signer().unsign_object(request.COOKIES.get(COOKIE, ""), max_age=VALID_S)
        return [Flow(**one) for one in found]
    except (BadSignature, ValueError, TypeError):
        return []


def _set(response: HttpResponseBase, flows: list[Flow]) -> None:
    path = reverse("accounts:account")
    if not flows:
        response.delete_cookie(COOKIE, path=path)
        return
    response.set_cookie(
        COOKIE,
        _signer().sign_object([asdict(flow) for flow in flows], compress=True),
        max_age=VALID_S,
        path=path,
        secure=settings.IS_HTTPS,
        httponly=True,
        samesite="Lax",  # it must come along when the provider sends them back
    )
