"""Whether a page fits its window."""

from __future__ import annotations

from playwright.sync_api import Page


def fits(page: Page) -> bool:
    """Nothing on the page is wider than the window, so nobody has to scroll sideways."""
    return bool(page.locator("html").evaluate("html => html.scrollWidth <= html.clientWidth"))
