"""The viewer on the pages that carry it: what it draws, where it starts, what it says."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import BrowserContext, Page, expect

from recon.models import Artifact, Job
from tests.browser.scenes import (
    BLUE,
    GREEN,
    RADIUS,
    RED,
    VIEW,
    blob_at,
    looks_like,
    picture,
    splat_bytes,
)
from tests.browser.viewing import (
    IT,
    POSE,
    VIEWER,
    open_own,
    open_scene,
    pose,
    shared_scene,
    write_scene,
)
from tests.browser.waiting import until
from tests.browser.windows import PHONE

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

NO_WEBGL2 = """
  const real = HTMLCanvasElement.prototype.getContext;
  HTMLCanvasElement.prototype.getContext = function (kind, ...rest) {
    return kind === "webgl2" ? null : real.call(this, kind, ...rest);
  };
"""
COUNT_DRAWS = """
  window.draws = 0;
  const real = WebGL2RenderingContext.prototype.drawElementsInstanced;
  WebGL2RenderingContext.prototype.drawElementsInstanced = function (...rest) {
    window.draws += 1;
    return real.apply(this, rest);
  };
"""


@pytest.fixture
def scene(data_dir: Path) -> Job:
    return shared_scene()


@pytest.fixture
def page(new_context: Callable[..., BrowserContext], listen: Callable[[Page], Page]) -> Page:
    """A page of a stranger's browser: share links need no account."""
    return listen(new_context(reduced_motion="reduce").new_page())


def test_the_scene_stands_as_colmap_has_it(page: Page, scene: Job, complaints: list[str]) -> None:
    open_scene(page, scene)
    image = picture(page.locator(VIEWER))
    # The window is 1000x700; the fields of view follow from 50 degrees of height.
    assert looks_like(blob_at(image, 0.5, 0.5), BLUE)
    assert looks_like(blob_at(image, 0.5, 0.5 - 0.9 / 3 / 0.9326), RED), "y points down"
    assert looks_like(blob_at(image, 0.5 + 0.9 / 3 / 0.9326 * 0.7, 0.5), GREEN), "x points right"
    assert complaints == []


def test_it_starts_where_the_photo_was_taken(page: Page, scene: Job) -> None:
    open_scene(page, scene)
    # three.js has y up and z backward.
    assert pose(page)["position"] == pytest.approx([0, 0, 3], abs=1e-6)
    assert pose(page)["target"] == pytest.approx([0, 0, 0], abs=1e-6)
    assert pose(page)["up"] == pytest.approx([0, 1, 0], abs=1e-6)
    assert pose(page)["fovY"] == pytest.approx(50)


def test_what_was_trained_on_small_photos_is_as_soft_as_there(page: Page, scene: Job) -> None:
    """Otherwise a quick scene's thin splats, enlarged to a screen, would be needles."""

    def green_pixels() -> int:
        open_scene(page, scene)
        red, green, blue = np.moveaxis(np.asarray(picture(page.locator(VIEWER)), int), 2, 0)
        return int(((green > red + 20) & (green > blue + 20)).sum())

    sharp = green_pixels()
    scene.view = {**VIEW, "trained_height": 8}  # px; the window has 700
    scene.save()
    assert green_pixels() > 1.5 * sharp


@pytest.mark.parametrize("key", ["ArrowLeft", "ArrowUp", "+", "-", "Shift+ArrowRight"])
def test_keys_move_the_camera_and_r_brings_it_back(page: Page, scene: Job, key: str) -> None:
    open_scene(page, scene)
    start = pose(page)
    page.focus(f"{VIEWER} canvas")
    page.keyboard.press(key)
    assert pose(page)["position"] != pytest.approx(start["position"], abs=1e-3)
    page.keyboard.press("r")
    assert pose(page)["position"] == pytest.approx(start["position"], abs=1e-6)
    assert pose(page)["target"] == pytest.approx(start["target"], abs=1e-6)


def test_dragging_turns_and_the_reset_button_turns_back(page: Page, scene: Job) -> None:
    open_scene(page, scene)
    start = pose(page)
    before = picture(page.locator(VIEWER))
    page.mouse.move(500, 350)
    page.mouse.down()
    page.mouse.move(650, 380, steps=5)
    page.mouse.up()
    until(page, f"Math.abs({POSE}.position[0]) > 0.3")
    # Around what is in the middle: the blob's surface, within its radius.
    assert pose(page)["target"] == pytest.approx(start["target"], abs=RADIUS)
    assert picture(page.locator(VIEWER)).tobytes() != before.tobytes()
    page.click("[data-viewer-reset]")
    assert pose(page)["position"] == pytest.approx(start["position"], abs=1e-6)


def test_the_right_button_moves_sideways(page: Page, scene: Job) -> None:
    open_scene(page, scene)
    page.mouse.move(500, 350)
    page.mouse.down(button="right")
    page.mouse.move(600, 350, steps=5)
    page.mouse.up(button="right")
    until(page, f"Math.abs({POSE}.target[0]) > 0.1")


def test_on_a_jobs_page_the_wheel_scrolls_until_the_scene_is_clicked(
    new_context: Callable[..., BrowserContext], scene: Job
) -> None:
    page = new_context(scene.owner, reduced_motion="reduce").new_page()
    page.goto(scene.get_absolute_url())
    page.wait_for_selector(f"{VIEWER}[data-state=ready]")
    box = page.locator(f"{VIEWER} canvas").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 60)
    page.mouse.wheel(0, 100)
    until(page, "scrollY > 50")
    assert pose(page)["position"] == pytest.approx([0, 0, 3], abs=1e-6)

    page.evaluate("scrollTo(0, 0)")
    page.mouse.down()
    page.mouse.up()
    page.mouse.wheel(0, -100)
    until(page, f"{POSE}.position[2] < 2.95")
    assert page.evaluate("scrollY") == 0


def test_a_still_scene_draws_nothing(
    new_context: Callable[..., BrowserContext], scene: Job
) -> None:
    context = new_context(reduced_motion="reduce")
    context.add_init_script(COUNT_DRAWS)
    page = context.new_page()
    open_scene(page, scene)
    drawn = -1
    while page.evaluate("draws") != drawn:  # sorting may ask for a few frames more
        drawn = page.evaluate("draws")
        page.wait_for_timeout(500)
    assert drawn > 0
    page.focus(f"{VIEWER} canvas")
    page.keyboard.press("ArrowLeft")
    until(page, f"draws > {drawn}")


def test_the_scene_follows_the_windows_size(page: Page, scene: Job) -> None:
    open_scene(page, scene)
    page.set_viewport_size({"width": 390, "height": 844})
    until(page, "document.querySelector('[data-splat-viewer] canvas').width === 390")
    assert looks_like(blob_at(picture(page.locator(VIEWER)), 0.5, 0.5), BLUE)


def test_the_poster_stands_in_and_then_goes(page: Page, scene: Job) -> None:
    poster = scene.folder / "output" / "poster.jpg"
    Artifact.objects.create(
        job=scene, kind=Artifact.Kind.POSTER, path="output/poster.jpg", size=poster.stat().st_size
    )
    page.route("**/scene.splat", lambda route: None)  # never answers
    page.goto(f"/v/{scene.share.key}")
    expect(page.locator(f"{VIEWER}[data-state=loading] [data-viewer-poster]")).to_be_visible()
    page.unroute("**/scene.splat")
    open_scene(page, scene)
    expect(page.locator("[data-viewer-poster]")).to_have_css("opacity", "0")


def test_full_screen_by_button_and_back(
    new_context: Callable[..., BrowserContext], scene: Job
) -> None:
    page = new_context(scene.owner, reduced_motion="reduce").new_page()
    open_own(page, scene)
    button = page.locator("[data-viewer-fullscreen]")
    button.click()
    expect(button).to_have_attribute("aria-pressed", "true")
    # Otherwise there would be an empty strip for it. (Scrollbars have no width in this browser.)
    assert page.evaluate("getComputedStyle(document.documentElement).scrollbarGutter") == "auto"
    button.click()
    expect(button).to_have_attribute("aria-pressed", "false")


def test_help_opens_with_a_question_mark_and_closes_with_escape(page: Page, scene: Job) -> None:
    open_scene(page, scene)
    page.focus(f"{VIEWER} canvas")
    page.keyboard.press("?")
    expect(page.locator("[data-viewer-help]")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("[data-viewer-help]")).to_be_hidden()


def test_without_webgl2_a_message_says_so(
    new_context: Callable[..., BrowserContext], scene: Job
) -> None:
    context = new_context()
    context.add_init_script(NO_WEBGL2)
    page = context.new_page()
    page.goto(f"/v/{scene.share.key}")
    expect(page.get_by_role("heading", name="This browser can’t show 3D")).to_be_visible()
    expect(page.locator(VIEWER)).to_have_attribute("data-state", "error")
    expect(page.get_by_role("link", name="PLY")).to_be_visible()


@pytest.mark.parametrize(
    "content",
    [b"", b"<!doctype html><p>not a scene</p>", splat_bytes()[:-5], b"\xff" * 320],
    ids=["empty", "a page", "cut off", "noise"],
)
def test_a_broken_file_says_so_and_loads_again_once_it_is_whole(
    page: Page, scene: Job, content: bytes
) -> None:
    write_scene(scene, content)
    page.goto(f"/v/{scene.share.key}")
    expect(page.get_by_role("heading", name="The scene’s file can’t be read")).to_be_visible()
    write_scene(scene, splat_bytes())
    # The page still expects the length that it was told; only a file of that length is accepted.
    page.evaluate(f"document.querySelector('{VIEWER}').dataset.bytes = '{len(splat_bytes())}'")
    page.click("[data-viewer-retry]")
    page.wait_for_selector(f"{VIEWER}[data-state=ready]")
    assert looks_like(blob_at(picture(page.locator(VIEWER)), 0.5, 0.5), BLUE)


def test_a_file_that_does_not_come_says_what_the_server_said(page: Page, scene: Job) -> None:
    page.route("**/scene.splat", lambda route: route.fulfill(status=503))
    page.goto(f"/v/{scene.share.key}")
    expect(page.get_by_role("heading", name="The scene could not be loaded")).to_be_visible()
    expect(page.locator("[data-problem-detail]")).to_have_text("503")


def test_a_lost_graphics_context_says_so_and_loads_again(page: Page, scene: Job) -> None:
    open_scene(page, scene)
    page.evaluate(
        "document.querySelector('[data-splat-viewer] canvas').getContext('webgl2')"
        ".getExtension('WEBGL_lose_context').loseContext()"
    )
    expect(page.get_by_role("heading", name="The graphics stopped")).to_be_visible()
    page.click("[data-viewer-retry]")
    page.wait_for_selector(f"{VIEWER}[data-state=ready]")


def test_without_a_photos_view_the_whole_scene_is_in_sight(page: Page, scene: Job) -> None:
    Job.objects.filter(pk=scene.pk).update(view=None)
    open_scene(page, scene)
    image = picture(page.locator(VIEWER))
    colours = {image.getpixel((x, y)) for x in range(0, 1000, 5) for y in range(0, 700, 5)}
    for colour in (RED, GREEN, BLUE):
        assert any(looks_like(seen, colour) for seen in colours)


def touch(page: Page, *strokes: tuple[tuple[int, int], tuple[int, int]]) -> None:
    """Puts fingers down, moves and lifts them together, each from one point to another."""
    client = page.context.new_cdp_session(page)

    def send(kind: str, share: float) -> None:
        points = [
            {"x": x + (to_x - x) * share, "y": y + (to_y - y) * share, "id": number}
            for number, ((x, y), (to_x, to_y)) in enumerate(strokes)
        ]
        client.send(
            "Input.dispatchTouchEvent",
            {"type": kind, "touchPoints": [] if kind == "touchEnd" else points},
        )

    send("touchStart", 0)
    for step in range(1, 6):
        send("touchMove", step / 5)
    send("touchEnd", 1)


def test_one_finger_turns_and_two_come_closer(
    new_context: Callable[..., BrowserContext], scene: Job
) -> None:
    page = new_context(has_touch=True, reduced_motion="reduce", viewport=PHONE).new_page()
    open_scene(page, scene)
    touch(page, ((200, 400), (300, 400)))
    until(page, f"Math.abs({POSE}.position[0]) > 0.3")
    page.click("[data-viewer-reset]")
    touch(page, ((180, 400), (80, 400)), ((220, 400), (320, 400)))
    until(page, f"Math.hypot(...{POSE}.position) < 2.5")


SETTLED = """() => new Promise((settle) => {
  let [last, still] = [-1, 0];
  const look = () => {
    still = scrollY === last ? still + 1 : 0;
    last = scrollY;
    if (still > 10) settle(last);
    else requestAnimationFrame(look);
  };
  look();
})"""


def middle_of(page: Page) -> tuple[int, int]:
    box = page.locator(f"{VIEWER} canvas").bounding_box()
    assert box
    return int(box["x"] + box["width"] / 2), int(box["y"] + box["height"] / 2)


def test_a_finger_scrolls_the_page_until_the_scene_is_tapped_and_after_a_tap_outside(
    new_context: Callable[..., BrowserContext], scene: Job
) -> None:
    page = new_context(
        scene.owner, has_touch=True, is_mobile=True, reduced_motion="reduce", viewport=PHONE
    ).new_page()
    open_own(page, scene)
    hint = page.get_by_text("Tap to look around")
    expect(hint).to_be_visible()
    x, y = middle_of(page)
    touch(page, ((x, y), (x, y - 150)))
    until(page, "scrollY > 50")

    page.evaluate(f"{IT}.reset()")
    page.evaluate(SETTLED)
    # If the finger was lifted fast, the page has scrolled on until the scene was out of view.
    page.locator(f"{VIEWER} canvas").scroll_into_view_if_needed()
    scrolled = page.evaluate(SETTLED)
    x, y = middle_of(page)
    touch(page, ((x - 20, y), (x - 90, y - 100)), ((x + 20, y), (x + 90, y - 100)))
    until(page, f"{POSE}.position[2] < 2.5")
    assert page.evaluate(SETTLED) == scrolled, "two fingers are the scene's"

    page.evaluate(f"{IT}.reset()")
    page.touchscreen.tap(x, y)
    expect(hint).to_be_hidden()
    touch(page, ((x, y), (x, y - 150)))
    until(page, f"Math.abs({POSE}.position[1]) > 0.5")
    assert page.evaluate(SETTLED) == scrolled

    page.locator("h1").tap()
    expect(hint).to_be_visible()
    page.locator(f"{VIEWER} canvas").scroll_into_view_if_needed()
    scrolled = page.evaluate(SETTLED)
    x, y = middle_of(page)
    touch(page, ((x, y), (x, y - 150)))
    until(page, f"scrollY > {scrolled + 50}")


def test_in_a_frame_a_finger_scrolls_and_in_full_screen_it_does_not(
    new_context: Callable[..., BrowserContext], scene: Job
) -> None:
    page = new_context(
        has_touch=True, is_mobile=True, reduced_motion="reduce", viewport=PHONE
    ).new_page()
    action = f"getComputedStyle(document.querySelector('{VIEWER} canvas')).touchAction"
    hint = page.locator("[data-viewer-hint]")
    open_scene(page, scene)
    assert page.evaluate(action) == "none", "nothing scrolls on the link's own page"
    expect(hint).to_be_hidden()
    open_scene(page, scene, "?embed=1")
    assert page.evaluate(action) == "pan-y"
    expect(hint).to_have_text(re.compile("^Tap to look around"))
    page.touchscreen.tap(195, 400)
    assert page.evaluate(action) == "none"
    page.evaluate("dispatchEvent(new Event('blur'))")  # as for a tap on the page around it
    assert page.evaluate(action) == "pan-y"
    page.click("[data-viewer-fullscreen]")
    expect(hint).to_be_hidden()
    assert page.evaluate(action) == "none"
