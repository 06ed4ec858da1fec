"""What can be done with a scene: measuring, pictures, colours; slow lines and slow machines."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import BrowserContext, Locator, Page, expect

from recon.models import Artifact, Job
from tests.browser.fitting import fits
from tests.browser.scenes import BLUE, blob_at, looks_like, picture
from tests.browser.viewing import (
    IT,
    POSE,
    VIEWER,
    open_own,
    open_scene,
    photographed,
    pose,
    ready,
    shared_scene,
)
from tests.browser.viewing import WIDTH as PHOTO_WIDTH
from tests.browser.waiting import until
from tests.browser.windows import DESK, PHONE

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

NewContext = Callable[..., BrowserContext]

SLOW_LINE = """
  const value = { saveData: false, effectiveType: "3g" };
  Object.defineProperty(navigator, "connection", { value });
"""
SLOW_MACHINE = """
  const real = WebGL2RenderingContext.prototype.drawElementsInstanced;
  WebGL2RenderingContext.prototype.drawElementsInstanced = function (...rest) {
    const until = performance.now() + (window.quick ? 0 : 60);
    while (performance.now() < until);
    return real.apply(this, rest);
  };
"""


@pytest.fixture
def scene(data_dir: Path) -> Job:
    return photographed(shared_scene())


@pytest.fixture(params=[PHONE, DESK], ids=["phone", "desk"])
def page(request: Any, new_context: NewContext, listen: Callable[[Page], Page], scene: Job) -> Page:
    context = new_context(scene.owner, viewport=request.param, reduced_motion="reduce")
    return listen(context.new_page())


def in_reach(page: Page, buttons: Locator) -> None:
    """Every button is large enough for a finger, within the window, and not covered."""
    window = page.viewport_size
    assert window
    count = 0
    for button in buttons.all():
        if not button.is_visible():
            continue
        count += 1
        button.scroll_into_view_if_needed()
        box = button.bounding_box()
        assert box
        assert min(box["width"], box["height"]) >= 44, button.evaluate("b => b.outerHTML")
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= window["width"]
        on_top = "b => { const r = b.getBoundingClientRect(); const e = document.elementFromPoint("
        on_top += "r.x + r.width / 2, r.y + r.height / 2); return b.contains(e); }"
        assert button.evaluate(on_top), button.evaluate("b => b.outerHTML")
        assert button.evaluate("b => (b.ariaLabel || b.innerText).trim().length > 1")
    assert count


@pytest.mark.parametrize("opened", [open_own, open_scene], ids=["own", "shared"])
def test_every_button_is_named_large_and_in_reach(page: Page, scene: Job, opened: Any) -> None:
    opened(page, scene)
    in_reach(page, page.locator("[data-viewer-tools] button"))
    page.get_by_role("button", name="More", exact=True).click()
    in_reach(page, page.locator("[data-viewer-more] button"))
    page.get_by_role("button", name="Help and keys").click()
    expect(page.locator("[data-viewer-help]")).to_be_visible()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Where the photos were taken").click()
    in_reach(page, page.locator("[data-viewer-strip] button"))
    in_reach(page, page.locator("[data-viewer-tools] button"))
    page.get_by_role("button", name="Close").click()
    assert fits(page)


def test_what_is_said_of_a_shared_scene_begins_folded_on_phones(
    new_context: NewContext, scene: Job
) -> None:
    upright, sideways = PHONE, {"width": 844, "height": 390}
    small = {"width": 320, "height": 568}
    page = new_context(viewport=sideways, reduced_motion="reduce").new_page()
    open_scene(page, scene)
    sheet = page.locator("summary", has_text="About this scene")
    link = page.get_by_role("link", name="PLY")
    for is_open in (False, True):
        for size in (upright, sideways, small, {"width": 568, "height": 320}):
            page.set_viewport_size(size)
            in_reach(page, page.locator("[data-viewer-tools] button"))
            card = page.locator(".public-card").bounding_box()
            assert card
            share = card["width"] * card["height"] / size["width"] / size["height"]
            assert is_open or share < 0.15, f"covers {share:.0%} of {size}"
            assert fits(page)
        if not is_open:
            expect(link).to_be_hidden()
            sheet.focus()
            page.keyboard.press("Enter")
            expect(link).to_be_visible()

    plain = new_context(viewport=upright, java_script_enabled=False).new_page()
    plain.goto(f"/v/{scene.share.key}")
    expect(plain.get_by_role("link", name="PLY")).to_be_hidden()
    plain.locator("summary", has_text="About this scene").click()
    expect(plain.get_by_role("link", name="PLY")).to_be_visible()
    desk = new_context(viewport=DESK, reduced_motion="reduce").new_page()
    desk.goto(f"/v/{scene.share.key}")
    expect(desk.get_by_role("link", name="PLY")).to_be_visible()


def test_all_of_it_can_be_reached_by_keyboard(page: Page, scene: Job) -> None:
    open_scene(page, scene)
    page.focus(f"{VIEWER} canvas")
    seen = []
    for _ in range(6):
        page.keyboard.press("Tab")
        seen.append(page.evaluate("document.activeElement.ariaLabel"))
    assert seen[0] == "Fly along the photos"
    assert seen[-1] == "More"
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent.trim()") == "Auto-rotate"
    page.keyboard.press("Escape")
    expect(page.locator("[data-viewer-more]")).to_be_hidden()
    assert page.evaluate("document.activeElement.ariaLabel") == "More", "focus comes back"


def test_a_picture_of_the_scene_is_saved_under_its_title(
    page: Page, scene: Job, complaints: list[str]
) -> None:
    open_scene(page, scene)
    page.get_by_role("button", name="More", exact=True).click()
    with page.expect_download() as saving:
        page.get_by_role("button", name="Save a picture").click()
    assert saving.value.suggested_filename == "fern-in-the-hall.png"
    image = Image.open(io.BytesIO(Path(saving.value.path()).read_bytes())).convert("RGB")
    canvas = page.locator(f"{VIEWER} canvas").bounding_box()
    assert canvas
    assert max(image.size) == 2 * PHOTO_WIDTH, "twice the photos' size, whatever the window's"
    assert image.width / image.height == pytest.approx(canvas["width"] / canvas["height"], rel=0.01)
    assert looks_like(blob_at(image, 0.5, 0.5), BLUE)
    assert looks_like(blob_at(picture(page.locator(VIEWER)), 0.5, 0.5), BLUE), "and back again"
    assert complaints == []


def test_the_background_is_the_pages_until_another_is_chosen(
    page: Page, scene: Job, complaints: list[str]
) -> None:
    open_own(page, scene)
    assert blob_at(picture(page.locator(VIEWER)), 0.08, 0.6) == (0xF3, 0xF1, 0xEC), "light paper"
    page.emulate_media(color_scheme="dark", reduced_motion="reduce")
    until(page, f"{IT}.stage.background === '#111316'")
    assert blob_at(picture(page.locator(VIEWER)), 0.08, 0.6) == (0x11, 0x13, 0x16)
    open_scene(page, scene)
    assert blob_at(picture(page.locator(VIEWER)), 0.08, 0.6) == (0x0D, 0x0F, 0x12)
    page.get_by_role("button", name="More", exact=True).click()
    page.get_by_role("button", name="White").click()
    expect(page.get_by_role("button", name="White")).to_have_attribute("aria-pressed", "true")
    expect(page.get_by_role("button", name="Dark")).to_have_attribute("aria-pressed", "false")
    assert blob_at(picture(page.locator(VIEWER)), 0.08, 0.6) == (255, 255, 255)
    page.get_by_label("Another colour").fill("#204060")
    assert blob_at(picture(page.locator(VIEWER)), 0.08, 0.6) == (0x20, 0x40, 0x60)
    page.get_by_role("button", name="As the page").click()
    assert blob_at(picture(page.locator(VIEWER)), 0.08, 0.6) == (0x0D, 0x0F, 0x12)
    assert complaints == []


# --- Measuring ---


def tap(page: Page, x: float, y: float) -> None:
    """Taps a place in the scene's plane z = 0, in its units; COLMAP's axes."""
    canvas = page.locator(f"{VIEWER} canvas")
    canvas.evaluate("it => it.scrollIntoView({ block: 'center' })")
    box = canvas.bounding_box()
    assert box
    half = page.evaluate(f"Math.tan({POSE}.fovY * Math.PI / 360)") * 3
    unit = box["height"] / 2 / half
    page.mouse.click(
        box["x"] + box["width"] / 2 + x * unit, box["y"] + box["height"] / 2 + y * unit
    )


def test_a_known_length_makes_other_lengths_known(
    page: Page, scene: Job, complaints: list[str]
) -> None:
    open_own(page, scene)
    page.get_by_role("button", name="More", exact=True).click()
    page.get_by_role("button", name="Measure a distance").click()
    expect(page.get_by_text("whose length you know")).to_be_visible()
    tap(page, 0, 0)
    expect(page.get_by_text("Tap its other end.").first).to_be_visible()
    tap(page, 0, -0.45)
    expect(page.get_by_text("There is nothing solid there.")).to_be_visible()
    tap(page, 0, -0.9)
    expect(page.get_by_text("How long is it really?")).to_be_visible()

    number = page.get_by_label("Known length")
    expect(number).to_be_focused()
    page.keyboard.type("r")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Write a number above zero")).to_be_visible()
    number.fill("45,5")
    page.keyboard.press("Enter")
    expect(page.locator("[data-viewer-result]")).to_have_text("45.5 cm")
    expect(page.locator("[data-viewer-length]")).to_have_text("45.5 cm")

    tap(page, 0, -0.9)
    tap(page, 0, 0)
    expect(page.locator("[data-viewer-result]")).to_have_text("45.5 cm")
    page.get_by_role("button", name="Set another known length").click()
    expect(page.get_by_text("whose length you know")).to_be_visible()
    page.get_by_role("button", name="Stop measuring").click()
    expect(page.locator("[data-viewer-measure]")).to_be_hidden()
    expect(page.locator("[data-viewer-marks] circle").first).to_be_hidden()
    assert complaints == []


def test_measuring_works_by_keyboard(page: Page, scene: Job) -> None:
    open_scene(page, scene)
    page.focus(f"{VIEWER} canvas")
    page.keyboard.press("m")
    expect(page.get_by_text("whose length you know")).to_be_visible()
    page.keyboard.press("Enter")
    expect(page.get_by_text("Tap its other end.").first).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("[data-viewer-measure]")).to_be_hidden()


def test_a_drag_measures_nothing_and_marks_stay_on_their_points(page: Page, scene: Job) -> None:
    open_own(page, scene)
    page.focus(f"{VIEWER} canvas")
    page.keyboard.press("m")
    box = page.locator(f"{VIEWER} canvas").bounding_box()
    assert box
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 60, y, steps=3)
    page.mouse.up()
    expect(page.get_by_text("whose length you know")).to_be_visible()
    page.get_by_role("button", name="Back to the start view").click()
    tap(page, 0, 0)
    mark = page.locator("[data-viewer-marks] circle").first
    page.keyboard.press("Shift+ArrowRight")
    page.wait_for_timeout(100)
    cx = float(mark.get_attribute("cx") or 0)
    cy = float(mark.get_attribute("cy") or 0)
    assert cx < box["width"] / 2 - 5, "the mark moved with the scene"
    image = picture(page.locator(f"{VIEWER} canvas"))
    assert looks_like(blob_at(image, (cx - 9) / box["width"], cy / box["height"]), BLUE)


# --- Slow lines ---


def test_on_a_slow_line_the_poster_waits_for_a_tap(new_context: NewContext, scene: Job) -> None:
    poster = scene.folder / "output" / "poster.jpg"
    Artifact.objects.create(
        job=scene, kind=Artifact.Kind.POSTER, path="output/poster.jpg", size=poster.stat().st_size
    )
    context = new_context(viewport=PHONE, reduced_motion="reduce")
    context.add_init_script(SLOW_LINE)
    page = context.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"/v/{scene.share.key}")
    expect(page.locator(VIEWER)).to_have_attribute("data-state", "waiting")
    expect(page.locator("[data-viewer-poster]")).to_be_visible()
    page.wait_for_load_state("networkidle")
    assert not [url for url in asked if url.endswith((".splat", "views.json"))]
    in_reach(page, page.locator("[data-viewer-waiting] button"))
    page.get_by_role("button", name="Show in 3D").click()
    ready(page)
    expect(page.locator("[data-viewer-waiting]")).to_be_hidden()


# --- Slow machines ---


def test_a_slow_machine_gets_a_coarser_picture_of_the_same_view(
    new_context: NewContext, scene: Job
) -> None:
    context = new_context(reduced_motion="reduce")
    context.add_init_script(SLOW_MACHINE)
    page = context.new_page()
    open_scene(page, scene)
    width = "document.querySelector('[data-splat-viewer] canvas').width"
    fine = page.evaluate(width)
    page.locator("[data-viewer-fly]").click()
    until(page, f"{width} < {fine}")
    page.locator("[data-viewer-fly]").click()
    page.locator("[data-viewer-reset]").click()
    assert page.evaluate(width) < fine, "it does not flicker back"
    assert looks_like(blob_at(picture(page.locator(VIEWER)), 0.5, 0.5), BLUE)
    assert pose(page)["position"] == pytest.approx([0, 0, 3], abs=1e-6)
