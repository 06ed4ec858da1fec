"""A real Chromium against a real server, on the JavaScript and CSS as built."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    expect,
    sync_playwright,
)

from scripts.temporary_site import BROWSER_FLAGS, chromium_path
from tests.node import node
from tests.run_folder import once

ROOT = Path(__file__).resolve().parents[2]
WAIT_MS = 120_000  # for things that take a second on an idle machine
expect.set_options(timeout=WAIT_MS)

# Playwright's sync API keeps an event loop running in the thread of the test, from which Django
# would refuse to touch the database. Nothing here is async: the loop only carries messages.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"


@pytest.fixture(scope="session")
def built_static() -> Path:
    """static/dist, built from the sources as they are now. Set-up has installed what it needs."""
    if not (ROOT / "node_modules").is_dir():
        pytest.fail(
            "node_modules is missing: `make test` installs it, or `npm ci --ignore-scripts`."
        )
    once("front-end", _build)
    return ROOT / "static" / "dist"


def _build(_: Path) -> None:
    subprocess.run([node(), "static/build.mjs"], cwd=ROOT, check=True, capture_output=True)


@pytest.fixture(scope="session")
def chromium(built_static: Path) -> Iterator[Browser]:
    path = chromium_path()
    if not path:
        pytest.fail("There is no Chromium: scripts/ensure_chromium.py installs one.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(BROWSER_FLAGS))
        yield browser
        browser.close()


@pytest.fixture
def new_context(chromium: Browser, live_server: Any) -> Iterator[Callable[..., BrowserContext]]:
    """Makes browsers that share nothing. `user` signs one in; other options are Playwright's."""
    contexts: list[BrowserContext] = []

    def make(user: Any = None, **options: Any) -> BrowserContext:
        options = {"viewport": {"width": 1000, "height": 700}} | options
        context = chromium.new_context(base_url=live_server.url, **options)
        context.set_default_timeout(WAIT_MS)
        contexts.append(context)
        if user is not None:
            context.add_cookies([session_cookie(user, live_server.url)])
        return context

    yield make
    for context in contexts:
        context.close()


def session_cookie(user: Any, url: str) -> dict[str, str]:
    from django.conf import settings

    from tests.site.making import browser_of

    key = browser_of(user).cookies[settings.SESSION_COOKIE_NAME].value
    return {"name": settings.SESSION_COOKIE_NAME, "value": key, "url": url}


@pytest.fixture
def complaints() -> list[str]:
    """What the browser complained about on the pages given to `listen`."""
    return []


@pytest.fixture
def listen(complaints: list[str], live_server: Any) -> Callable[[Page], Page]:
    """Notes errors, refusals by the content security policy, and requests to other hosts."""

    def console(message: ConsoleMessage) -> None:
        # Reading a first picture back from a software renderer is slow and says so: expected.
        if message.type in ("error", "warning") and "GPU stall" not in message.text:
            complaints.append(f"{message.type}: {message.text} {message.location['url']}")

    def request(url: str) -> None:
        if not url.startswith((live_server.url, "blob:", "data:")):
            complaints.append(f"foreign request: {url}")

    def attach(page: Page) -> Page:
        page.on("console", console)
        page.on("pageerror", lambda error: complaints.append(f"exception: {error}"))
        page.on("request", lambda sent: request(sent.url))
        return page

    return attach
