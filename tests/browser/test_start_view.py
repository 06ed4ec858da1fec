"""Where a scene starts: with all of the start photo, and where its owner says."""

from __future__ import annotations

import base64
import io
import json
import math
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import BrowserContext, Page, expect

from recon.models import Artifact, Job
from tests.browser.scenes import BLUE, GREEN, RED, VIEW, blob_at, looks_like
from tests.browser.viewing import (
    IT,
    VIEWER,
    camera_at,
    open_own,
    open_scene,
    pose,
    shared_scene,
    write_scene,
)
from tests.browser.waiting import until
from tests.browser.windows import DESK, PHONE

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

EMBED = {"width": 600, "height": 300}
SIDEWAYS = {"width": 844, "height": 390}

WIDTH, HEIGHT = 600, 800  # px, of the photos
FOCAL = HEIGHT / 2 / math.tan(math.radians(25))
HALF = (3 * WIDTH / 2 / FOCAL, 3 * HEIGHT / 2 / FOCAL)  # half of what it sees three units away
YELLOW, WHITE = (230, 210, 40), (230, 230, 230)
#: Blobs just inside the corners of the start photo, and in its middle; x right, y down.
BLOBS = {
    RED: (-0.92, -0.92), GREEN: (0.92, -0.92), YELLOW: (-0.92, 0.92), WHITE: (0.92, 0.92),
    BLUE: (0.0, 0.0),
}  # fmt: skip

CORNERS = f"""() => {{
  const {{ stage, features }} = {IT};
  const view = features.views[1];
  stage.camera.updateMatrixWorld();
  return [[-1, -1], [1, -1], [-1, 1], [1, 1]].map(([across, up]) => {{
    const corner = view.position.clone().addScaledVector(view.forward, 3);
    corner.addScaledVector(view.right, across * {HALF[0]}).addScaledVector(view.up, up * {HALF[1]});
    return corner.project(stage.camera).toArray().slice(0, 2);
  }});
}}"""
PICTURE = f"""async () => {{
  const bytes = new Uint8Array(await (await {IT}.stage.picture()).arrayBuffer());
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
}}"""


@pytest.fixture
def scene(data_dir: Path) -> Job:
    """Three photos held upright, 12 degrees apart; the scene starts at the second."""
    job = shared_scene(in_gallery=True)
    Job.objects.update(view=VIEW | {"aspect": WIDTH / HEIGHT, "trained_height": HEIGHT})
    write_scene(job, b"".join(blob(colour, *place) for colour, place in BLOBS.items()))
    upright = {"width": WIDTH, "height": HEIGHT, "fx": FOCAL, "fy": FOCAL}
    upright |= {"cx": WIDTH / 2, "cy": HEIGHT / 2}
    cameras = [camera_at(number, turn) | upright for number, turn in enumerate((-12, 0, 12))]
    job.artifacts.get(kind=Artifact.Kind.CAMERAS).file.write_text(json.dumps(cameras))
    job.refresh_from_db()
    return job


def blob(colour: tuple[int, int, int], across: float, down: float) -> bytes:
    place = (across * HALF[0], down * HALF[1], 0.0)
    return struct.pack("<6f8B", *place, 0.06, 0.06, 0.06, *colour, 255, 255, 128, 128, 128)


def shown(page: Page) -> Image.Image:
    """The scene alone, without what is laid over it."""
    return Image.open(io.BytesIO(base64.b64decode(page.evaluate(PICTURE)))).convert("RGB")


def shows_the_whole_frame(page: Page) -> None:
    corners = page.evaluate(CORNERS)
    assert max(abs(value) for corner in corners for value in corner) == pytest.approx(1, abs=1e-3)
    picture = shown(page)
    half = [max(corner[axis] for corner in corners) for axis in (0, 1)]
    for colour, (across, down) in BLOBS.items():
        seen = blob_at(picture, (1 + across * half[0]) / 2, (1 + down * half[1]) / 2)
        assert looks_like(seen, colour), f"{seen} is not {colour}, in {picture.size}"


def resize(page: Page, size: Any) -> None:
    page.set_viewport_size(size)
    until(page, f"{IT}.stage.canvas.clientHeight <= {size['height']}")
    until(page, f"{IT}.stage.canvas.clientWidth <= {size['width']}")
    canvas = f"{IT}.stage.canvas"
    aspect = f"Math.abs({IT}.stage.camera.aspect - {canvas}.clientWidth / {canvas}.clientHeight)"
    until(page, f"{aspect} < 0.01")


def test_a_window_of_any_shape_starts_with_all_of_a_portrait(
    new_context: Callable[..., BrowserContext],
    listen: Callable[[Page], Page],
    complaints: list[str],
    scene: Job,
) -> None:
    page = listen(new_context(viewport=DESK, reduced_motion="reduce").new_page())
    open_scene(page, scene)
    shows_the_whole_frame(page)
    for size in (PHONE, SIDEWAYS, DESK):  # a phone that is turned, a window that is made wider
        resize(page, size)
        shows_the_whole_frame(page)
    page.set_viewport_size(EMBED)
    open_scene(page, scene, "?embed=1")
    shows_the_whole_frame(page)
    expect(page.locator("[data-viewer-veil]")).to_have_css("opacity", "0")
    assert complaints == []


def test_an_owner_says_where_it_starts_and_all_else_follows(
    new_context: Callable[..., BrowserContext],
    listen: Callable[[Page], Page],
    complaints: list[str],
    scene: Job,
) -> None:
    page = listen(new_context(scene.owner, viewport=DESK, reduced_motion="reduce").new_page())
    open_own(page, scene)
    start = pose(page)
    page.focus(f"{VIEWER} canvas")
    for key in ("ArrowLeft", "ArrowLeft", "-"):
        page.keyboard.press(key)
    here, before = pose(page), shown(page)
    page.get_by_role("button", name="More", exact=True).press("Enter")
    page.get_by_role("button", name="Use this view as start and cover").press("Enter")
    expect(page.get_by_role("status").filter(has_text="Saved.")).to_be_visible()
    assert shown(page).tobytes() == before.tobytes(), "the window shows what it showed"

    def starts_here(seen: Page) -> None:
        assert pose(seen)["position"] == pytest.approx(here["position"], abs=1e-5)
        assert pose(seen)["target"] == pytest.approx(here["target"], abs=1e-5)

    page.focus(f"{VIEWER} canvas")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("r")
    starts_here(page)
    open_own(page, scene)
    starts_here(page)
    assert pose(page)["fovY"] == pytest.approx(here["fovY"], abs=1e-4)

    cover = Image.open(scene.artifacts.get(kind=Artifact.Kind.POSTER).file).convert("RGB")
    assert cover.size == (1280, 1280)  # of a window that is wider than high
    assert looks_like(blob_at(cover, 0.5, 0.5), BLUE)
    friend = listen(new_context(viewport=PHONE, reduced_motion="reduce").new_page())
    for query in ("", "?embed=1"):
        open_scene(friend, scene, query)
        starts_here(friend)

    page.get_by_role("button", name="Use the automatic view again").press("Enter")
    expect(page.get_by_text("The scene starts with the automatic view again.")).to_be_visible()
    open_own(page, scene)
    assert pose(page)["position"] == pytest.approx(start["position"], abs=1e-6)
    assert complaints == []
