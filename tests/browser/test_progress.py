"""Watching a job: real site, queue, worker and photos, in Chromium on a phone and on a desk.

The photos are few and small, so that the jobs are short; what comes out is asked of the main job.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser.waiting import until
from tests.photos import rendered_photos
from tests.site.running import Site, started_site

pytestmark = [pytest.mark.browser, pytest.mark.reconstruction]

PASSWORD = "a long enough password"
VIEWER = "#stage [data-splat-viewer]"
SIZES = [(390, 844), (1440, 900)]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("progress")
    with started_site(folder, TRAINING_ITERATIONS="400") as site:
        yield site


@pytest.fixture
def browsers(chromium: Browser, site: Site) -> Iterator[Callable[..., BrowserContext]]:
    """Browsers that share nothing. At the end, none may have complained of anything."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def attach(page: Page) -> None:
        page.on("pageerror", lambda error: complaints.append(f"exception: {error}"))
        page.on(
            "console", lambda said: complaints.append(said.text) if said.type == "error" else None
        )

    def new(size: tuple[int, int] = (1440, 900), **options: Any) -> BrowserContext:
        viewport = {"width": size[0], "height": size[1]}
        context = chromium.new_context(base_url=site.address, viewport=viewport, **options)
        context.set_default_timeout(120_000)
        context.on("page", attach)
        contexts.append(context)
        return context

    yield new
    for context in contexts:
        context.close()
    assert complaints == []


def signed_up(context: BrowserContext, name: str) -> Page:
    page = context.new_page()
    page.goto("/accounts/sign-up/")
    page.get_by_label("E-mail address").fill(f"{name}@example.org")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign up").click()
    page.wait_for_url("**/jobs/")
    return page


def started(page: Page, photos: list[Path], title: str) -> str:
    """Sends photos, starts the job, and returns its page's address."""
    page.goto("/jobs/new/")
    page.get_by_label("Choose photos").set_input_files(photos)
    page.get_by_label("Title").fill(title)
    page.get_by_role("radio", name="Draft").check()
    page.get_by_role("button", name="Start", exact=True).click()
    page.wait_for_selector("#progress")  # the draft's page has the same address
    return page.url


def stages_until_ready(page: Page) -> list[str]:
    """What the stage showed, in order, until the viewer had its first scene."""
    shown: list[str] = []
    give_up_at = time.monotonic() + 400
    while not page.locator(f"{VIEWER}[data-state=ready]").count():
        stage = page.locator("#stage").get_attribute("data-stage") or ""
        if not shown or shown[-1] != stage:
            shown.append(stage)
        assert time.monotonic() < give_up_at, shown
        page.wait_for_timeout(100)
    return shown


@pytest.mark.parametrize("size", SIZES, ids=["phone", "desk"])
def test_a_scene_is_watched_as_it_grows(
    browsers: Callable[..., BrowserContext], site: Site, size: tuple[int, int]
) -> None:
    context = browsers(size)
    page = signed_up(context, f"watcher-{size[0]}")
    photos = rendered_photos()[2:10]
    address = started(page, photos, "Watched")

    # --- The place in the queue, of another job meanwhile ---
    other = context.new_page()
    started(other, photos[:4], "Behind it")
    facts = other.locator(".facts")
    expect(facts).to_contain_text(re.compile(r"Place in line\s*1\b"))
    expect(facts).to_contain_text(re.compile(r"Starts in\s*[\d½]+.* (s|min)"))
    expect(facts).to_contain_text(re.compile(r"Ready in\s*[\d½]+.* (s|min)"))
    other.get_by_text("Cancel", exact=True).first.click()
    other.get_by_role("button", name="Cancel it").click()
    expect(other.get_by_text("was cancelled").first).to_be_visible()
    other.close()

    # --- Features, points, the scene ---
    shown = stages_until_ready(page)
    assert [stage for stage in ("features", "cloud") if stage in shown] == ["features", "cloud"]
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    expect(page.locator("#stage .curve svg")).to_be_visible()
    expect(page.locator(".facts")).to_contain_text(re.compile(r"Time left\s*([\d½]|a few)"))
    coming = page.locator(".step.todo .step-time").first
    expect(coming).to_contain_text(re.compile("about|a moment"))

    # --- It grows in place: another scene, the same camera, the same canvas ---
    page.evaluate(f"document.querySelector('{VIEWER}').dataset.marked = 'yes'")
    page.locator(f"{VIEWER} canvas").focus()
    page.keyboard.press("ArrowLeft")
    page.wait_for_timeout(1500)
    before = pose(page)
    scene = page.locator(VIEWER).get_attribute("data-scene")
    until(page, f"document.querySelector('{VIEWER}').dataset.scene !== '{scene}'")
    assert pose(page) == pytest.approx(before, abs=1e-4)  # at rest, but for the last decimals
    assert page.locator(VIEWER).get_attribute("data-marked") == "yes"

    # --- The tab is closed and opened again ---
    page.close()
    page = context.new_page()
    page.goto(address)
    assert page.locator("#progress").count() or page.locator(".metrics").count()
    page.wait_for_selector("[data-splat-viewer][data-state=ready]")

    # --- The end ---
    page.wait_for_selector(".metrics", timeout=400_000)
    assert page.locator("#progress").count() == 0
    page.wait_for_selector("[data-splat-viewer][data-state=ready]")


def pose(page: Page) -> list[float]:
    """Where the viewer's camera is and where it looks, in the scene's units."""
    at = page.evaluate(f"document.querySelector('{VIEWER}').splatViewer.pose()")
    return [*at["position"], *at["target"], *at["up"], at["fovY"]]


def test_a_tab_that_nobody_looks_at_asks_rarely(
    browsers: Callable[..., BrowserContext], site: Site
) -> None:
    context = browsers()
    page = signed_up(context, "hidden")
    polls: list[float] = []
    page.on("request", lambda r: polls.append(time.monotonic()) if "/progress/" in r.url else None)
    started(page, rendered_photos(), "Hidden")
    until_polls(page, polls, 4)
    assert polls[3] - polls[1] < 10  # every two seconds, on a busy machine

    hide(page, True)
    page.wait_for_timeout(3000)  # one may have been on its way
    asked = len(polls)
    page.wait_for_timeout(12_000)
    assert len(polls) == asked

    hide(page, False)
    back = time.monotonic()
    until_polls(page, polls, asked + 1)
    assert polls[asked] - back < 1.5  # at once, not at the next turn
    until_polls(page, polls, asked + 3)


def until_polls(page: Page, polls: list[float], count: int) -> None:
    give_up_at = time.monotonic() + 60
    while len(polls) < count:
        assert time.monotonic() < give_up_at
        page.wait_for_timeout(50)


def hide(page: Page, hidden: bool) -> None:
    """Headless tabs are never hidden; so the page is told what a browser would tell it."""
    page.evaluate(
        """hidden => {
          Object.defineProperty(document, "hidden", { configurable: true, get: () => hidden });
          document.dispatchEvent(new Event("visibilitychange"));
        }""",
        hidden,
    )


def test_without_javascript_the_page_still_shows_how_it_goes(
    browsers: Callable[..., BrowserContext], site: Site
) -> None:
    context = browsers((390, 844))
    page = signed_up(context, "no-script")
    address = started(page, rendered_photos()[:5], "Without scripts")
    state = context.storage_state()
    plain = browsers((390, 844), java_script_enabled=False, storage_state=state).new_page()
    plain.goto(address)
    expect(plain.get_by_role("list", name="Steps").get_by_role("listitem")).to_have_count(10)
    seen = set()
    give_up_at = time.monotonic() + 300
    while not {"features", "scene"} & seen:
        assert time.monotonic() < give_up_at
        seen.add(plain.locator("#stage").get_attribute("data-stage"))
        plain.wait_for_timeout(500)
    plain.goto(address)
    plain.get_by_text("Cancel", exact=True).first.click()
    plain.get_by_role("button", name="Cancel it").click()
    expect(plain.get_by_text("was cancelled").first).to_be_visible()
