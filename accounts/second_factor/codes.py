"""Checks codes, and counts wrong ones.

Whoever gets to guess at codes has the password. So they are counted for the account, wherever they
come from and whatever cookies they bring; recovery codes by themselves, so that the owner gets in
with one of these while somebody else guesses.
"""

from __future__ import annotations

import secrets
import time

from django.conf import settings
from django.db import transaction

from accounts import throttling
from accounts.models import RecoveryCode, SecondFactor, User
from accounts.second_factor import keys
from accounts.throttling import DAY, HOUR, MINUTE, Counter, Limit

#: Three of a million codes are right at any moment: a day's guesses find one in 1 of 6,700 cases.
CODES = (Limit("code", 6, 15 * MINUTE), Limit("code", 50, DAY))
RECOVERY_CODES = (Limit("recovery_code", 6, HOUR),)

STEP_S, DIGITS = 30, 6
#: So many steps early or late an app's clock may be.
OFF_BY = 1

BY_APP, BY_RECOVERY_CODE = "app", "recovery code"


def new_secret() -> str:
    """160 random bits, in base 32, as apps take it."""
    import pyotp  # here: no page but these needs it

    return pyotp.random_base32()


def app_address(user: User, secret: str) -> str:
    """What the QR code says: `otpauth://...`."""
    import pyotp

    site = settings.BASE_URL.partition("://")[2].partition("/")[0]
    issuer = f"InstaRecon3D {site}".replace(":", " ")  # a colon ends the issuer's name
    return pyotp.TOTP(secret).provisioning_uri(name=user.email, issuer_name=issuer)


def is_app_code(typed: str) -> bool:
    return len(_bare(typed)) == DIGITS and _bare(typed).isdigit()


def check(user: User, typed: str) -> str:
    """How `typed` proves that it is them (BY_APP, BY_RECOVERY_CODE); "" where it does not.

    Raises TooMany, and KeyLost for an app's code that can't be checked any more.
    """
    is_app = is_app_code(typed)
    limits = CODES if is_app else RECOVERY_CODES
    counters = [Counter(limit, str(user.pk)) for limit in limits]
    throttling.check(counters)
    is_right = _spend_app_code(user, typed) if is_app else RecoveryCode.spend(user, typed)
    if not is_right:
        throttling.note_wrong(counters)
    throttling.check(counters)  # this one, or others sent at the same time, may be the last
    if not is_right:
        return ""
    throttling.forget(counters[:1])  # a day's guesses stay counted, however often the owner comes
    return BY_APP if is_app else BY_RECOVERY_CODE


@transaction.atomic
def switch_on(user: User, secret: str, typed: str) -> list[str] | None:
    """Makes the app their second factor where `typed` is its code: then the recovery codes, which
    are shown this once. Raises TooMany."""
    counters = [Counter(limit, f"new {user.pk}") for limit in CODES]
    throttling.check(counters)
    step = _step_of(secret, typed)
    if step is None:
        throttling.note_wrong(counters)
        return None
    SecondFactor.objects.filter(user=user).delete()
    SecondFactor.objects.create(user=user, secret=keys.encrypt(secret), last_step=step)
    return RecoveryCode.make_anew(user)


@transaction.atomic
def switch_off(user: User) -> bool:
    """False where there was none."""
    RecoveryCode.objects.filter(user=user).delete()
    return bool(SecondFactor.objects.filter(user=user).delete()[0])


def _spend_app_code(user: User, typed: str) -> bool:
    """Whether it is right and new; it never is again, nor is an earlier one."""
    factor = SecondFactor.objects.filter(user=user).first()
    if factor is None:
        return False
    secret = keys.decrypt(factor.secret)
    step = _step_of(secret, typed)
    if step is None:
        return False
    change: dict[str, object] = {"last_step": step}
    if keys.is_of_an_earlier_key(factor.secret):
        change["secret"] = keys.encrypt(secret)
    unused = SecondFactor.objects.filter(pk=factor.pk, last_step__lt=step)
    return bool(unused.update(**change))  # of two requests at once, one


def _step_of(secret: str, typed: str) -> int | None:
    """The half minute whose code it is, of those that count now."""
    import pyotp

    app, now, found = pyotp.TOTP(secret), int(time.time()) // STEP_S, None
    for step in range(now - OFF_BY, now + OFF_BY + 1):
        if secrets.compare_digest(app.at(step * STEP_S), _bare(typed)):
            found = step
    return found


def _bare(typed: str) -> str:
    """Without the spaces that apps show in the middle."""
    return "".join(typed.split())
