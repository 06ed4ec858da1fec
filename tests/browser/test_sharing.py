"""Sharing as people do it: a password, an expiry, a friend who enters, a QR code, a public page."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import BrowserContext, Page, expect

from accounts.models import User
from recon.models import Job, Share
from tests.browser.fitting import fits
from tests.browser.scenes import VIEW, splat_bytes
from tests.browser.waiting import until
from tests.browser.windows import SIZES, SIZES_AND_SCRIPTS
from tests.site.making import finished_job, person

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

NewContext = Callable[..., BrowserContext]
WORD = "under the mat"


@pytest.fixture
def ann(data_dir: Path, redis_queue: Any, live_server: Any, settings: Any) -> User:
    settings.BASE_URL = live_server.url  # links point to where this server listens
    return person(time_zone="Europe/Berlin")


def scene(owner: User, **fields: Any) -> Job:
    """A finished job whose scene can really be shown."""
    job = finished_job(owner, view=VIEW, **fields)
    artifact = job.artifacts.get(kind="splat")
    artifact.file.write_bytes(splat_bytes())
    job.artifacts.filter(kind="splat").update(size=len(splat_bytes()))
    return job


@SIZES_AND_SCRIPTS
def test_a_link_with_a_password_and_an_end_from_the_owner_to_a_friend_and_back(
    new_context: NewContext, ann: User, size: dict[str, int], scripts: bool
) -> None:
    job = scene(ann)
    page = new_context(ann, viewport=size, java_script_enabled=scripts).new_page()
    page.goto(job.get_absolute_url())
    page.get_by_role("switch", name="Anyone with the link can see it").click()
    link = page.get_by_label("Link to this scene").input_value()
    page.locator("summary", has_text="Password, expiry and public page").click()
    page.get_by_label("Password (optional)").fill(WORD)
    page.get_by_label("The link expires on").fill("2126-07-01T18:30")
    if scripts:
        assert fits(page)
    page.locator("details[open] .link-settings").get_by_role("button", name="Save").click()
    expect(page.locator(".share-facts")).to_contain_text("Asks for a password")
    expect(page.locator(".share-facts")).to_contain_text("All its files can be downloaded")
    page.locator("summary", has_text="Downloads and quality figures").click()
    page.get_by_label("People with the link may download").select_option(label="Nothing")
    page.get_by_label("Show the quality figures").uncheck()
    if scripts:
        assert fits(page)
    page.locator("details[open] .link-settings").get_by_role("button", name="Save").click()
    expect(page.locator(".share-facts")).to_contain_text("Nothing can be downloaded")
    expect(page.locator(".share-facts")).to_contain_text("The quality figures are not shown")
    expect(page.locator(".share-facts")).to_contain_text("Expires on 1 Jul 2126, 18:30")
    expect(page.locator(".share-facts")).to_contain_text("Nobody has opened it yet")

    # It keeps still: a scene that turns by itself would only burden a software renderer.
    still = {"viewport": size, "reduced_motion": "reduce"}
    friend = new_context(**still, java_script_enabled=scripts).new_page()
    friend.goto(link)
    expect(friend.get_by_role("heading", name="This scene has a password")).to_be_visible()
    expect(friend.locator("body")).not_to_contain_text("Fern in the hall")
    friend.get_by_label("Password").fill("over the mat")
    friend.get_by_role("button", name="Open the scene").click()
    expect(friend.get_by_text("That is not the password.")).to_be_visible()
    friend.get_by_label("Password").fill(WORD)
    friend.keyboard.press("Enter")
    expect(friend.get_by_role("heading", name="Fern in the hall")).to_be_visible()
    if scripts:  # the viewer shows what is not to be downloaded
        friend.wait_for_selector("[data-splat-viewer][data-state=ready]")
    expect(friend.locator("a[download]")).to_have_count(0)
    expect(friend.locator("body")).not_to_contain_text("PSNR")
    typed = friend.request.get(link + "/scene.splat", headers={"Sec-Fetch-Site": "none"})
    assert typed.status == 403
    assert "does not offer this file" in typed.text()
    friend.goto(link)
    expect(friend.get_by_role("heading", name="Fern in the hall")).to_be_visible()

    page.reload()
    expect(page.locator(".share-facts")).to_contain_text("Opened 1 time")
    page.get_by_role("button", name="Replace the link (the old one stops working)").click()
    expect(page.get_by_label("Link to this scene")).not_to_have_value(link)
    friend.goto(link)
    expect(friend.get_by_role("heading", name="There is nothing here")).to_be_visible()
    friend.goto(page.get_by_label("Link to this scene").input_value())
    expect(friend.get_by_role("heading", name="This scene has a password")).to_be_visible()
    Share.objects.update(until=timezone.now() - timedelta(seconds=1))
    friend.reload()
    expect(friend.get_by_role("heading", name="There is nothing here")).to_be_visible()
    page.reload()
    expect(page.get_by_text(re.compile("The link expired on"))).to_be_visible()


@SIZES
def test_the_qr_code_is_shown_from_our_own_server(
    new_context: NewContext,
    ann: User,
    listen: Callable[[Page], Page],
    complaints: list[str],
    size: dict[str, int],
) -> None:
    job = scene(ann, shared=True)
    page = listen(new_context(ann, viewport=size).new_page())
    page.goto(job.get_absolute_url())
    page.locator("summary", has_text="QR code").click()
    code = page.get_by_role("img", name="QR code of the link to this scene")
    code.scroll_into_view_if_needed()
    until(page, "document.querySelector('.qr img').naturalWidth > 0")
    box = code.bounding_box()
    assert box is not None
    assert box["width"] == box["height"] == 200
    assert fits(page)
    assert complaints == []


@SIZES
def test_a_title_and_a_description_are_changed_on_the_spot(
    new_context: NewContext, ann: User, size: dict[str, int]
) -> None:
    job = scene(ann, shared=True)
    page = new_context(ann, viewport=size).new_page()
    page.goto(job.get_absolute_url())
    page.locator("summary", has_text="Change title, description and tags").click()
    page.get_by_role("textbox", name="Title").fill("The hall")
    page.get_by_role("textbox", name="Description").fill("Seen in June.")
    page.locator(".about").get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", name="The hall")).to_be_visible()
    expect(page.locator(".description")).to_have_text("Seen in June.")


@SIZES
def test_a_public_page_is_opened_filled_and_visited(
    new_context: NewContext,
    ann: User,
    listen: Callable[[Page], Page],
    complaints: list[str],
    size: dict[str, int],
) -> None:
    job = scene(ann, shared=True)
    page = new_context(ann, viewport=size).new_page()
    page.goto("/accounts/")
    page.get_by_label("I want a public page").check()
    page.get_by_label("Page address").fill("ann")
    page.get_by_label("Name to show on it").fill("Ann of the ferns")
    page.get_by_role("region", name="Public page").get_by_role("button", name="Save").click()
    page.get_by_role("link", name="/u/ann/").click()
    expect(page.get_by_text("has not put a scene on this page")).to_be_visible()
    page.goto(job.get_absolute_url())
    page.locator("summary", has_text="Password, expiry and public page").click()
    page.get_by_label("Show it on my public page").check()
    page.locator("details[open] .link-settings").get_by_role("button", name="Save").click()
    expect(page.locator(".share-facts")).to_contain_text("On your public page")

    friend = listen(new_context(viewport=size, reduced_motion="reduce").new_page())
    friend.goto("/u/ann/")
    expect(friend.get_by_role("heading", name="Scenes by Ann of the ferns")).to_be_visible()
    until(friend, "document.querySelector('.card img').naturalWidth > 0")
    assert fits(friend)
    friend.get_by_role("link", name="Fern in the hall").click()
    friend.wait_for_selector("[data-splat-viewer][data-state=ready]")
    assert complaints == []
