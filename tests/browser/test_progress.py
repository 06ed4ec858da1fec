"""Watching a job: real site, queue, worker and photos, in Chromium on a phone and on a desk.

The photos are few and small, so that the jobs are short; test_main_job looks at what comes out.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Request,
    expect,
)

from tests.browser.fitting import fits
from tests.browser.waiting import until
from tests.browser.windows import COARSE
from tests.photos import rendered_photos
from tests.site.running import Site, started_site

pytestmark = [pytest.mark.browser, pytest.mark.reconstruction]

PASSWORD = "a long enough password"
VIEWER = "#stage [data-splat-viewer]"
PHONE, DESK = (390, 844), (1440, 900)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with started_site(tmp_path_factory.mktemp("progress"), MAX_IMAGE_SIZE="480") as site:
        yield site


@pytest.fixture
def browsers(chromium: Browser, site: Site) -> Iterator[Callable[..., BrowserContext]]:
    """Browsers that share nothing. At the end, none may have complained about anything."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def listen(said: ConsoleMessage) -> None:
        if said.type == "error":
            complaints.append(f"{said.text} {said.location['url']}")

    def attach(page: Page) -> None:
        page.on("pageerror", lambda error: complaints.append(f"exception: {error}"))
        page.on("console", listen)

    def new(size: tuple[int, int] = (1440, 900), **options: Any) -> BrowserContext:
        # Software draws here, and training needs the processors: scenes are coarse and keep still.
        context = chromium.new_context(
            base_url=site.address,
            viewport={"width": size[0], "height": size[1]},
            device_scale_factor=COARSE,
            reduced_motion="reduce",
            **options,
        )
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
    page.get_by_role("radio", name="Quick").check()
    page.get_by_role("button", name="Start", exact=True).click()
    page.wait_for_selector("#progress")  # the draft's page has the same address
    return page.url


def stages_until_ready(*pages: Page) -> dict[Page, list[str]]:
    """What the stage on each page showed, in order, until all had their first scene."""
    shown: dict[Page, list[str]] = {page: [] for page in pages}
    give_up_at = time.monotonic() + 400
    while not all(page.locator(f"{VIEWER}[data-state=ready]").count() for page in pages):
        for page, stages in shown.items():
            stage = page.locator("#stage").get_attribute("data-stage") or ""
            if not stages or stages[-1] != stage:
                stages.append(stage)
        assert time.monotonic() < give_up_at, shown
        pages[0].wait_for_timeout(100)
    return shown


def test_a_scene_is_watched_as_it_grows_on_a_phone_and_on_a_desk(
    browsers: Callable[..., BrowserContext], site: Site
) -> None:
    context = browsers(DESK)
    page = signed_up(context, "watcher")
    photos = rendered_photos()[2:8]
    address = started(page, photos, "Watched")
    phone = browsers(PHONE, storage_state=context.storage_state()).new_page()
    phone.goto(address)

    another_waits_in_line(context, photos[:4])

    # --- Features, points, the scene ---
    shown = stages_until_ready(page, phone)
    for stages in shown.values():
        assert [stage for stage in ("features", "cloud") if stage in stages] == [
            "features",
            "cloud",
        ]
    for one in (page, phone):
        assert fits(one)
        expect(one.locator("#stage .curve svg")).to_be_visible()
        expect(one.locator(".facts")).to_contain_text(re.compile(r"Time left\s*([\d½]|a few)"))
        coming = one.locator(".step.todo .step-time").first
        expect(coming).to_contain_text(re.compile("about|a moment"))

    # --- It grows in place: another scene, the same camera, the same canvas ---
    for one in (page, phone):
        one.evaluate(f"document.querySelector('{VIEWER}').dataset.marked = 'yes'")
        one.locator(f"{VIEWER} canvas").focus()
        one.keyboard.press("ArrowLeft")
    page.wait_for_timeout(1500)
    before = {
        one: (pose(one), one.locator(VIEWER).get_attribute("data-scene")) for one in (page, phone)
    }
    for one, (stood, scene) in before.items():
        until(one, f"document.querySelector('{VIEWER}').dataset.scene !== '{scene}'")
        assert pose(one) == pytest.approx(stood, abs=1e-4)  # at rest, except for the last decimals
        assert one.locator(VIEWER).get_attribute("data-marked") == "yes"

    # --- The tab is closed and opened again ---
    page.close()
    page = context.new_page()
    page.goto(address)
    assert page.locator("#progress").count() or page.locator(".verdict").count()
    page.wait_for_selector("[data-splat-viewer][data-state=ready]")

    # --- The end: the camera stays where it was put ---
    stood = pose(phone)
    for one in (page, phone):
        one.wait_for_selector(".verdict", timeout=400_000)
        assert one.locator("#progress").count() == 0
        one.wait_for_selector("[data-splat-viewer][data-state=ready]")
    # The stage has a different shape there, and either shows the whole frame: so the angle differs.
    assert pose(phone)[:-1] == pytest.approx(stood[:-1], abs=1e-3)


def another_waits_in_line(context: BrowserContext, photos: list[Path]) -> None:
    """A second job, behind the one that runs; its page says its place and its start."""
    other = context.new_page()
    started(other, photos, "Behind it")
    facts = other.locator(".facts")
    expect(facts).to_contain_text(re.compile(r"Place in line\s*1\b"))
    expect(facts).to_contain_text(re.compile(r"Starts in\s*[\d½]+.* (s|min)"))
    expect(facts).to_contain_text(re.compile(r"Ready in\s*[\d½]+.* (s|min)"))
    cancel(other)
    other.close()


def cancel(page: Page) -> None:
    page.get_by_text("Cancel", exact=True).first.click()
    page.get_by_role("button", name="Cancel it").click()
    expect(page.get_by_text("was cancelled").first).to_be_visible()


def pose(page: Page) -> list[float]:
    """Where the viewer's camera is and where it looks, in the scene's units."""
    viewer = "[...document.querySelectorAll('[data-splat-viewer]')].at(-1)"
    at = page.evaluate(f"{viewer}.splatViewer.pose()")
    return [*at["position"], *at["target"], *at["up"], at["fovY"]]


def test_a_tab_that_nobody_looks_at_asks_rarely(
    browsers: Callable[..., BrowserContext], site: Site
) -> None:
    context = browsers()
    page = signed_up(context, "hidden")
    polls: list[Request] = []
    page.on("request", lambda sent: polls.append(sent) if "/progress/" in sent.url else None)
    started(page, rendered_photos()[:4], "Hidden")
    page.clock.install()  # the test controls the page's time
    page.reload()
    polls.clear()
    let_pass(page, 12, polls)
    assert len(polls) >= 3

    assert not hide(page, True)
    let_pass(page, 3, polls)  # one may have been on its way
    asked = len(polls)
    let_pass(page, 12, polls)  # six times as long as between polls of a page in view
    assert len(polls) == asked
    let_pass(page, 20, polls)
    assert len(polls) == asked + 1, "rarely, not never"

    assert hide(page, False)  # at once, not at the next poll
    let_pass(page, 12, polls)
    assert len(polls) >= asked + 4
    page.clock.resume()
    cancel(page)  # so that the next test need not wait for it


def let_pass(page: Page, seconds: int, polls: list[Request]) -> None:
    """Lets `seconds` of the page's own time go by; its requests meanwhile take none of it."""
    for _ in range(2 * seconds):
        page.clock.run_for(500)
        page.wait_for_timeout(10)  # so that its requests are noted here
        for poll in polls:
            poll.response()


def hide(page: Page, hidden: bool) -> bool:
    """Headless tabs are never hidden, so this tells the page what a browser would.

    Returns whether it asked the server within the same turn.
    """
    asked: bool = page.evaluate(
        """hidden => {
          let asked = false;
          const note = () => { asked = true };
          Object.defineProperty(document, "hidden", { configurable: true, get: () => hidden });
          document.addEventListener("htmx:beforeRequest", note);
          document.dispatchEvent(new Event("visibilitychange"));
          document.removeEventListener("htmx:beforeRequest", note);
          return asked;
        }""",
        hidden,
    )
    return asked


def test_without_javascript_the_page_still_shows_how_it_goes(
    browsers: Callable[..., BrowserContext], site: Site
) -> None:
    context = browsers(PHONE)
    page = signed_up(context, "no-script")
    address = started(page, rendered_photos()[:5], "Without scripts")
    state = context.storage_state()
    plain = browsers(PHONE, java_script_enabled=False, storage_state=state).new_page()
    plain.goto(address)
    expect(plain.get_by_role("list", name="Steps").get_by_role("listitem")).to_have_count(10)
    seen = set()
    give_up_at = time.monotonic() + 300
    while not {"features", "scene"} & seen:
        assert time.monotonic() < give_up_at
        seen.add(plain.locator("#stage").get_attribute("data-stage"))
        plain.wait_for_timeout(500)

    # --- What takes longer than a reload needs a page that does not reload ---
    plain.goto(address)
    for needs_time in ("Cancel", "Change title, description and tags"):
        expect(plain.get_by_text(needs_time, exact=True)).to_be_hidden()
    plain.get_by_role("link", name="Pause reloading").click()
    expect(plain.get_by_role("link", name="Resume reloading")).to_be_visible()
    expect(plain.locator("meta[http-equiv=refresh]")).to_have_count(0)
    expect(plain.get_by_text("Change title, description and tags", exact=True)).to_be_visible()
    cancel(plain)
