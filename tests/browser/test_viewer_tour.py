"""Moving through the scene: photos' places, flight, turning, and what no photo supports."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import BrowserContext, Page, expect

from recon.models import Job
from tests.browser.scenes import picture
from tests.browser.viewing import (
    IT,
    POSE,
    VIEWER,
    open_own,
    open_scene,
    photographed,
    pose,
    shared_scene,
)
from tests.browser.waiting import until
from tests.browser.windows import DESK, PHONE

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

NewContext = Callable[..., BrowserContext]

#: Where the three photos were taken, on three's axes.
PLACES = [[3 * math.sin(math.radians(d)), 0, 3 * math.cos(math.radians(d))] for d in (-12, 0, 12)]
VEIL = "Number(document.querySelector('[data-viewer-veil]').style.opacity)"


@pytest.fixture
def scene(data_dir: Path) -> Job:
    return photographed(shared_scene())


@pytest.fixture(params=[PHONE, DESK], ids=["phone", "desk"])
def page(request: Any, new_context: NewContext, listen: Callable[[Page], Page], scene: Job) -> Page:
    context = new_context(scene.owner, viewport=request.param, reduced_motion="reduce")
    return listen(context.new_page())


def at(page: Page, number: int) -> bool:
    return bool(np.allclose(pose(page)["position"], PLACES[number], atol=1e-5))


# --- Photos' places ---


def test_it_starts_where_all_is_supported_by_photos(page: Page, scene: Job) -> None:
    open_scene(page, scene)
    assert page.evaluate(f"{IT}.features.supported") > 0.99
    assert page.evaluate(VEIL) == 0


def test_the_strip_leads_to_each_photos_place(
    page: Page, scene: Job, complaints: list[str]
) -> None:
    open_scene(page, scene)
    button = page.get_by_role("button", name="Where the photos were taken")
    button.click()
    expect(button).to_have_attribute("aria-expanded", "true")
    expect(page.locator(".public-card")).to_be_hidden()
    third = page.get_by_role("button", name="Photo 3")
    third.click()
    assert at(page, 2)
    expect(third).to_have_attribute("aria-pressed", "true")
    page.get_by_role("button", name="Next photo").click()
    assert at(page, 0), "round"
    page.get_by_role("button", name="Previous photo").click()
    page.get_by_role("button", name="Previous photo").click()
    assert at(page, 1)
    page.get_by_role("button", name="Close").click()
    expect(third).to_be_hidden()
    expect(page.locator(".public-card")).to_be_visible()
    assert complaints == []


def test_keys_lead_from_photo_to_photo(page: Page, scene: Job) -> None:
    open_scene(page, scene)
    page.focus(f"{VIEWER} canvas")
    page.keyboard.press("p")
    expect(page.locator("[data-viewer-strip]")).to_be_visible()
    page.keyboard.press(".")
    assert at(page, 1), "the nearest first"
    page.keyboard.press(".")
    assert at(page, 2)
    page.keyboard.press(",")
    assert at(page, 1)
    page.keyboard.press("Escape")
    expect(page.locator("[data-viewer-strip]")).to_be_hidden()


def test_a_shared_page_gets_no_photo(page: Page, scene: Job) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    open_scene(page, scene)
    page.get_by_role("button", name="Where the photos were taken").click()
    page.get_by_role("button", name="Photo 3").click()
    expect(page.locator("[data-viewer-fade]")).to_be_hidden()
    expect(page.locator("[data-viewer-strip] img")).to_have_count(0)
    assert not [url for url in asked if "/jobs/" in url or "photos/" in url]


def test_the_owner_fades_the_photo_over_the_scene_and_it_lies_where_it_belongs(
    page: Page, scene: Job, complaints: list[str]
) -> None:
    open_own(page, scene)
    page.get_by_role("button", name="Where the photos were taken").click()
    page.get_by_role("button", name="Photo 3: secret garden 2.jpg").click()
    viewer = page.locator(VIEWER)
    slider = page.get_by_role("slider", name="Photo over the scene")
    expect(slider).to_be_visible()
    blobs = spots(picture(viewer), lambda rgb: rgb.max(axis=2) > 130)
    slider.evaluate("field => { field.value = 100; field.dispatchEvent(new Event('input')); }")
    photo = page.locator("[data-viewer-photo]")
    expect(photo).to_be_visible()
    photo.evaluate("image => image.decode()")
    discs = spots(picture(viewer), lambda rgb: rgb.max(axis=2) < 10)
    assert discs == pytest.approx(blobs, abs=3)
    slider.evaluate("field => { field.value = 0; field.dispatchEvent(new Event('input')); }")
    expect(photo).to_be_hidden()
    slider.evaluate("field => { field.value = 60; field.dispatchEvent(new Event('input')); }")
    page.focus(f"{VIEWER} canvas")
    page.keyboard.press("ArrowLeft")
    expect(photo).to_be_hidden()
    expect(slider).to_be_hidden()
    assert complaints == []


def spots(image: Any, shown: Callable[[Any], Any]) -> list[float]:
    """Where the blue blob in the middle of the upper half is: the mean of what is shown there."""
    rgb = np.asarray(image, int)
    height, width = rgb.shape[:2]
    half = 40
    part = rgb[height // 2 - half : height // 2 + half, width // 2 - half : width // 2 + half]
    ys, xs = np.nonzero(shown(part))
    assert len(xs), "nothing is there"
    return [float(xs.mean()), float(ys.mean())]


# --- The flight ---


def test_a_flight_passes_the_photos_and_pauses(page: Page, scene: Job) -> None:
    open_scene(page, scene)
    button = page.locator("[data-viewer-fly]")
    button.click()
    expect(button).to_have_attribute("aria-pressed", "true")
    until(page, f"{POSE}.position[0] > 0.3")
    until(page, f"{POSE}.position[0] < -0.3")
    assert math.hypot(*pose(page)["position"]) == pytest.approx(3, abs=0.1)
    button.click()
    expect(button).to_have_attribute("aria-pressed", "false")
    here = pose(page)["position"]
    page.wait_for_timeout(200)
    assert pose(page)["position"] == pytest.approx(here, abs=1e-9)


def test_a_touch_ends_the_flight_where_it_is(page: Page, scene: Job) -> None:
    open_scene(page, scene)
    page.focus(f"{VIEWER} canvas")
    page.keyboard.press(" ")
    until(page, f"Math.abs({POSE}.position[0]) > 0.2")
    box = page.locator(VIEWER).bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    here = pose(page)
    page.wait_for_timeout(200)
    assert pose(page)["position"] == pytest.approx(here["position"], abs=1e-9)
    page.mouse.move(box["x"] + box["width"] / 2 - 90, box["y"] + box["height"] / 2, steps=4)
    page.mouse.up()
    assert pose(page)["position"] != pytest.approx(here["position"], abs=0.1), "the hand has it now"
    expect(page.locator("[data-viewer-fly]")).to_have_attribute("aria-pressed", "false")


def test_without_photos_there_is_no_flight_and_no_strip(page: Page, scene: Job) -> None:
    scene.artifacts.get(kind="cameras").file.write_text("[]")
    open_scene(page, scene)
    for selector in ("[data-viewer-fly]", "[data-viewer-strip-button]"):
        expect(page.locator(selector)).to_be_hidden()
    page.focus(f"{VIEWER} canvas")
    page.keyboard.press(" ")
    page.keyboard.press("p")
    page.keyboard.press(".")
    assert pose(page)["position"] == pytest.approx([0, 0, 3], abs=1e-6)
    for _ in range(20):
        page.keyboard.press("ArrowLeft")
    assert page.evaluate(VEIL) == 0, "nobody knows what the photos saw"


# --- The edge of what photos show ---


def drag(page: Page, right: int, down: int) -> None:
    """Drags from the middle by so many px, as a hand would."""
    box = page.locator(f"{VIEWER} canvas").bounding_box()
    assert box
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + right, y + down, steps=12)
    page.mouse.up()


def test_no_drag_leads_into_the_dark(page: Page, scene: Job) -> None:
    open_scene(page, scene)
    canvas = page.locator(f"{VIEWER} canvas")
    start, before = np.asarray(picture(canvas), int).mean(), pose(page)["position"]
    width, height = page.evaluate("[innerWidth, innerHeight]")
    for right, down in ((width // 2, 0), (0, height // 3), (-width // 2, -height // 3)):
        drag(page, right, down)
        assert page.evaluate(f"{IT}.features.supported") > 0.7
        assert page.evaluate(VEIL) <= 0.3
        assert np.asarray(picture(canvas), int).mean() > 0.6 * start
        assert pose(page)["position"] != pytest.approx(before, abs=0.05), "it is not a wall either"
        expect(page.get_by_text("No photo shows the scene from here.")).to_be_hidden()


def test_who_wants_out_gets_out_and_finds_back(page: Page, scene: Job) -> None:
    open_scene(page, scene)
    page.get_by_role("button", name="More").click()
    switch = page.get_by_role("button", name="Move freely")
    expect(switch).to_have_attribute("aria-pressed", "false")
    switch.click()
    page.reload()
    page.wait_for_selector(f"{VIEWER}[data-state=ready]")
    page.get_by_role("button", name="More").click()
    expect(switch).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("Escape")
    page.focus(f"{VIEWER} canvas")
    for _ in range(18):  # 90 degrees
        page.keyboard.press("ArrowLeft")
    expect(page.get_by_text("No photo shows the scene from here.")).to_be_visible()
    assert page.evaluate(VEIL) <= 0.3, "light, and only at the rim"
    page.get_by_role("button", name="Back to a photo").click()
    assert at(page, 0) or at(page, 2)
    for _ in range(9):
        page.keyboard.press("ArrowLeft")
    page.focus(f"{VIEWER} canvas")
    for _ in range(18):
        page.keyboard.press("ArrowLeft")
    page.keyboard.press("l")
    expect(page.get_by_text("No photo shows the scene from here.")).to_be_hidden()
    assert at(page, 0) or at(page, 2), "whoever stays within is led there"


# --- Walking ---


def test_one_walks_by_keys_and_stick_and_goes_where_one_points(
    moving: Page, scene: Job, complaints: list[str]
) -> None:
    open_own(moving, scene)
    walk = moving.get_by_role("button", name="Walk", exact=True)
    stick = moving.get_by_role("group", name="Walk", exact=True)
    expect(walk).to_have_attribute("aria-pressed", "false")
    expect(stick).to_be_hidden()
    moving.focus(f"{VIEWER} canvas")
    moving.keyboard.press("o")
    expect(walk).to_have_attribute("aria-pressed", "true")

    moving.keyboard.down("w")
    until(moving, f"{POSE}.position[2] < 2.8")
    moving.keyboard.up("w")
    moving.keyboard.press("r")
    moving.keyboard.press("a")
    until(moving, f"{POSE}.position[0] < -0.005")
    moving.keyboard.press("r")
    looked = pose(moving)["target"]
    moving.keyboard.press("ArrowRight")
    assert pose(moving)["target"][0] > looked[0] + 0.1, "an arrow looks to its side"
    moving.keyboard.press("r")

    canvas = moving.locator(f"{VIEWER} canvas")
    box = canvas.bounding_box()
    assert box
    middle = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    moving.touchscreen.tap(*middle)  # on the blue blob
    until(moving, f"{POSE}.position[2] < 2.9 && !{IT}.features.tour.motion")
    expect(stick).to_be_visible()
    moving.keyboard.press("r")
    moving.mouse.dblclick(*middle)
    until(moving, f"{POSE}.position[2] < 2.9 && !{IT}.features.tour.motion")

    moving.keyboard.press("r")
    ring = stick.bounding_box()
    assert ring
    moving.mouse.move(ring["x"] + ring["width"] / 2, ring["y"] + ring["height"] / 2)
    moving.mouse.down()
    moving.mouse.move(ring["x"] + ring["width"] / 2, ring["y"] + 12, steps=3)
    until(moving, f"{POSE}.position[2] < 2.9")
    moving.mouse.up()
    stick.get_by_role("button", name="Backwards").press("Enter")
    walk.click()
    expect(stick).to_be_hidden()
    assert complaints == []


@pytest.mark.parametrize("turned", [False, True], ids=["upright", "on its side"])
def test_the_strip_of_photos_leaves_the_stick_free(moving: Page, scene: Job, turned: bool) -> None:
    if turned:
        moving.set_viewport_size({"width": PHONE["height"], "height": PHONE["width"]})
    open_own(moving, scene)
    moving.get_by_role("button", name="Walk", exact=True).click()
    moving.get_by_role("button", name="Where the photos were taken", exact=True).click()
    moving.locator("[data-viewer-photos] button").first.click()
    stick = moving.get_by_role("group", name="Walk", exact=True).bounding_box()
    strip = moving.locator("[data-viewer-strip]").bounding_box()
    assert stick
    assert strip
    is_beside = stick["x"] + stick["width"] <= strip["x"]
    assert is_beside or stick["y"] + stick["height"] <= strip["y"]


# --- Turning by itself ---


@pytest.fixture(params=[PHONE, DESK], ids=["phone", "desk"])
def moving(
    request: Any, new_context: NewContext, listen: Callable[[Page], Page], scene: Job
) -> Page:
    context = new_context(
        scene.owner, viewport=request.param, reduced_motion="no-preference", has_touch=True
    )
    return listen(context.new_page())


def test_a_shared_scene_turns_until_it_is_touched_within_what_photos_show(
    moving: Page, scene: Job
) -> None:
    open_scene(moving, scene)
    until(moving, f"Math.abs({POSE}.position[0]) > 0.1")
    assert moving.evaluate(VEIL) == 0
    moving.touchscreen.tap(195, 400)
    here = pose(moving)["position"]
    moving.wait_for_timeout(300)
    assert pose(moving)["position"] == pytest.approx(here, abs=1e-9)
    moving.get_by_role("button", name="More").click()
    turn = moving.get_by_role("button", name="Auto-rotate")
    expect(turn).to_have_attribute("aria-pressed", "false")
    turn.click()
    expect(turn).to_have_attribute("aria-pressed", "true")
    until(moving, f"Math.abs({POSE}.position[0] - {here[0]}) > 0.05")
    moving.get_by_role("button", name="More").click()
    moving.mouse.move(195, 400)
    moving.mouse.wheel(0, -300)
    expect(moving.locator("[data-viewer-turn]")).to_have_attribute("aria-pressed", "false")
    until(moving, f"Math.hypot(...{POSE}.position) < 2.9")


def test_ones_own_page_and_less_motion_stay_still(moving: Page, page: Page, scene: Job) -> None:
    for still, opened in ((moving, open_own), (page, open_scene)):
        opened(still, scene)
        still.wait_for_timeout(400)
        assert pose(still)["position"] == pytest.approx([0, 0, 3], abs=1e-6)


def test_a_step_to_a_photo_is_a_walk_and_ends_there(moving: Page, scene: Job) -> None:
    open_own(moving, scene)
    moving.get_by_role("button", name="Where the photos were taken").click()
    moving.get_by_role("button", name="Photo 3: secret garden 2.jpg").click()
    xs = []
    while not at(moving, 2):
        xs.append(pose(moving)["position"][0])
    assert any(0.01 < x < PLACES[2][0] - 0.01 for x in xs), "it walked"
    expect(moving.get_by_role("slider", name="Photo over the scene")).to_be_visible()
