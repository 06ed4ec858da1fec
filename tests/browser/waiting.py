"""Waiting for a page without Playwright's `wait_for_function`.

That one evaluates a string inside the page each time it looks again, which our content security
policy forbids: it only works if the first look succeeds.
"""

from __future__ import annotations

import time

from playwright.sync_api import Page

LIMIT_S = 120.0


def until(page: Page, expression: str) -> None:
    """Returns once the JavaScript `expression` is true on the page."""
    give_up_at = time.monotonic() + LIMIT_S
    while not page.evaluate(expression):
        assert time.monotonic() < give_up_at, f"still not true: {expression}"
        page.wait_for_timeout(50)
