"""A new file in the same viewer, as while a scene trains; and scenes in other sites' frames."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from recon.models import Job, Share
from tests.browser.scenes import BLUE, RADIUS, RED, ball, blob_at, looks_like, picture
from tests.browser.viewing import IT, POSE, VIEWER, open_scene, photographed, pose, shared_scene
from tests.browser.waiting import until

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

#: One red ball where the blue one was.
OTHER = ball(RED, (0, 0, 0), radius=2 * RADIUS)
ANSWER: dict[str, Any] = {"content_type": "application/octet-stream", "body": OTHER}


@pytest.fixture
def scene(data_dir: Path) -> Job:
    return photographed(shared_scene())


@pytest.fixture
def page(new_context: Callable[..., BrowserContext], listen: Callable[[Page], Page]) -> Page:
    return listen(new_context(reduced_motion="reduce").new_page())


def middle(page: Page) -> tuple[int, int, int]:
    return blob_at(picture(page.locator(VIEWER)), 0.5, 0.5)


def test_another_scene_takes_the_olds_place_and_the_camera_stays(
    page: Page, scene: Job, complaints: list[str]
) -> None:
    page.route("**/other.splat", lambda route: route.fulfill(**ANSWER))
    open_scene(page, scene)
    page.focus(f"{VIEWER} canvas")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("+")
    here = pose(page)
    solid = f"Math.max(...{IT}.features.surroundings.points.map(Math.abs))"
    assert page.evaluate(solid) > 4 * RADIUS
    assert page.evaluate(f"{IT}.replaceScene('/other.splat', {len(OTHER)})") is True
    assert page.evaluate(solid) < 3 * RADIUS, "hands move in the scene that is shown"
    until(page, f"{IT}.stage.mesh.splats.getNumSplats() === 1")
    for _ in range(40):
        if looks_like(middle(page), RED):
            break
        page.wait_for_timeout(50)
    assert looks_like(middle(page), RED)
    assert pose(page) == here
    assert page.get_attribute(VIEWER, "data-state") == "ready"
    assert complaints == []


def test_in_between_the_picture_never_goes_blank(page: Page, scene: Job) -> None:
    page.route("**/other.splat", lambda route: route.fulfill(**ANSWER))
    open_scene(page, scene)
    # Each frame's middle pixel is read as soon as it is drawn.
    page.evaluate(f"""() => {{
      const stage = {IT}.stage;
      const gl = stage.renderer.getContext();
      window.seen = [];
      stage.onFrame = () => {{
        const pixel = new Uint8Array(4);
        const [x, y] = [gl.drawingBufferWidth / 2, gl.drawingBufferHeight / 2];
        gl.readPixels(x, y, 1, 1, gl.RGBA, gl.UNSIGNED_BYTE, pixel);
        window.seen.push(Math.max(...pixel.slice(0, 3)));
        stage.invalidate();
      }};
      stage.invalidate();
    }}""")
    page.evaluate(f"{IT}.replaceScene('/other.splat')")
    page.wait_for_timeout(500)
    seen = page.evaluate("seen")
    assert len(seen) > 5
    assert min(seen) > 150


def test_a_later_scene_overtakes_an_earlier_one(page: Page, scene: Job) -> None:
    page.route("**/slow.splat", lambda route: None)  # never answers
    page.route("**/other.splat", lambda route: route.fulfill(**ANSWER))
    open_scene(page, scene)
    answers = page.evaluate(
        f"Promise.all([{IT}.replaceScene('/slow.splat'), {IT}.replaceScene('/other.splat')])"
    )
    assert answers == [False, True]
    assert page.get_attribute(VIEWER, "data-scene") == "/other.splat"


def test_a_file_that_is_no_scene_leaves_the_old_one(page: Page, scene: Job) -> None:
    page.route("**/broken.splat", lambda route: route.fulfill(body="no scene"))
    page.route("**/gone.splat", lambda route: route.fulfill(status=404))
    open_scene(page, scene)
    for name, problem in (("broken", "file"), ("gone", "network")):
        caught = f"{IT}.replaceScene('/{name}.splat').catch((error) => error.problem)"
        assert page.evaluate(caught) == problem
    assert page.get_attribute(VIEWER, "data-state") == "ready"
    assert looks_like(middle(page), BLUE)


def test_before_the_first_scene_is_there_the_next_one_waits(page: Page, scene: Job) -> None:
    page.route("**/other.splat", lambda route: route.fulfill(**ANSWER))
    page.goto(f"/v/{scene.share.key}")
    assert page.evaluate(f"{IT}.replaceScene('/other.splat')") is True
    expect(page.locator(VIEWER)).to_have_attribute("data-state", "ready")
    until(page, f"{IT}.stage.mesh.splats.getNumSplats() === 1")


# --- Frames ---


def test_other_sites_show_the_scene_in_a_frame(
    new_context: Callable[..., BrowserContext], scene: Job, live_server: Any
) -> None:
    page = new_context(reduced_motion="reduce").new_page()
    url = f"{live_server.url}/v/{scene.share.key}"
    html = f'<iframe id="good" src="{url}?embed=1"></iframe><iframe id="bad" src="{url}"></iframe>'
    with site_of(html) as elsewhere:
        page.goto(elsewhere)
        good = page.frame_locator("#good")
        expect(good.locator(f"{VIEWER}[data-state=ready]")).to_be_attached()
        expect(good.get_by_role("link", name="Fern in the hall")).to_be_visible()
        expect(page.frame_locator("#bad").locator(VIEWER)).to_have_count(0)
        Share.objects.filter(job=scene.pk).update(downloads="nothing")
        page.reload()
        expect(
            good.locator(f"{VIEWER}[data-scene='/v/{scene.share.key}/scene.splat']")
        ).to_be_attached()
        expect(good.locator(f"{VIEWER}[data-state=ready]")).to_be_attached()


@contextmanager
def site_of(html: str) -> Iterator[str]:
    """Somebody else's site, of one page; really served, or Chromium bars it from local ones."""

    class Only(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(html.encode())

        def log_message(self, *args: object) -> None:
            """Says nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Only) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


def test_an_embedded_scene_can_be_looked_around_in(page: Page, scene: Job) -> None:
    open_scene(page, scene, "?embed=1")
    page.focus(f"{VIEWER} canvas")
    page.keyboard.press("ArrowLeft")
    assert pose(page)["position"][0] != pytest.approx(0, abs=0.05)
    page.get_by_role("button", name="More", exact=True).click()
    expect(page.get_by_role("button", name="Save a picture")).to_be_visible()


def test_in_a_frame_the_wheel_is_the_hosts_until_the_scene_is_clicked(
    page: Page, scene: Job
) -> None:
    open_scene(page, scene, "?embed=1")
    page.mouse.move(500, 350)
    page.mouse.wheel(0, -300)
    page.wait_for_timeout(300)
    assert pose(page)["position"] == pytest.approx([0, 0, 3], abs=1e-6)
    page.mouse.down()
    page.mouse.up()
    page.mouse.wheel(0, -300)
    until(page, f"{POSE}.position[2] < 2.95")
