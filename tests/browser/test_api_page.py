"""The page that describes API v1: from this site's own files, under its content security policy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_the_description_is_shown_and_asks_nobody_else(
    new_context: Callable[..., BrowserContext],
    data_dir: Any,
    listen: Callable[[Page], Page],
    complaints: list[str],
) -> None:
    page = listen(new_context().new_page())
    page.goto("/api/v1/docs")
    page.locator("[data-path='/api/v1/jobs/{job_id}/progress']").wait_for()
    assert complaints == []
