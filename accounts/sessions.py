"""How a sign-in ends, whichever way somebody came: with a session, or first with a second step.

Nobody is signed in until both steps are done; until then the session only knows who has done the
first. A session keeps when it began and with which second factor.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from django.conf import settings
from django.contrib.auth import login, logout, update_session_auth_hash
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, resolve_url
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.utils.http import url_has_allowed_host_and_scheme

from accounts import devices, sign_in_limits
from accounts.models import SecondFactor, User
from accounts.second_factor import remembered

BACKEND = "accounts.backends.ThrottledBackend"

#: What a session keeps.
SECOND_FACTOR, SIGNED_IN_AT, BY_PROVIDER = "second_factor", "signed_in_at", "by_provider"
WAITING = "waits_for_second_step"

#: For the second step, and for what needs a sign-in of just now.
PATIENCE_S = 10 * 60


@dataclass(frozen=True)
class Waiting:
    """Somebody who has done the first step."""

    user: User
    to: str
    by_provider: bool


def go_on(
    request: HttpRequest, user: User, to: str = "", *, by_provider: bool = False, passed: str = ""
) -> HttpResponse:
    """After the first step: signs in and goes `to` where they wanted, or asks for the second.

    `passed`: the second factor, where the provider has asked for it already.
    """
    factor = SecondFactor.objects.filter(user=user).first()
    if factor is not None and not passed and remembered.is_remembered(request, user, factor):
        passed = "remembered"
    if factor is None or passed:
        return begin(request, user, to, by_provider=by_provider, passed=passed)
    if request.user.is_authenticated and request.user.pk != user.pk:
        logout(request)  # whoever it was: the second step is the other's
    request.session[WAITING] = {
        "user": user.pk,
        "to": to,
        "by_provider": by_provider,
        "proof": user.get_session_auth_hash(),
        "at": time.time(),
    }
    return redirect("accounts:second_step")


def waiting(request: HttpRequest) -> Waiting | None:
    """Who is to do the second step: after the first, for ten minutes; None where nobody is."""
    told = request.session.get(WAITING)
    if told is None or time.time() - told["at"] > PATIENCE_S:
        return None
    user = User.objects.filter(pk=told["user"], is_active=True).first()
    if user is None or not constant_time_compare(told["proof"], user.get_session_auth_hash()):
        return None
    return Waiting(user, told["to"], told["by_provider"])


def begin(
    request: HttpRequest, user: User, to: str = "", *, by_provider: bool = False, passed: str = ""
) -> HttpResponse:
    """Signs in, and goes `to` where they wanted."""
    login(request, user, backend=BACKEND)
    request.session.pop(WAITING, None)
    request.session[SIGNED_IN_AT] = time.time()
    request.session[SECOND_FACTOR] = passed
    request.session[BY_PROVIDER] = by_provider
    devices.remember(request, sign_in_limits.one_spelling(user.email))
    return redirect(safe(request, to))


def end_others(request: HttpRequest, user: User, *, passed: str = "") -> None:
    """Ends the sessions of other browsers; this one goes on, with the second factor `passed`."""
    end_all(user)
    update_session_auth_hash(request, user)
    request.session[SECOND_FACTOR] = passed


def end_all(user: User) -> None:
    user.sessions_since = timezone.now()
    User.objects.filter(pk=user.pk).update(sessions_since=user.sessions_since)


def is_recent(request: HttpRequest) -> bool:
    """Whether they signed in just now: what a password proves for those who have none here."""
    return time.time() - float(request.session.get(SIGNED_IN_AT) or 0) < PATIENCE_S


def asks_password(user: User) -> bool:
    """Whether a password is what proves that it is them."""
    return settings.SIGN_IN_WITH_PASSWORD and user.has_usable_password()


def safe(request: HttpRequest, to: str) -> str:
    """`to`, if it is an address of this site; otherwise where people go after signing in."""
    hosts = {request.get_host()}
    if to and url_has_allowed_host_and_scheme(to, hosts, require_https=request.is_secure()):
        return to
    return resolve_url(settings.LOGIN_REDIRECT_URL)
