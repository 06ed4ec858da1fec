"""What a newcomer sees without doing anything: the whole viewer, lines to the edge, one way in."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.template.loader import render_to_string
from django.utils import timezone
from playwright.sync_api import BrowserContext, Page, expect

from accounts.models import User
from recon.models import Job
from recon.web.running.curve import Curve, Mark
from tests.browser.test_result import shown_job
from tests.browser.waiting import until
from tests.browser.windows import DESK, PHONE, SIZES
from tests.site.making import job_of, person, photo_bytes

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("data_dir", "redis_queue"),
]
NewContext = Callable[..., BrowserContext]
READY = "[data-splat-viewer][data-state=ready]"
LONG = "The old fountain behind the church of our lady, with its four lions, in the evening"
POOR = {
    "registered": 4,
    "warnings": [{"code": "photos_left_out", "facts": {"count": 4, "total": 8, "photos": []}}],
}
#: From the bottom of the viewer, and of its tools, to what covers the page there, px.
ROOM = """() => {
  const bar = document.querySelector(".result-actions").getBoundingClientRect();
  const foot = bar.top > innerHeight / 2 ? bar.top : innerHeight;
  return [".viewer", ".viewer-tools"].map(
    (name) => foot - document.querySelector(name).getBoundingClientRect().bottom);
}"""


@pytest.fixture
def ann() -> User:
    return person()


@SIZES
@pytest.mark.parametrize("fields", [{}, {"title": LONG}, POOR], ids=["good", "long title", "poor"])
@pytest.mark.parametrize("language", ["en", "ko"])
def test_the_whole_viewer_is_seen_without_scrolling(
    new_context: NewContext, ann: User, size: dict[str, int], fields: Any, language: str
) -> None:
    job = shown_job(ann, **fields)
    context = new_context(ann, viewport=size, locale=language, reduced_motion="reduce")
    page = context.new_page()
    page.goto(job.get_absolute_url())
    expect(page.locator(READY)).to_be_visible()
    assert page.evaluate("scrollY") == 0
    assert min(page.evaluate(ROOM)) >= 0
    assert page.locator(".viewer").bounding_box()["height"] >= 280  # type: ignore[index]


def test_it_is_so_after_another_part_was_opened_first(new_context: NewContext, ann: User) -> None:
    job = shown_job(ann)
    page = new_context(ann, viewport=DESK, reduced_motion="reduce").new_page()
    page.goto(f"{job.get_absolute_url()}#quality")
    page.get_by_role("tab", name="Scene").click()
    expect(page.locator(READY)).to_be_visible()
    assert min(page.evaluate(ROOM)) >= 0


@SIZES
def test_lines_reach_the_edge_on_short_and_long_pages(
    new_context: NewContext, ann: User, size: dict[str, int]
) -> None:
    page = new_context(ann, viewport=size).new_page()
    for address in ("/notices/", "/accounts/"):
        page.goto(address)
        for line in (".topbar", ".footer"):
            box = page.locator(line).bounding_box()
            assert box is not None
            assert (box["x"], box["width"]) == (0, size["width"]), (address, line)


def test_the_player_has_its_videos_shape(new_context: NewContext, ann: User) -> None:
    """4:3, upright, or wide: no bars beside the picture."""
    job = shown_job(ann)
    poster = job.artifacts.get(kind="poster")
    page = new_context(ann, viewport=DESK).new_page()
    for shape in ((800, 600), (450, 800), (1600, 500)):
        poster.file.write_bytes(photo_bytes(7, size=shape))
        page.goto(job.get_absolute_url())
        video = page.locator("video.turntable")
        video.scroll_into_view_if_needed()
        box = "document.querySelector('video').getBoundingClientRect()"
        until(page, f"Math.abs({box}.width / {box}.height - {shape[0] / shape[1]}) < 0.02")


def test_words_of_a_curve_are_no_larger_than_the_text(new_context: NewContext, ann: User) -> None:
    page = new_context(ann, viewport=DESK).new_page()
    page.goto("/notices/")
    drawn = Curve("0,90 320,9", (320.0, 9.0), [Mark(9, "24 dB")], [Mark(0, "0")], "", [])
    figure = render_to_string("recon/_curve.html", {"curve": drawn})
    page.locator("main").evaluate("(main, figure) => { main.innerHTML = figure; }", figure)
    word, said = (
        page.locator(f".curve {name}").evaluate(
            "e => (r => { r.selectNodeContents(e); return r.getBoundingClientRect().height; })"
            "(document.createRange())"
        )
        for name in ("text >> nth=0", "figcaption")
    )
    assert word <= said


def test_a_draft_s_delete_comes_last_and_quietly(new_context: NewContext, ann: User) -> None:
    draft = job_of(ann, status=Job.Status.DRAFT, edited_at=timezone.now())
    page = new_context(ann, viewport=PHONE, has_touch=True, is_mobile=True).new_page()
    page.goto(draft.get_absolute_url())
    delete = page.get_by_role("button", name="Delete this draft")
    tops = [one.bounding_box()["y"] for one in (page.locator("[data-start]"), delete)]  # type: ignore[index]
    assert tops[0] < tops[1]
    colours = {e.evaluate("e => getComputedStyle(e).color") for e in (delete, page.locator("body"))}
    assert len(colours) == 1
    delete.click()
    page.get_by_role("dialog").get_by_role("button", name="Delete for good").click()
    page.wait_for_url("**/jobs/")
    assert not Job.objects.exists()


def test_fingers_are_not_told_to_drop(new_context: NewContext, ann: User) -> None:
    for options, dropped in (({"has_touch": True, "is_mobile": True}, 0), ({}, 1)):
        page = new_context(ann, viewport=PHONE, **options).new_page()
        for address in ("/jobs/", "/jobs/new/"):
            page.goto(address)
            expect(page.locator("main")).to_be_visible()
            said = page.get_by_text(re.compile("[Dd]rop (or|them)")).filter(visible=True)
            expect(said).to_have_count(dropped)


@pytest.mark.parametrize("sign_up", ["open", "closed"])
def test_one_way_to_sign_in_is_enough(
    new_context: NewContext, listen: Callable[[Page], Page], settings: Any, sign_up: str
) -> None:
    settings.SIGN_UP = sign_up
    page = listen(new_context(viewport=DESK).new_page())
    page.goto("/")
    expect(page.get_by_role("link", name="Sign in")).to_have_count(1)


def test_an_empty_list_stands_where_its_page_does(new_context: NewContext, ann: User) -> None:
    page = new_context(ann, viewport=DESK).new_page()
    for address in ("/notices/", "/jobs/", "/jobs/?q=nothing"):
        page.goto(address)
        lefts = [
            page.locator(name).first.evaluate(
                "e => (r => { r.selectNodeContents(e); return r.getBoundingClientRect().left; })"
                "(document.createRange())"
            )
            for name in ("h1", ".empty h2")
        ]
        assert lefts[0] == pytest.approx(lefts[1], abs=1), address
