"""What a draft accepts besides JPEGs, and its photos' order. Real Chromium, server, worker."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from accounts.models import User
from recon.jobs.drafts import drafts, frames
from recon.models import Job
from tests.browser.fitting import fits
from tests.browser.test_drafts import ERRORS, arrived, choose, names, start, upload
from tests.browser.waiting import until
from tests.browser.windows import DESK, PHONE, SIZES
from tests.heic import heic_bytes
from tests.site.making import noise, person, photo
from tests.site.working import worker
from tests.videos import video_bytes

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

NewContext = Callable[..., BrowserContext]


@pytest.fixture
def ann(data_dir: Path, redis_queue: Any) -> User:
    return person()


def movie(places: int = 8) -> bytes:
    return video_bytes([noise(seed, (160, 120)) for seed in range(places) for _ in range(3)])


def file(name: str, kind: str, content: bytes) -> dict[str, Any]:
    return {"name": name, "mimeType": kind, "buffer": content}


def order_of(page: Page) -> str:
    """The tiles by the digits in their names."""
    found = page.locator(".tile-name").all_text_contents()
    return "".join(name.removesuffix(".jpg") for name in found)


def saved_order(draft: Job) -> str:
    return "".join(name.removesuffix(".jpg") for name in names(draft))


@SIZES
def test_photos_of_phones_and_a_video_become_a_scene(
    new_context: NewContext,
    ann: User,
    listen: Callable[[Page], Page],
    complaints: list[str],
    size: dict[str, int],
) -> None:
    page = listen(new_context(ann, viewport=size).new_page())
    page.goto("/jobs/new/")
    avif = io.BytesIO()
    noise(3, (160, 120)).save(avif, "AVIF")
    with worker(queue=frames.QUEUE):
        choose(
            page,
            file("IMG_1.HEIC", "image/heic", heic_bytes(noise(1, (160, 120)), quarter_turns=3)),
            file("b.avif", "image/avif", avif.getvalue()),
            file("broken.heic", "image/heic", b"no photo"),
            file("walk.mov", "video/quicktime", movie()),
        )
        page.get_by_label("Title").fill("Walk")
        expect(page.locator(".tile.bad .tile-problem")).to_contain_text(
            "“broken.heic” can't be read as a photo."
        )
        page.get_by_role("button", name="Remove broken.heic").click()
        expect(page.locator("#videos")).to_contain_text("8 frames taken.")
        arrived(page, 10)
    until(page, "[...document.querySelectorAll('.tile img')].some((i) => i.naturalHeight > 0)")
    shown = page.locator(".tile", has_text="IMG_1.HEIC").locator("img")
    shown.scroll_into_view_if_needed()
    until(page, "document.querySelector('.tile img').naturalHeight > 0")
    assert shown.evaluate("i => i.naturalHeight > i.naturalWidth"), "turned, by the server"
    assert fits(page)
    start(page)
    expect(page.get_by_role("list", name="Steps")).to_be_visible()
    job = ann.jobs.get()
    assert (job.status, job.photos.count(), job.videos.count()) == ("PENDING", 10, 1)
    assert [c for c in complaints if "400 (Bad Request)" not in c] == []


def test_start_waits_for_the_frames_of_a_video(new_context: NewContext, ann: User) -> None:
    page = new_context(ann).new_page()
    page.goto("/jobs/new/")
    choose(page, file("walk.mp4", "video/mp4", movie()))
    expect(page.locator("#videos")).to_contain_text("Its frames will be taken in a moment.")
    start(page)
    expect(page.get_by_text("Starts when all have arrived")).to_be_visible()
    with worker(queue=frames.QUEUE):
        expect(page.get_by_role("list", name="Steps")).to_be_visible()
    assert ann.jobs.get().photos.count() == 8


def test_a_damaged_video_says_what_to_do_and_can_be_removed(
    new_context: NewContext, ann: User
) -> None:
    page = new_context(ann).new_page()
    page.goto("/jobs/new/")
    content = movie()
    choose(
        page,
        file("bad.mp4", "video/mp4", content[: len(content) // 4]),
        file("none.mp4", "video/mp4", b"no video"),
    )
    with worker(queue=frames.QUEUE):
        expect(page.locator("#videos")).to_contain_text("“bad.mp4” is damaged:")
    expect(page.locator(".tile.bad")).to_contain_text("“none.mp4” can't be read as a video.")
    page.get_by_role("button", name="Remove bad.mp4").click()
    expect(page.locator("#videos")).to_be_hidden()
    assert not ann.jobs.get().videos.exists()


@SIZES
def test_photos_are_put_in_order_by_keyboard_and_by_dragging(
    new_context: NewContext, ann: User, size: dict[str, int]
) -> None:
    draft = drafts.create_draft(ann)
    for number in range(5):
        drafts.add_photo(draft, photo(f"{number}.jpg", seed=number))
    page = new_context(ann, viewport=size).new_page()
    page.goto(draft.get_absolute_url())
    page.locator("summary", has_text="Change the order").click()
    later = page.get_by_role("button", name="Move 0.jpg later")
    later.focus()
    for _ in range(4):
        with page.expect_response("**/order/"):
            page.keyboard.press("Enter")
    assert order_of(page) == saved_order(draft) == "12340"
    expect(page.get_by_role("button", name="Move 0.jpg earlier")).to_be_focused()
    expect(page.locator("[data-said]")).to_have_text("“0.jpg” is photo 5 of 5.")

    tiles = page.locator(".tile")
    tiles.nth(0).scroll_into_view_if_needed()  # a page that scrolls during a drag loses it
    with page.expect_response("**/order/"):
        tiles.nth(3).drag_to(tiles.nth(0), source_position={"x": 20, "y": 30},
                             target_position={"x": 5, "y": 30})  # fmt: skip
    assert order_of(page) == saved_order(draft) == "41230"
    choose(page, upload("5.jpg", 5))
    arrived(page, 6)
    assert saved_order(draft) == "412305"

    box = tiles.nth(1).bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 20, box["y"] + 30)
    page.mouse.down()
    page.mouse.move(box["x"] + 40, box["y"] + 40, steps=3)
    expect(page.get_by_text("Drop it here to remove it")).to_be_visible()
    page.locator("[data-bin]").hover()
    page.locator("[data-bin]").hover()
    page.mouse.up()
    expect(tiles).to_have_count(5)
    arrived(page, 5)
    assert saved_order(draft) == "42305"
    assert fits(page)
    page.reload()
    assert order_of(page) == "42305"


def test_photos_are_put_in_order_without_scripts(new_context: NewContext, ann: User) -> None:
    draft = drafts.create_draft(ann)
    for number in range(3):
        drafts.add_photo(draft, photo(f"{number}.jpg", seed=number))
    page = new_context(ann, java_script_enabled=False, viewport=PHONE).new_page()
    page.goto(draft.get_absolute_url())
    page.locator("summary", has_text="Change the order").click()
    page.get_by_role("button", name="Move 2.jpg earlier").click()
    assert order_of(page) == saved_order(draft) == "021"
    page.get_by_role("button", name="Move 0.jpg later").click()
    assert order_of(page) == saved_order(draft) == "201"
    choose(page, file("walk.mp4", "video/mp4", movie()))
    page.get_by_role("button", name="Add these photos").click()
    expect(page.locator("#videos")).to_contain_text("Its frames will be taken in a moment.")
    start(page)
    expect(page.locator(ERRORS)).to_contain_text("Frames are still being taken")
    page.get_by_role("link", name="Resume reloading").click()
    with worker(queue=frames.QUEUE):
        expect(page.locator("#videos")).to_contain_text("8 frames taken.")
    assert draft.photos.count() == 11


def test_a_picture_is_pasted_and_text_is_not(new_context: NewContext, ann: User) -> None:
    page = new_context(ann).new_page()
    page.goto("/jobs/new/")
    page.evaluate(
        """(base64) => {
            const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
            const clipboardData = new DataTransfer();
            clipboardData.items.add(new File([bytes], "image.png", { type: "image/png" }));
            const paste = { clipboardData, bubbles: true, cancelable: true };
            document.body.dispatchEvent(new ClipboardEvent("paste", paste));
        }""",
        _base64(noise(1)),
    )
    arrived(page, 1)
    assert names(ann.jobs.get()) == ["image.png"]
    page.evaluate(
        """() => {
            const clipboardData = new DataTransfer();
            clipboardData.setData("text/plain", "Fern");
            const paste = { clipboardData, bubbles: true, cancelable: true };
            const went = document.body.dispatchEvent(new ClipboardEvent("paste", paste));
            document.title = went ? "left alone" : "taken";
        }"""
    )
    expect(page).to_have_title("left alone")


def _base64(picture: Any) -> str:
    import base64

    content = io.BytesIO()
    picture.save(content, "PNG")
    return base64.b64encode(content.getvalue()).decode()


def test_a_phone_offers_its_camera_and_says_how_to_shoot(
    new_context: NewContext, ann: User
) -> None:
    phone = new_context(ann, viewport=PHONE, has_touch=True, is_mobile=True).new_page()
    phone.goto("/jobs/new/")
    camera = phone.get_by_label("Take a photo")
    assert camera.get_attribute("capture") == "environment"
    expect(phone.get_by_text("Take a photo", exact=True)).to_be_visible()
    guide = phone.locator(".shoot-guide")
    guide.locator("summary").click()
    expect(guide.get_by_text("a step sideways")).to_be_visible()
    camera.set_input_files([upload("0.jpg", 0)])
    arrived(phone, 1)
    phone.get_by_label("Take a photo").set_input_files([upload("1.jpg", 1)])
    arrived(phone, 2)
    assert fits(phone)
    desk = new_context(ann, viewport=DESK).new_page()
    desk.goto("/jobs/new/")
    expect(desk.get_by_text("Take a photo", exact=True)).to_be_hidden()
