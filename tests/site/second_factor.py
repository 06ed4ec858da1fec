"""Signing in with a second factor, as a browser and an app do."""

from __future__ import annotations

import re
import time
from typing import Any

import pyotp
import pytest
from django.http import HttpResponse
from django.test import Client

from accounts.models import User
from accounts.second_factor import codes
from tests.site.making import PASSWORD, person

PAGE, STEP, SIGN_IN = "/accounts/second-factor/", "/accounts/sign-in/code/", "/accounts/sign-in/"


class Clock:
    """The time, which tests move on: a code is good for one half minute."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def next_code(self) -> None:
        self.ahead += codes.STEP_S


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock, now = Clock(), time.time
    monkeypatch.setattr(time, "time", lambda: now() + clock.ahead)
    return clock


def code_of(secret: str, steps: int = 0) -> str:
    return pyotp.TOTP(secret).at(int(time.time()) + steps * codes.STEP_S)


def another(code: str) -> str:
    """A wrong one."""
    return f"{(int(code) + 500_000) % 1_000_000:06}"


def with_factor(clock: Clock, email: str = "ann@example.org", **fields: Any) -> tuple[User, str]:
    """Somebody whose app is set up, and its secret; its code of now is not used."""
    user, secret = person(email, **fields), codes.new_secret()
    assert codes.switch_on(user, secret, code_of(secret))
    clock.next_code()
    return user, secret


def first_step(browser: Client, email: str = "ann@example.org", **more: str) -> HttpResponse:
    return browser.post(SIGN_IN, {"username": email, "password": PASSWORD, **more})


def second_step(browser: Client, code: str, **more: str) -> HttpResponse:
    return browser.post(STEP, {"code": code, **more})


def signed_in(browser: Client) -> bool:
    return "_auth_user_id" in browser.session


def secret_on(page: HttpResponse) -> str:
    found = re.search(r'<code class="key">([^<]+)</code>', page.content.decode())
    assert found is not None
    return found[1].replace(" ", "")


def codes_on(page: HttpResponse) -> list[str]:
    return re.findall(r"\b(?:[a-z2-9]{4}-){3}[a-z2-9]{4}\b", page.content.decode())
