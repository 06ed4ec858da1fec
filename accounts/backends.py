"""How people sign in: Django's way, with limits on guessing."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth.backends import ModelBackend
from django.http import HttpRequest

from accounts import devices, sign_in_limits, throttling
from accounts.models import User


class ThrottledBackend(ModelBackend):
    """Every sign-in: on our page, in the admin, or again before something serious.

    An unknown address costs the same time as a wrong password: Django hashes for both.
    """

    def authenticate(
        self,
        request: HttpRequest | None,
        username: str | None = None,
        password: str | None = None,
        **kwargs: Any,
    ) -> User | None:
        """Raises TooMany instead of saying whether the password is right."""
        email = username if username is not None else kwargs.get("email")
        if request is None or email is None or password is None:  # no visitor: a command, a test
            return super().authenticate(request, username, password, **kwargs)
        if not settings.SIGN_IN_WITH_PASSWORD:
            return None
        counters = sign_in_limits.sign_in(request, email)
        throttling.check(counters)
        user = super().authenticate(request, email, password)
        if user is None:
            throttling.note_wrong(counters)
        throttling.check(counters)  # this one, or others sent at the same time, may be the last
        if user is None:
            return None
        throttling.forget(counters[:1])  # this account's from here, not the network's
        devices.remember(request, sign_in_limits.one_spelling(email))
        return user
