"""A draft summed up in a line and its "Start", which stay at the bottom of a phone's window."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from accounts.models import User
from recon.jobs.drafts import checks, drafts
from recon.models import Job
from tests.browser.fitting import fits
from tests.browser.test_drafts import Gate, choose, upload
from tests.browser.windows import DESK, PHONE
from tests.site.making import person, photo

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
NewContext = Callable[..., BrowserContext]


@pytest.fixture
def ann(data_dir: Path, redis_queue: Any) -> User:
    return person()


def draft_of(owner: User, count: int) -> Job:
    draft = drafts.create_draft(owner)
    for number in range(count):
        drafts.add_photo(draft, photo(f"{number}.jpg", seed=number, size=(480, 360)))
    return draft


def said(page: Page, words: str) -> None:
    expect(page.locator(".start-said")).to_have_text(words, use_inner_text=True)


@pytest.mark.parametrize("scripts", [True, False])
def test_on_a_phone_the_start_is_in_reach_wherever_the_draft_is_scrolled_to(
    new_context: NewContext, ann: User, scripts: bool
) -> None:
    draft = draft_of(ann, 12)
    page = new_context(ann, viewport=PHONE, java_script_enabled=scripts).new_page()
    page.goto(draft.get_absolute_url())
    start = page.get_by_role("button", name="Start", exact=True)
    foot = page.locator("[data-start-bar]")
    for place in (".page-head", ".tile:last-child", "[name=title]"):
        page.locator(place).first.scroll_into_view_if_needed()
        expect(start).to_be_in_viewport(ratio=1)
        box = foot.bounding_box()
        assert box is not None
        assert box["y"] + box["height"] == PHONE["height"]
    page.locator("[name=preset]").last.scroll_into_view_if_needed()
    expect(start).to_be_in_viewport(ratio=1)  # by here it may have reached its place in the page
    assert fits(page)
    start.click()
    expect(page.get_by_role("list", name="Steps")).to_be_visible()
    assert ann.jobs.get().status == Job.Status.PENDING


def test_the_line_beside_it_counts_photos_and_says_what_the_check_found(
    new_context: NewContext, ann: User
) -> None:
    draft = draft_of(ann, 3)
    page = new_context(ann, viewport=PHONE).new_page()
    page.goto(draft.get_absolute_url())
    said(page, "3 photos")  # nobody checks
    checks.check_photos(str(draft.pk))
    page.reload()
    said(page, "3 photos 2 hints")
    page.get_by_role("link", name="2 hints").click()
    expect(page.get_by_role("heading", name="How the photos overlap")).to_be_in_viewport()

    gate = Gate(page)
    choose(page, upload("more.jpg", 50))
    said(page, "3 photos, 1 on the way")
    gate.open()
    said(page, "4 photos")  # the findings are about other photos


def test_the_focus_stays_where_the_start_was_while_it_waits(
    new_context: NewContext, ann: User
) -> None:
    page = new_context(ann, viewport=DESK).new_page()
    page.goto(draft_of(ann, 3).get_absolute_url())
    gate = Gate(page)
    choose(page, upload("more.jpg", 50))
    said(page, "3 photos, 1 on the way")
    start = page.get_by_role("button", name="Start", exact=True)
    start.press("Enter")
    expect(page.get_by_text("Starts when all have arrived")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(start).to_be_focused()
    gate.open()
    said(page, "4 photos")


def test_on_a_desk_the_start_ends_the_panel_of_wishes(new_context: NewContext, ann: User) -> None:
    page = new_context(ann, viewport=DESK).new_page()
    page.goto(draft_of(ann, 3).get_absolute_url())
    panel, foot = (page.locator(one).bounding_box() for one in (".upload-side", ".start-bar"))
    assert panel is not None
    assert foot is not None
    assert (foot["x"], foot["width"]) == (panel["x"], panel["width"])
    assert foot["y"] == pytest.approx(panel["y"] + panel["height"], abs=1)


def test_arrows_that_only_number_the_photos_are_folded_away(
    new_context: NewContext, ann: User
) -> None:
    page = new_context(ann, viewport=PHONE).new_page()
    page.goto(draft_of(ann, 3).get_absolute_url())
    arrows = page.locator(".tile-step")
    for arrow in arrows.all():
        expect(arrow).to_be_hidden()
    page.locator("summary", has_text="Change the order").click()
    expect(page.get_by_role("button", name="Move 1.jpg earlier")).to_be_visible()
