"""A finished scene's page in three tabs under a fixed bar, on a phone and on a desk."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import BrowserContext, Locator, Page, expect

from accounts.models import User
from recon.models import Job
from tests.browser.fitting import fits
from tests.browser.scenes import RED
from tests.browser.test_result import shown_job
from tests.browser.windows import PHONE, SIZES
from tests.site.making import person

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("data_dir", "redis_queue"),
]
NewContext = Callable[..., BrowserContext]
READY = "[data-splat-viewer][data-state=ready]"
PARTS = ("Scene", "Quality", "Details")
#: How many px of the focused element are under a bar, unless the bar contains it or it is too tall
#: to fit between the bars.
COVERED = """() => {
  const focus = document.activeElement, box = focus.getBoundingClientRect();
  const bars = [".result-tabs", ".result-actions"].map((name) => document.querySelector(name));
  if (bars.some((bar) => bar.contains(focus)) || box.height > innerHeight / 2) return 0;
  return Math.max(...bars.map((bar) => {
    const { top, bottom } = bar.getBoundingClientRect();
    return Math.max(0, Math.min(box.bottom, bottom) - Math.max(box.top, top));
  }));
}"""


@pytest.fixture
def ann() -> User:
    return person()


@pytest.fixture
def job(ann: User) -> Job:
    return shown_job(ann, shared=True)


@pytest.fixture
def open_page(
    new_context: NewContext, ann: User, listen: Callable[[Page], Page], complaints: list[str]
) -> Any:
    def opened(address: str, script: str = "", **options: Any) -> Page:
        context = new_context(ann, reduced_motion="reduce", **options)
        page = listen(context.new_page())
        if script:
            page.add_init_script(script)
        page.goto(address)
        return page

    yield opened
    assert complaints == []


def tab(page: Page, name: str) -> Locator:
    return page.get_by_role("tab", name=name, exact=True)


def shows(page: Page, name: str) -> None:
    """`name` is the tab that is open, and no other part is visible."""
    expect(tab(page, name)).to_have_attribute("aria-selected", "true")
    expect(page.get_by_role("tabpanel")).to_have_count(1)
    expect(page.get_by_role("tabpanel", name=name)).to_be_visible()


@SIZES
def test_the_parts_are_tabs_whose_place_is_in_the_address(
    open_page: Any, job: Job, size: dict[str, int]
) -> None:
    address = job.get_absolute_url()
    page = open_page(address, viewport=size)
    shows(page, "Scene")
    page.wait_for_selector(READY)
    tall = page.evaluate("document.querySelector('main').scrollHeight")
    expect(page.get_by_role("heading", name="Share")).to_be_visible()
    expect(page.get_by_role("heading", name="Settings")).to_be_hidden()

    tab(page, "Scene").focus()
    for key, name in (("ArrowRight", "Quality"), ("End", "Details"), ("ArrowRight", "Scene"),
                      ("ArrowLeft", "Details"), ("Home", "Scene")):  # fmt: skip
        page.keyboard.press(key)
        shows(page, name)
        expect(tab(page, name)).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Share", exact=True)).to_be_focused()

    tab(page, "Quality").click()
    shows(page, "Quality")
    assert page.url.endswith(f"{address}#quality")
    assert fits(page)
    page.reload()
    shows(page, "Quality")
    tab(page, "Details").click()
    shows(page, "Details")
    page.go_back()
    shows(page, "Quality")
    page.go_forward()
    shows(page, "Details")
    tab(page, "Scene").click()
    page.wait_for_selector(READY)
    assert page.evaluate("document.querySelector('main').scrollHeight") == tall


def test_a_link_to_any_place_opens_the_tab_that_has_it(open_page: Any, job: Job) -> None:
    last = job.photos.last()
    assert last is not None
    places = {"share": "Scene", "downloads": "Scene", "quality": "Quality", "runs": "Details",
              "photos": "Details", "timings": "Details", "settings": "Details",
              f"photo-{last.pk}": "Details"}  # fmt: skip
    page = open_page(job.get_absolute_url(), viewport=PHONE)
    for place, name in places.items():
        page.goto("about:blank")
        page.goto(f"{job.get_absolute_url()}#{place}")
        shows(page, name)
        expect(page.locator(f"#{place}")).to_be_in_viewport()

    actions = page.get_by_role("navigation", name="Actions")
    for link, heading in (("Share", "Share"), ("Run again", "Run again"),
                          ("Download", "Downloads"), ("Run again", "Run again")):  # fmt: skip
        actions.get_by_role("link", name=link).click()
        place = page.get_by_role("heading", name=heading, exact=True)
        expect(place).to_be_in_viewport()
        expect(place).to_be_focused()
        assert page.evaluate(COVERED) == 0
    page.go_back()
    shows(page, "Scene")
    expect(page.get_by_role("heading", name="Downloads")).to_be_in_viewport()


@SIZES
def test_the_bar_stays_in_reach_and_covers_nothing_that_is_used(
    open_page: Any, job: Job, size: dict[str, int]
) -> None:
    page = open_page(job.get_absolute_url(), viewport=size)
    page.wait_for_selector(READY)
    page.locator(".viewer-tools").evaluate("e => e.scrollIntoView({ block: 'nearest' })")
    for button in page.locator(".viewer-tools button:visible").all():
        button.click(trial=True)  # nothing else would get the click
    for name in PARTS:
        tab(page, name).click()
        page.evaluate("scrollTo(0, document.querySelector('main').scrollHeight)")
        for link in ("Share", "Download", "Run again"):
            action = page.get_by_role("navigation", name="Actions").get_by_role("link", name=link)
            expect(action).to_be_in_viewport(ratio=1)
            box = action.bounding_box()
            assert box is not None
            assert min(box["width"], box["height"]) >= 44
        expect(tab(page, name)).to_be_in_viewport(ratio=1)
        page.evaluate("scrollTo(0, 0)")
        tab(page, name).focus()
        covered = {}
        for _ in range(120):
            page.keyboard.press("Tab")
            if page.evaluate("document.activeElement === document.body"):
                break
            if hidden := page.evaluate(COVERED):
                covered[page.evaluate("document.activeElement.outerHTML.slice(0, 80)")] = hidden
        assert covered == {}


@SIZES
def test_all_of_the_scene_is_drawn_where_it_reaches_below_the_bar(
    open_page: Any, job: Job, size: dict[str, int]
) -> None:
    page = open_page(job.get_absolute_url(), viewport=size)
    page.wait_for_selector(READY)
    for top in (0, 60, 120):
        page.evaluate(f"scrollTo(0, {top})")
        page.wait_for_timeout(200)
        shot = np.asarray(Image.open(io.BytesIO(page.screenshot())).convert("RGB"))
        red = (abs(shot.astype(int) - RED) < 60).all(axis=2)  # [height, width]
        rows = np.flatnonzero(red.any(axis=1))
        columns = np.flatnonzero(red.any(axis=0))
        assert len(rows) == pytest.approx(len(columns), abs=3), "the red blob is round"


@SIZES
def test_without_scripts_the_parts_stand_one_after_another(
    open_page: Any, job: Job, size: dict[str, int]
) -> None:
    page = open_page(job.get_absolute_url(), viewport=size, java_script_enabled=False)
    tops = [page.locator(f"#{name.lower()}").bounding_box() for name in PARTS]
    assert [box["y"] for box in tops if box] == sorted(box["y"] for box in tops if box)
    page.get_by_role("navigation", name="Parts of this page").get_by_text("Quality").click()
    expect(page.locator("#quality")).to_be_in_viewport()
    expect(page.locator("#scene")).to_be_visible()
    page.get_by_role("navigation", name="Actions").get_by_role("link", name="Share").click()
    switch = page.get_by_role("switch", name="Anyone with the link can see it")
    expect(switch).to_be_in_viewport()
    switch.click()
    assert page.url.endswith("#share")
    expect(switch).to_have_attribute("aria-checked", "false")
    assert fits(page)


#: A device's own sharing, which reports what it was given and does what `window.answer` says.
SHARING = """
  window.shared = [];
  navigator.share = async (what) => {
    window.shared.push(what);
    if (window.answer) throw new DOMException("no", window.answer);
  };
  navigator.canShare = () => true;
"""


def test_the_link_goes_to_the_devices_own_sharing(open_page: Any, job: Job) -> None:
    page = open_page(
        job.get_absolute_url(), SHARING, viewport=PHONE,
        permissions=["clipboard-read", "clipboard-write"],
    )  # fmt: skip
    send = page.get_by_role("button", name="Send the link")
    send.click()
    [what] = page.evaluate("window.shared")
    assert what["url"].endswith(f"/v/{job.share.key}")
    assert what["title"] == job.name
    assert what["text"] == f"{job.name}, a 3D scene to walk around in"

    page.evaluate("window.answer = 'AbortError'")
    send.click()
    expect(page.get_by_role("button", name="Copied")).to_have_count(0)
    page.evaluate("window.answer = 'NotAllowedError'")
    send.click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()").endswith(f"/v/{job.share.key}")


def test_where_a_device_has_no_sharing_the_link_is_copied(open_page: Any, job: Job) -> None:
    page = open_page(job.get_absolute_url(), "delete Navigator.prototype.share;", viewport=PHONE)
    expect(page.get_by_role("button", name="Copy").first).to_be_visible()
    expect(page.get_by_role("button", name="Send the link")).to_have_count(0)


@pytest.mark.parametrize("status", ["COMPLETED", "CANCELLED"])
def test_each_preset_of_another_run_says_how_long_it_takes_here(
    open_page: Any, job: Job, status: str
) -> None:
    Job.objects.update(status=status)
    page = open_page(f"{job.get_absolute_url()}#again", viewport=PHONE)
    said = page.locator("#again-preset option").all_inner_texts()
    assert len(said) == 3
    for name, text in zip(("Quick", "Standard", "High"), said, strict=True):
        assert re.fullmatch(rf"{name}: [\d½]+.* to [\d½]+ (s|min|h).* here", text), text
    page.get_by_label(re.compile("^Preset")).select_option("high")
    page.get_by_role("button", name="Run again", exact=True).click()
    page.wait_for_selector("#progress")
    assert Job.objects.exclude(pk=job.pk).get().wishes.preset == "high"
