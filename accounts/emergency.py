"""A link that signs a superuser in, for whoever can run commands on the server: the way in where
the provider is away and nobody signs in with a password."""

from __future__ import annotations

from django.conf import settings
from django.core import signing
from django.urls import reverse
from django.utils.crypto import constant_time_compare, salted_hmac

from accounts.models import User

SALT = "accounts.emergency"
VALID_S = 15 * 60


def link_for(user: User) -> str:
    """It works once, for a quarter of an hour; a second factor is asked for as ever."""
    wanted = {"user": user.pk, "proof": _proof(user)}
    return settings.BASE_URL + reverse(
        "accounts:sign_in_link", args=(signing.dumps(wanted, salt=SALT),)
    )


def read_link(token: str) -> User | None:
    """Whom it signs in; None where it is too old, was used, or they may not any more."""
    try:
        wanted = signing.loads(token, salt=SALT, max_age=VALID_S)
    except signing.BadSignature:
        return None
    user = User.objects.filter(pk=wanted["user"], is_active=True, is_superuser=True).first()
    if user is None or not constant_time_compare(wanted["proof"], _proof(user)):
        return None
    return user


def _proof(user: User) -> str:
    """Changes with each sign-in."""
    told = f"{user.pk} {user.password} {user.last_login}"
    return salted_hmac(SALT, told, algorithm="sha256").hexdigest()[:32]
