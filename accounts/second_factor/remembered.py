"""Browsers that need no code for a month, since their owner said so: a signed cookie.

It ends with a new password, and with the second factor that it stands for.
"""

from __future__ import annotations

import time

from django.conf import settings
from django.core.signing import BadSignature, Signer
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import constant_time_compare, salted_hmac

from accounts.models import SecondFactor, User

COOKIE = "instarecon_second_factor"
DAYS = 30
#: Accounts of one browser.
MOST = 5


def _signer() -> Signer:
    """Made only when it is needed: it reads the secret key."""
    return Signer(salt="accounts.second_factor.remembered")


def is_remembered(request: HttpRequest, user: User, factor: SecondFactor) -> bool:
    proof, since = _known(request).get(_name(user), ("", 0))
    in_time = 0 <= time.time() - since < DAYS * 24 * 60 * 60
    return in_time and constant_time_compare(proof, _proof(user, factor))


def remember(
    request: HttpRequest, response: HttpResponse, user: User, factor: SecondFactor
) -> None:
    known = _known(request)
    known.pop(_name(user), None)
    known[_name(user)] = (_proof(user, factor), int(time.time()))
    response.set_cookie(
        COOKIE,
        _signer().sign_object(dict(list(known.items())[-MOST:])),
        max_age=DAYS * 24 * 60 * 60,
        secure=settings.IS_HTTPS,
        httponly=True,
        samesite="Lax",
    )


def _known(request: HttpRequest) -> dict[str, tuple[str, int]]:
    try:
        found = _signer().unsign_object(request.COOKIES.get(COOKIE, ""))
        return {name: (str(proof), int(since)) for name, (proof, since) in found.items()}
    except (BadSignature, ValueError):
        return {}


def _name(user: User) -> str:
    return salted_hmac("accounts.second_factor.name", str(user.pk)).hexdigest()[:16]


def _proof(user: User, factor: SecondFactor) -> str:
    told = f"{user.pk} {user.password} {factor.pk} {factor.since.timestamp()}"
    return salted_hmac("accounts.second_factor.proof", told, algorithm="sha256").hexdigest()[:32]
