"""Signing in at a provider as a browser does, over HTTP to a real one (`oidc_provider`)."""

from __future__ import annotations

from collections.abc import Iterator
from http.client import HTTPConnection
from urllib.parse import urlsplit

import pytest
from django.http import HttpResponse
from django.test import Client
from joserfc.jwk import RSAKey
from pytest_django.fixtures import SettingsWrapper

from accounts.models import User
from accounts.provider import client as provider_client
from accounts.provider.environment import Oidc
from tests.site.oidc_provider import CLIENT_ID, CLIENT_SECRET, Provider, running

ANN = {"sub": "1001", "email": "ann@example.org", "email_verified": True}
START, CALLBACK = "/accounts/provider/", "/accounts/provider/callback/"


@pytest.fixture(scope="module")
def provider_key() -> RSAKey:
    return RSAKey.generate_key(2048, {"kid": "first"})


@pytest.fixture
def provider(settings: SettingsWrapper, provider_key: RSAKey) -> Iterator[Provider]:
    with running(Provider(claims=dict(ANN), key=provider_key)) as provider:
        settings.OIDC = Oidc(
            issuer=provider.url,
            client_id=CLIENT_ID,
            client_secret=CLIENT_SECRET,
            name="Example ID",
            sign_up="on",
            email_domains=(),
            trust_email=False,
            staff=None,
            second_factor="ask",
        )
        provider_client.forget()
        yield provider
    provider_client.forget()


def at_provider(browser: Client, **query: str) -> str:
    """Presses the button, signs in there, and is sent back: the address for `browser`."""
    away = browser.get(START, query)
    assert away.status_code == 302, away.content.decode()
    there = HTTPConnection(urlsplit(away.url).netloc, timeout=10)
    there.request("GET", away.url)
    back = there.getresponse()
    assert back.status == 302
    parts = urlsplit(back.headers["Location"])
    there.close()
    assert parts.path == CALLBACK
    return f"{parts.path}?{parts.query}"


def sign_in(browser: Client, **query: str) -> HttpResponse:
    return browser.get(at_provider(browser, **query))


def who(browser: Client) -> User | None:
    return User.objects.filter(pk=browser.session.get("_auth_user_id", 0)).first()


def refused(answer: HttpResponse, status: int, said: str) -> None:
    text = answer.content.decode()
    assert answer.status_code == status, text
    assert said in text
    assert "Back to sign-in" in text or "Back to your account" in text
