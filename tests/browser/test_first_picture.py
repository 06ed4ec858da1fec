"""What is requested before the viewer's script has loaded; large scenes, shown in parts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import BrowserContext, Page, Request, Route, expect

from recon.jobs import sharing
from recon.models import Job
from tests.browser.scenes import (
    BLUE,
    RADIUS,
    RED,
    ball,
    blob_at,
    looks_like,
    picture,
    splat_bytes,
)
from tests.browser.viewing import IT, VIEWER, open_scene, photographed, pose, ready, shared_scene
from tests.browser.waiting import until
from tests.browser.windows import COARSE
from tests.site.making import with_first_part

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

NewContext = Callable[..., BrowserContext]
WORD = "under the mat"
#: The part that comes first: one red ball where the whole scene has a blue one.
PART = ball(RED, (0, 0, 0), radius=2 * RADIUS)
FIRST, WHOLE, ENGINE = "scene.first", "scene.splat", "spark.wasm"
PLACES = pytest.mark.parametrize("place", ["link", "locked link", "embed", "owner's page"])
SLOW = "Object.defineProperty(navigator, 'connection', { value: { effectiveType: '3g' } })"


@pytest.fixture
def scene(data_dir: Path, redis_queue: Any) -> Job:
    return photographed(shared_scene())


@pytest.fixture
def large(scene: Job) -> Job:
    return with_first_part(scene, PART)


class Asked:
    """The names of the files that a page has requested, in order."""

    def __init__(self, page: Page) -> None:
        self.names: list[str] = []
        page.on("request", self._note)

    def _note(self, request: Request) -> None:
        self.names.append(urlsplit(request.url).path.rsplit("/", 1)[-1])

    def count(self, *names: str) -> list[int]:
        return [self.names.count(name) for name in names]


class Held:
    """Requests for `pattern`, which wait until they are let go."""

    def __init__(self, page: Page, pattern: str) -> None:
        self.page, self.routes = page, list[Route]()
        page.route(pattern, lambda route: self.routes.append(route))

    def wait(self) -> Route:
        while not self.routes:
            self.page.wait_for_timeout(20)
        return self.routes.pop()


def go(new_context: NewContext, job: Job, place: str) -> tuple[Page, str]:
    """A page that has not gone to the address yet, and the address."""
    owner = job.owner if place == "owner's page" else None
    page = new_context(owner, device_scale_factor=COARSE).new_page()
    address = f"/v/{job.share.key}"
    if place == "locked link":
        sharing.change(job, password=sharing.hash_password(WORD))
        page.goto(address)
        page.get_by_label("Password").fill(WORD)
        page.get_by_role("button", name="Open the scene").click()
        ready(page)
    if place == "embed":
        address += "?embed=1"
    return page, job.get_absolute_url() if place == "owner's page" else address


@PLACES
@pytest.mark.parametrize("in_parts", [True, False], ids=["large", "small"])
def test_the_scene_and_the_engine_are_asked_for_once_and_before_the_viewer_s_script_runs(
    new_context: NewContext, scene: Job, place: str, in_parts: bool
) -> None:
    if in_parts:
        with_first_part(scene, PART)
    page, address = go(new_context, scene, place)
    asked, script = Asked(page), Held(page, "**/dist/viewer*.js")
    page.goto(address, wait_until="commit")
    route = script.wait()
    first, whole = ("first", "splat") if place == "owner's page" else (FIRST, WHOLE)
    early = first if in_parts else whole
    while 0 in asked.count(early, ENGINE):
        page.wait_for_timeout(20)
    route.continue_()
    ready(page)
    until(page, f"!('first' in document.querySelector('{VIEWER}').dataset)")
    page.wait_for_timeout(300)
    assert asked.count(first, whole, ENGINE) == [int(in_parts), 1, 1]


def test_on_a_slow_line_nothing_is_asked_for_before_a_tap(
    new_context: NewContext, large: Job
) -> None:
    page = new_context().new_page()
    page.add_init_script(SLOW)
    asked = Asked(page)
    page.goto(f"/v/{large.share.key}")
    expect(page.locator(VIEWER)).to_have_attribute("data-state", "waiting")
    page.wait_for_load_state("networkidle")
    assert asked.count(FIRST, WHOLE, ENGINE) == [0, 0, 0]
    page.get_by_role("button", name="Show in 3D").click()
    ready(page)
    until(page, f"!('first' in document.querySelector('{VIEWER}').dataset)")
    assert asked.count(FIRST, WHOLE, ENGINE) == [1, 1, 1]


def middle(page: Page) -> tuple[int, int, int]:
    return blob_at(picture(page.locator(f"{VIEWER} canvas")), 0.5, 0.5)


def until_middle_is(page: Page, colour: tuple[int, int, int]) -> None:
    for _ in range(100):
        if looks_like(middle(page), colour):
            return
        page.wait_for_timeout(50)
    assert looks_like(middle(page), colour)


def open_part(page: Page, job: Job) -> Held:
    """The page with the part that comes first; the whole scene is on its way."""
    whole = Held(page, f"**/{WHOLE}")
    open_scene(page, job)
    until_middle_is(page, RED)
    return whole


@pytest.fixture
def page(new_context: NewContext) -> Page:
    return new_context(reduced_motion="reduce").new_page()


def test_a_part_is_shown_and_then_the_whole_in_its_place(
    page: Page, large: Job, listen: Callable[[Page], Page], complaints: list[str]
) -> None:
    whole = open_part(listen(page), large)
    bar = page.get_by_role("progressbar", name="Loading finer detail")
    expect(bar).to_be_visible()
    page.focus(f"{VIEWER} canvas")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("+")
    here = pose(page)
    # Each frame's brightest pixel, as soon as it is drawn: none may be blank.
    page.evaluate(f"""() => {{
      const stage = {IT}.stage;
      const gl = stage.renderer.getContext();
      const [frame, inner] = [stage.onFrame, new Uint8Array(4 * 64 * 64)];
      window.seen = [];
      stage.onFrame = () => {{
        frame();
        const [x, y] = [gl.drawingBufferWidth / 2 - 32, gl.drawingBufferHeight / 2 - 32];
        gl.readPixels(x, y, 64, 64, gl.RGBA, gl.UNSIGNED_BYTE, inner);
        window.seen.push(Math.max(...inner.filter((_, i) => i % 4 < 3)));
      }};
    }}""")
    whole.wait().continue_()
    until(page, f"{IT}.stage.mesh.splats.getNumSplats() === 3")
    expect(bar).to_be_hidden()
    page.wait_for_timeout(500)
    seen = page.evaluate("window.seen")
    assert seen, "it was drawn again"
    assert min(seen) > 100
    assert pose(page) == here
    page.keyboard.press("r")
    until_middle_is(page, BLUE)
    assert complaints == []


def test_where_the_whole_does_not_come_the_part_stays_and_it_can_be_asked_for_again(
    page: Page, large: Job
) -> None:
    open_part(page, large).wait().abort()
    said = page.get_by_text("The finer detail could not be loaded.")
    expect(said).to_be_visible()
    expect(page.get_by_role("progressbar")).to_be_hidden()
    until_middle_is(page, RED)
    page.unroute_all()
    page.locator("[data-viewer-rest-again]").click()
    until_middle_is(page, BLUE)
    expect(said).to_be_hidden()


def test_where_the_part_does_not_come_the_whole_is_shown(page: Page, large: Job) -> None:
    page.route(f"**/{FIRST}", lambda route: route.fulfill(status=404))
    asked = Asked(page)
    open_scene(page, large)
    until_middle_is(page, BLUE)
    assert asked.count(WHOLE) == [1]
    expect(page.get_by_text("The finer detail could not be loaded.")).to_be_hidden()


def test_where_another_scene_is_chosen_and_does_not_come_the_rest_can_be_asked_for_again(
    page: Page, large: Job
) -> None:
    page.route("**/other.splat", lambda route: route.fulfill(status=500))
    open_part(page, large)
    said = page.get_by_text("The finer detail could not be loaded.")
    chosen = page.evaluate(f"{IT}.replaceScene('/other.splat').catch(() => 'refused')")
    assert chosen == "refused"
    expect(said).to_be_visible()
    page.unroute_all()
    page.locator("[data-viewer-rest-again]").click()
    until_middle_is(page, BLUE)
    expect(said).to_be_hidden()


def test_another_scene_that_is_chosen_meanwhile_wins_over_the_rest_of_the_first(
    page: Page, large: Job
) -> None:
    green = PART[:24] + bytes((40, 200, 60)) + PART[27:]
    page.route("**/other.splat", lambda route: route.fulfill(body=green))
    whole = open_part(page, large)
    route = whole.wait()
    assert page.evaluate(f"{IT}.replaceScene('/other.splat', {len(green)})") is True
    route.fulfill(body=splat_bytes())
    page.wait_for_timeout(500)
    until_middle_is(page, (40, 200, 60))
    assert page.evaluate(f"{IT}.stage.mesh.splats.getNumSplats()") == 1
    assert page.get_attribute(VIEWER, "data-scene") == "/other.splat"


def test_a_picture_is_saved_of_all_of_the_scene(page: Page, large: Job) -> None:
    whole = open_part(page, large)
    page.evaluate(f"() => {{ window.saved = {IT}.features.savePicture(); }}")
    saved: list[Any] = []
    page.on("download", lambda one: saved.append(one))
    page.wait_for_timeout(300)
    assert saved == []
    with page.expect_download():
        whole.wait().continue_()
    assert page.evaluate(f"{IT}.stage.mesh.splats.getNumSplats()") == 3


def test_where_the_engine_does_not_come_that_is_said_and_can_be_tried_again(
    page: Page, scene: Job
) -> None:
    page.route(f"**/{ENGINE}", lambda route: route.abort())
    page.goto(f"/v/{scene.share.key}")
    expect(page.get_by_role("heading", name="The scene could not be loaded")).to_be_visible()
    page.unroute_all()
    page.get_by_role("button", name="Load again").click()
    ready(page)
    until_middle_is(page, BLUE)


@pytest.mark.parametrize("how", ["damaged", "another kind"])
def test_an_engine_that_can_t_be_used_is_not_called_a_lost_line(
    page: Page, scene: Job, how: str
) -> None:
    kind = "application/wasm" if how == "damaged" else "text/html"
    page.route(f"**/{ENGINE}", lambda route: route.fulfill(body="no engine", content_type=kind))
    page.goto(f"/v/{scene.share.key}")
    expect(page.get_by_role("heading", name="The viewer could not be started")).to_be_visible()
    expect(page.get_by_role("heading", name="The scene could not be loaded")).to_be_hidden()
    page.unroute_all()
    page.get_by_role("button", name="Load again").click()
    ready(page)


def test_a_part_never_becomes_a_picture_or_a_cover(new_context: NewContext, large: Job) -> None:
    page = new_context(large.owner, reduced_motion="reduce").new_page()
    page.route("**/files/splat*", lambda route: route.abort())
    sent: list[str] = []
    page.on("request", lambda one: sent.append(one.method))
    page.on("download", lambda one: sent.append("download"))
    page.goto(large.get_absolute_url())
    ready(page)
    expect(page.get_by_text("The finer detail could not be loaded.")).to_be_visible()
    page.get_by_role("button", name="More", exact=True).press("Enter")
    refused = page.get_by_text("Nothing was saved, because the scene’s finer detail")
    for number, name in enumerate(("Save a picture", "Use this view as start and cover"), start=1):
        page.get_by_role("button", name=name).press("Enter")
        expect(refused).to_have_count(number)
    assert {"POST", "download"}.isdisjoint(sent)
    page.unroute_all()
    page.locator("[data-viewer-rest-again]").press("Enter")
    until_middle_is(page, BLUE)
    with page.expect_download():
        page.evaluate(f"() => void {IT}.features.savePicture()")
    expect(refused).to_have_count(1)
