"""Signing in at a provider and with a second step, in a real browser: its cookies go along where
another site sends people back, its policy lets the QR code through, and nothing is a barrier."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyotp
import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import BrowserContext, Page, expect

from accounts.models import RecoveryCode, User
from accounts.provider.client import forget
from accounts.provider.environment import Oidc
from tests.browser.fitting import fits
from tests.browser.test_every_page import RUN_AXE
from tests.browser.windows import DESK, PHONE
from tests.site.oidc_provider import CLIENT_ID, CLIENT_SECRET, Provider, running

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

ANN = {"sub": "1001", "email": "ann@example.org", "email_verified": True}


def looks_well(page: Page) -> None:
    page.evaluate(AXE_SCRIPT)
    for size in (PHONE, DESK):
        page.set_viewport_size(size)
        assert fits(page)
    assert page.evaluate(RUN_AXE) == []


def test_somebody_comes_from_a_provider_and_sets_up_a_second_step(
    new_context: Callable[..., BrowserContext],
    listen: Callable[[Page], Page],
    complaints: list[str],
    data_dir: Path,
    redis_queue: Any,
    live_server: Any,
    settings: Any,
) -> None:
    settings.BASE_URL = live_server.url
    page = listen(new_context(reduced_motion="reduce").new_page())
    with running(Provider(claims=ANN)) as provider:
        settings.OIDC = Oidc(
            issuer=provider.url, client_id=CLIENT_ID, client_secret=CLIENT_SECRET,
            name="Example ID", sign_up="on", email_domains=(), trust_email=False, staff=None,
            second_factor="ask",
        )  # fmt: skip
        page.goto("/accounts/sign-in/?next=/accounts/")
        looks_well(page)
        page.get_by_role("link", name="Continue with Example ID").click()
        expect(page.get_by_text("ann@example.org").first).to_be_visible()
        page.get_by_role("link", name="Set it up").click()
        looks_well(page)
        secret = page.locator("code.key").inner_text().replace(" ", "")
        assert page.locator(".qr img").evaluate("(image) => image.naturalWidth") > 100
        page.get_by_label("Code from your app").fill(pyotp.TOTP(secret).now())
        page.keyboard.press("Enter")
        codes = page.get_by_label("Recovery codes")
        expect(codes).to_be_visible()
        looks_well(page)
        code = codes.input_value().split()[3]
        page.get_by_role("link", name="I have kept them").click()
        looks_well(page)
        page.get_by_role("button", name="Sign out").click()
        expect(page.get_by_role("link", name="Sign out at Example ID")).to_be_visible()
        page.goto("/accounts/sign-in/")
        page.get_by_role("link", name="Continue with Example ID").click()
        expect(page.get_by_label("Code from your app")).to_be_focused()
        looks_well(page)
        page.get_by_role("link", name="Use a recovery code").click()
        expect(page.get_by_label("Recovery code")).to_be_focused()
        page.keyboard.type(code)
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", name="Your scenes")).to_be_visible()
    forget()
    assert RecoveryCode.objects.filter(user=User.objects.get()).count() == 9
    assert [one for one in complaints if provider.url not in one] == []
