"""Several scenes of the gallery are chosen and acted on, with scripts and without."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from recon.jobs import tags
from tests.browser.windows import DESK, PHONE, SIZES_AND_SCRIPTS
from tests.site.making import finished_job, person

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

NewContext = Callable[..., BrowserContext]


@pytest.fixture
def ann(data_dir: Path, redis_queue: Any) -> Any:
    ann = person()
    for title in ("Castle", "Fern", "Statue"):
        finished_job(ann, title=title)
    return ann


def gallery(new_context: NewContext, ann: Any, *, scripts: bool = True, **options: Any) -> Page:
    page = new_context(ann, java_script_enabled=scripts, **options).new_page()
    page.goto("/jobs/")
    if scripts:
        expect(page.get_by_role("checkbox", name="Select “Castle”")).to_be_hidden()
        page.get_by_role("button", name="Select", exact=True).click()
    return page


def tick(page: Page, *titles: str) -> None:
    for title in titles:
        page.get_by_role("checkbox", name=f"Select “{title}”").check()


@SIZES_AND_SCRIPTS
def test_tagged_downloaded_and_deleted_with_and_without_scripts(
    new_context: NewContext, ann: Any, tmp_path: Path, size: Any, scripts: bool
) -> None:
    page = gallery(new_context, ann, scripts=scripts, viewport=size)
    tick(page, "Castle", "Fern")
    page.get_by_role("textbox", name="Tags for the ticked scenes").fill("summer")
    page.get_by_role("button", name="Add tag").click()
    expect(page.get_by_text("Tagged: “")).to_be_visible()
    page.get_by_role("navigation", name="Tags").get_by_role("link", name="summer 2").click()
    expect(page.get_by_role("heading", level=2)).to_have_count(2)

    if scripts:
        page.get_by_role("button", name="Select", exact=True).click()
    tick(page, "Castle", "Fern")
    for _ in range(2):  # the page stays, so it can be downloaded again
        with page.expect_download() as started:
            page.get_by_role("button", name="Download").click()
        started.value.save_as(tmp_path / "scenes.zip")
        with zipfile.ZipFile(tmp_path / "scenes.zip") as archive:
            assert archive.testzip() is None
            assert {name.split("/")[0] for name in archive.namelist()} == {"castle", "fern"}

    page.get_by_role("button", name="Delete…").click()
    page.get_by_role("button", name="Delete for good").click()
    expect(page.get_by_text("2 scenes were deleted")).to_be_visible()
    assert [job.title for job in ann.jobs.all()] == ["Statue"]
    assert "tag=summer" in page.url, "back to where they were chosen"


def test_links_are_copied_together(new_context: NewContext, ann: Any) -> None:
    page = gallery(new_context, ann, permissions=["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Select all on this page").click()
    page.get_by_role("button", name="Share").click()
    page.get_by_role("button", name="Copy all").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    copied = page.evaluate("navigator.clipboard.readText()")
    for job in ann.jobs.all():
        assert f"{job.title}\n" in copied
        assert f"/v/{job.share.key}" in copied
    page.get_by_role("button", name="Switch sharing off for all of these").click()
    expect(page.get_by_text("Sharing is off")).to_be_visible()
    assert not ann.jobs.filter(share__is_on=True).exists()


def test_while_selecting_a_card_ticks_and_escape_leaves(new_context: NewContext, ann: Any) -> None:
    page = gallery(new_context, ann, viewport=PHONE)
    start = page.get_by_role("button", name="Select", exact=True)
    expect(page.get_by_role("button", name="Share")).to_be_disabled()
    page.locator(".card").first.click()
    expect(page.get_by_text("1 selected")).to_be_visible()
    assert page.url.endswith("/jobs/"), "the card's link was not followed"
    page.keyboard.press("Escape")
    expect(start).to_be_focused()
    expect(page.get_by_role("button", name="Share")).to_be_hidden()
    page.locator(".card").first.click()
    page.wait_for_url("**/jobs/*-*/")


def test_what_has_begun_goes_on_when_the_last_picture_has_come(
    new_context: NewContext, ann: Any
) -> None:
    page = gallery(new_context, ann)
    page.evaluate("dispatchEvent(new Event('pageshow'))")
    expect(page.get_by_role("checkbox", name="Select “Castle”")).to_be_visible()


def test_by_keys_alone(new_context: NewContext, ann: Any) -> None:
    page = gallery(new_context, ann, viewport=DESK)
    page.get_by_role("checkbox", name="Select “Statue”").focus()
    page.keyboard.press("Space")
    page.keyboard.press("Enter")
    page.wait_for_timeout(300)
    expect(page.get_by_text("1 selected")).to_be_visible()
    field = page.get_by_role("textbox", name="Tags for the ticked scenes")
    field.fill("summer")
    field.press("Enter")
    expect(page.get_by_text("Tagged: “Statue”.")).to_be_visible()
    assert tags.names_of(ann.jobs.get(title="Statue")) == ["summer"]


def test_escape_in_the_field_for_tags_leaves_the_ticks(new_context: NewContext, ann: Any) -> None:
    page = gallery(new_context, ann)
    tick(page, "Castle")
    page.get_by_role("textbox", name="Tags for the ticked scenes").press("Escape")
    expect(page.get_by_text("1 selected")).to_be_visible()


#: How many px of the focused element are under the bar.
COVERED = """() => {
  const focus = document.activeElement, bar = document.querySelector("[data-select-bar]");
  if (bar.contains(focus)) return 0;
  const [box, { top, bottom }] = [focus, bar].map((one) => one.getBoundingClientRect());
  return Math.max(0, Math.min(box.bottom, bottom) - Math.max(box.top, top));
}"""


@pytest.mark.parametrize(
    "size",
    [PHONE, DESK, {"width": 320, "height": 640}, {"width": 720, "height": 500}],
    ids=["phone", "desk", "narrow", "low"],
)
def test_what_has_the_focus_never_lies_under_the_bar(
    new_context: NewContext, ann: Any, size: Any
) -> None:
    for number in range(9):
        tags.put(finished_job(ann, title=f"Scene {number}"), ["garden"])
    page = gallery(new_context, ann, viewport=size)
    bar = page.locator("[data-select-bar]")
    assert bar.evaluate("(bar) => getComputedStyle(bar).position") == "sticky"
    covered = {}
    for key in ("Tab", "Shift+Tab"):
        for _ in range(60):
            page.keyboard.press(key)
            if page.evaluate("document.activeElement === document.body"):
                break
            if hidden := page.evaluate(COVERED):
                covered[page.evaluate("document.activeElement.outerHTML.slice(0, 80)")] = hidden
    assert covered == {}

    page.evaluate("scrollTo(0, 150)")
    field = page.locator("#select-tags")
    field.evaluate("(field) => field.focus({ preventScroll: true })")
    page.keyboard.type("summer", delay=20)
    assert page.evaluate("scrollY") == 150


def test_in_a_low_window_the_bar_has_its_place_in_the_page(
    new_context: NewContext, ann: Any
) -> None:
    page = gallery(new_context, ann, viewport={"width": 844, "height": 390})
    bar = page.locator("[data-select-bar]")
    assert bar.evaluate("(bar) => getComputedStyle(bar).position") == "static"


def test_the_bar_covers_little_of_a_phone(new_context: NewContext, ann: Any) -> None:
    page = gallery(new_context, ann, viewport=PHONE)
    bar = page.locator("[data-select-bar]").bounding_box() or {}
    assert bar["height"] < 0.25 * PHONE["height"]
    assert bar["y"] + bar["height"] <= PHONE["height"]
