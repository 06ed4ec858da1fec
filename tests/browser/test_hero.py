"""The start page's scene: anybody can turn it, and it is a picture if it can't be turned."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import ImageChops, ImageStat
from playwright.sync_api import BrowserContext, Locator, Page, expect

from tests.browser.scenes import moves, picture
from tests.browser.windows import COARSE, DESK, PHONE, SIZES, SIZES_AND_SCRIPTS

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

NewContext = Callable[..., BrowserContext]
LIVE = "[data-hero][data-live]"


def still_page(new_context: NewContext, **options: Any) -> tuple[Page, Locator]:
    page = new_context(reduced_motion="reduce", **options).new_page()
    page.goto("/")
    page.wait_for_selector(LIVE)
    return page, page.locator("[data-hero] canvas")


def differs(one: Any, other: Any) -> float:
    """The mean difference between two pictures, in grey levels."""
    return float(ImageStat.Stat(ImageChops.difference(one, other).convert("L")).mean[0])


@SIZES
def test_the_live_scene_begins_as_its_picture(
    new_context: NewContext, data_dir: Path, size: Any
) -> None:
    """Drawn by our own few kilobytes, it looks like the picture, which the CPU has drawn."""
    _, canvas = still_page(new_context, viewport=size)
    live = picture(canvas)
    canvas.evaluate("(canvas) => { canvas.style.opacity = '0'; }")
    assert differs(live, picture(canvas)) < 8
    assert sum(ImageStat.Stat(live).stddev) > 90, "it shows something"


def test_a_mouse_turns_it_as_far_as_photos_show_it(
    new_context: NewContext, data_dir: Path, listen: Callable[[Page], Page], complaints: list[str]
) -> None:
    page = listen(new_context(reduced_motion="reduce", viewport=DESK).new_page())
    page.goto("/")
    page.wait_for_selector(LIVE)
    canvas = page.locator("[data-hero] canvas")
    seen = [picture(canvas)]
    box = canvas.bounding_box() or {}
    middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    for to in (-60, -500, -700):
        page.mouse.move(*middle)
        page.mouse.down()
        page.mouse.move(middle[0] + to, middle[1], steps=3)
        page.mouse.up()
        page.wait_for_timeout(300)
        seen.append(picture(canvas))
    start, turned, end, further = seen
    assert differs(start, turned) > 10
    assert differs(turned, end) > 10
    assert differs(end, further) == 0, "there is nothing to see beyond"
    assert ImageStat.Stat(end.convert("L")).mean[0] > 60, "it is not dark at the end"
    assert complaints == []


def test_keys_turn_it_and_leave_the_page_s_own_alone(
    new_context: NewContext, data_dir: Path
) -> None:
    page, canvas = still_page(new_context, viewport=DESK)
    expect(page.get_by_role("application", name="A courtyard")).to_be_visible()
    start = picture(canvas)
    canvas.focus()
    for _ in range(4):
        page.keyboard.press("ArrowRight")
    page.wait_for_timeout(300)
    turned = picture(canvas)
    assert differs(start, turned) > 5
    page.keyboard.press("ArrowUp")
    page.wait_for_timeout(300)
    assert differs(turned, picture(canvas)) > 2
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Auto-rotate")).to_be_focused()


def test_a_finger_turns_it_and_still_scrolls_the_page(
    new_context: NewContext, data_dir: Path
) -> None:
    page, canvas = still_page(new_context, viewport=PHONE, has_touch=True, is_mobile=True)
    canvas.scroll_into_view_if_needed()
    start = picture(canvas)
    box = canvas.bounding_box() or {}
    session = page.context.new_cdp_session(page)
    at = {"x": box["x"] + 250, "y": box["y"] + 100}
    for kind, points in (
        ("touchStart", [at]),
        *(("touchMove", [{**at, "x": at["x"] - 40 * step}]) for step in range(1, 6)),
        ("touchEnd", []),
    ):
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    page.wait_for_timeout(300)
    assert differs(start, picture(canvas)) > 5
    assert canvas.evaluate("(canvas) => getComputedStyle(canvas).touchAction") == "pan-y"


def test_it_turns_by_itself_until_it_is_touched_and_again_on_its_button(
    new_context: NewContext, data_dir: Path
) -> None:
    page = new_context(viewport=PHONE, device_scale_factor=COARSE).new_page()
    page.goto("/")
    page.wait_for_selector(LIVE)
    canvas, button = page.locator("[data-hero] canvas"), page.locator("[data-hero-pause]")
    expect(button).to_have_attribute("aria-pressed", "true")

    assert moves(canvas)
    canvas.focus()
    page.keyboard.press("ArrowLeft")
    expect(button).to_have_attribute("aria-pressed", "false")
    page.wait_for_timeout(300)
    rest = picture(canvas)
    for _ in range(7):
        page.wait_for_timeout(200)
        assert differs(rest, picture(canvas)) == 0
    button.click()
    expect(button).to_have_attribute("aria-pressed", "true")
    assert moves(canvas)


@SIZES_AND_SCRIPTS
def test_see_one_leads_to_a_scene_in_the_viewer(
    new_context: NewContext, data_dir: Path, size: Any, scripts: bool
) -> None:
    context = new_context(viewport=size, java_script_enabled=scripts, reduced_motion="reduce")
    page = context.new_page()
    page.goto("/")
    expect(page.locator("[data-hero] img")).to_be_visible()
    if not scripts:
        expect(page.locator("[data-hero-pause]")).to_be_hidden()
    page.get_by_role("link", name="See one").click()
    page.wait_for_url("**/demo/")
    expect(page.get_by_text("These photos were rendered by us, not taken.")).to_be_visible()
    if scripts:
        page.wait_for_selector("[data-splat-viewer][data-state=ready]")
    else:
        expect(page.locator(".viewer-noscript")).to_be_visible()
        said = page.locator(".public-said").bounding_box() or {}
        below = page.locator(".viewer-noscript").bounding_box() or {}
        assert below["y"] >= said["y"] + said["height"], "neither stands on the other"


@pytest.mark.parametrize(
    "broken",
    [
        "HTMLCanvasElement.prototype.getContext = () => null",
        "Object.defineProperty(navigator, 'connection', {value: {saveData: true}})",
        "delete globalThis.DecompressionStream",
    ],
    ids=["no WebGL", "saving data", "old browser"],
)
def test_it_stays_a_picture_where_it_can_t_be_live(
    new_context: NewContext,
    data_dir: Path,
    listen: Callable[[Page], Page],
    complaints: list[str],
    broken: str,
) -> None:
    page = listen(new_context().new_page())
    page.add_init_script(broken)
    page.goto("/", wait_until="networkidle")
    page.wait_for_timeout(500)
    assert page.locator("[data-hero] canvas").count() == 0
    expect(page.get_by_role("img", name="A courtyard with a rug")).to_be_visible()
    expect(page.locator("[data-hero-hint]")).to_be_hidden()
    assert complaints == []
