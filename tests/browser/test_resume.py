"""Uploads survive a lost line, a lost answer, a closed tab. Real Chromium, real server."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, Request, Route, expect

from accounts.models import User
from recon.jobs.drafts import drafts
from tests.browser.fitting import fits
from tests.browser.test_drafts import PHOTOS_URL, Gate, arrived, choose, names, start, tally, upload
from tests.browser.windows import SIZES
from tests.site.making import person, photo

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

LOST = "The connection is lost."
NewContext = Callable[..., BrowserContext]


@pytest.fixture
def ann(data_dir: Path, redis_queue: Any) -> User:
    return person()


def posts(page: Page) -> list[str]:
    """Addresses that photos are sent to, as they are sent."""
    sent: list[str] = []

    def note(request: Request) -> None:
        if request.url.endswith("/photos/"):
            sent.append(request.url)

    page.on("requestfinished", note)
    return sent


@SIZES
def test_an_upload_pauses_while_the_line_is_lost_and_goes_on_by_itself(
    new_context: NewContext, ann: User, size: dict[str, int]
) -> None:
    context = new_context(ann, viewport=size)
    page = context.new_page()
    page.goto("/jobs/new/")
    choose(page, upload("0.jpg", 0))
    arrived(page, 1)
    sent = posts(page)
    gate = Gate(page)
    choose(page, *[upload(f"{n}.jpg", n) for n in range(1, 6)])
    tally(page, "5 on the way")
    while len(gate.held) < 3:
        page.wait_for_timeout(50)
    context.set_offline(True)
    for route in gate.held:
        route.abort("internetdisconnected")
    gate.held.clear()
    expect(page.get_by_text(LOST)).to_be_visible()
    expect(page.get_by_text("Waiting for the connection").first).to_be_visible()
    assert fits(page)
    page.unroute(PHOTOS_URL)
    context.set_offline(False)
    arrived(page, 6)
    expect(page.get_by_text(LOST)).to_be_hidden()
    assert len(sent) == 5, "each of the rest once, and the first never again"
    assert names(ann.jobs.get()) == [f"{n}.jpg" for n in range(6)]
    start(page)
    expect(page.get_by_role("list", name="Steps")).to_be_visible()


def test_a_server_that_is_away_is_tried_in_growing_steps_or_at_once_on_demand(
    new_context: NewContext, ann: User
) -> None:
    page = new_context(ann).new_page()
    page.goto("/jobs/new/")
    tries: list[Route] = []

    def refuse(route: Route) -> None:
        tries.append(route)
        route.abort("connectionrefused")

    page.route(PHOTOS_URL, refuse)
    choose(page, upload("one.jpg", 1))
    expect(page.get_by_text(LOST)).to_be_visible()
    while len(tries) < 4:  # the failure, then by itself after one and two seconds
        page.wait_for_timeout(50)
    page.unroute(PHOTOS_URL)
    page.get_by_role("button", name="Try now").click()
    arrived(page, 1)
    expect(page.get_by_text(LOST)).to_be_hidden()


def test_a_photo_whose_answer_was_lost_is_not_sent_twice(
    new_context: NewContext, ann: User
) -> None:
    page = new_context(ann).new_page()
    page.goto("/jobs/new/")
    bodies: list[int] = []

    def lose_the_answer(route: Route) -> None:
        bodies.append(route.fetch().status)
        route.abort("connectionreset")

    page.route(PHOTOS_URL, lose_the_answer)
    choose(page, upload("one.jpg", 1))
    arrived(page, 1)
    assert bodies == [201]
    assert names(ann.jobs.get()) == ["one.jpg"]


def test_a_photo_taken_out_while_the_line_is_lost_is_not_sent_later(
    new_context: NewContext, ann: User
) -> None:
    context = new_context(ann)
    page = context.new_page()
    page.goto("/jobs/new/")
    choose(page, upload("one.jpg", 1))
    arrived(page, 1)
    sent = posts(page)
    context.set_offline(True)
    choose(page, upload("two.jpg", 2))
    expect(page.get_by_text(LOST)).to_be_visible()
    page.get_by_role("button", name="Remove two.jpg").click()
    context.set_offline(False)
    arrived(page, 1)
    expect(page.locator(".tile")).to_have_count(1)
    assert sent == []
    assert names(ann.jobs.get()) == ["one.jpg"]


@SIZES
def test_a_tab_closed_in_the_middle_is_gone_on_with_and_only_the_rest_is_sent(
    new_context: NewContext, ann: User, size: dict[str, int]
) -> None:
    context = new_context(ann, viewport=size)
    page = context.new_page()
    page.goto("/jobs/new/")
    page.get_by_label("Title").fill("Fern")
    chosen = [upload(f"{n}.jpg", n) for n in range(5)]
    choose(page, *chosen[:2])
    arrived(page, 2)
    gate = Gate(page)
    choose(page, *chosen[2:])
    tally(page, "3 on the way")
    while len(gate.held) < 3:
        page.wait_for_timeout(50)
    for route in gate.held:  # closing would let them through
        route.abort()
    page.close()

    again = context.new_page()
    again.goto("/jobs/")
    card = again.locator(".card", has_text="Fern")
    expect(card).to_contain_text("Not started")
    expect(card).to_contain_text("2 photos")
    expect(card.get_by_text("Continue")).to_be_visible()
    again.get_by_role("link", name="Fern").click()
    expect(again.locator("[data-said]")).to_contain_text("“2.jpg”, “3.jpg”, “4.jpg” were still on")
    assert fits(again)
    sent = posts(again)
    choose(again, *chosen)
    arrived(again, 5)
    tally(again, "2 are already here")
    expect(again.locator("[data-said]")).to_be_empty()
    assert len(sent) == 3
    assert names(ann.jobs.get()) == [f"{n}.jpg" for n in range(5)]
    again.reload()
    expect(again.locator("[data-said]")).to_be_empty()


def test_photos_of_an_earlier_scene_are_not_sent_again_for_a_new_one(
    new_context: NewContext, ann: User
) -> None:
    earlier = drafts.create_draft(ann)
    for number in range(3):
        drafts.add_photo(earlier, photo(f"{number}.jpg", seed=number))
    page = new_context(ann).new_page()
    sent = posts(page)
    page.goto("/jobs/new/")
    choose(page, *[upload(f"{n}.jpg", n) for n in range(4)])
    arrived(page, 4)
    assert len(sent) == 1
    assert names(ann.jobs.exclude(pk=earlier.pk).get()) == [f"{n}.jpg" for n in range(4)]
