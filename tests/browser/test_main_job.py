"""The main job as a newcomer does it: real site, queue, worker, photos, Chromium, to the end.

This is one of the few real reconstructions that a test run makes: of fern photos if they are there,
otherwise of the project's own. Everything that needs a finished job in a running site is tested
here.
"""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import av
import gsply
import pycolmap
import pytest
from PIL import ImageStat
from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize, expect

from tests.browser.scenes import picture
from tests.browser.windows import COARSE
from tests.photos import photos_of
from tests.site.running import Site, started_site

pytestmark = [pytest.mark.browser, pytest.mark.reconstruction]

EMAIL, PASSWORD = "newcomer@example.org", "a long enough password"
VIEWER = "[data-splat-viewer]"
PHONE: ViewportSize = {"width": 390, "height": 844}
DESK: ViewportSize = {"width": 1440, "height": 900}
STEPS = 100
#: Reports the step that the page shows, now and after each change.
NOTE_STEPS = """() => {
  const note = () => {
    const step = document.querySelector("#progress")?.dataset.step;
    if (step) noteStep(step);
  };
  const everything = { childList: true, subtree: true, attributes: true };
  new MutationObserver(note).observe(document.body, everything);
  note();
}"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """What `make run` starts, on its own data; no sample job is queued.

    It trains for fewer steps than quick would: enough to reach the figures below.
    """
    with started_site(tmp_path_factory.mktemp("main-job"), TRAINING_ITERATIONS=str(STEPS)) as site:
        yield site


@pytest.fixture
def browsers(chromium: Browser, site: Site) -> Iterator[Callable[[ViewportSize], BrowserContext]]:
    """Browsers that share nothing. At the end, none may have complained about anything."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def attach(page: Page) -> None:
        page.on("pageerror", lambda error: complaints.append(f"exception: {error}"))
        page.on(
            "console",
            lambda said: (
                complaints.append(f"{said.text} {said.location['url']}")
                if said.type == "error"
                else None
            ),
        )
        page.on(
            "request",
            lambda sent: (
                None
                if sent.url.startswith((site.address, "blob:", "data:"))
                else complaints.append(f"foreign request: {sent.url}")
            ),
        )

    def new(viewport: ViewportSize) -> BrowserContext:
        # Software draws here, and training needs the processors: scenes are coarse and keep still.
        # That they turn by themselves is tested in test_reduced_motion.
        context = chromium.new_context(
            base_url=site.address,
            viewport=viewport,
            device_scale_factor=COARSE,
            reduced_motion="reduce",
        )
        context.set_default_timeout(60_000)
        context.on("page", attach)
        contexts.append(context)
        return context

    yield new
    for context in contexts:
        context.close()
    assert complaints == []


def test_a_newcomer_makes_a_scene_and_a_friend_walks_around_in_it(
    browsers: Callable[[ViewportSize], BrowserContext], site: Site, tmp_path: Path
) -> None:
    every, is_fern = photos_of("fern")
    photos = every[:8]  # `make bench` has all of fern, and its targets
    page = browsers(DESK).new_page()
    sign_up(page)
    upload(page, photos)
    expect(page.get_by_role("list", name="Steps").get_by_role("listitem")).to_have_count(10)
    shown = watch_to_the_end(page)
    # The other steps are so short that they may pass between two polls.
    assert {"COLMAP_FEAT", "GS_TRAIN"} <= shown

    expect(page.locator(".chip").first).to_contain_text(re.compile("Excellent|Good|Usable|Poor"))
    page.get_by_role("tab", name="Quality").click()
    page.get_by_text("Figures", exact=True).click()
    figures = page.locator("main").inner_text()
    # Not the first figure in dB, which is measured at one small size, for the scene's word.
    psnr = float(page.locator(".metric-figure").first.inner_text().removesuffix(" dB"))
    assert psnr >= (22.0 if is_fern else 18.0)
    assert "2 of 8 photos were kept aside" in figures
    assert "finished with all 8 photos" in figures
    page.get_by_role("tab", name="Scene").click()
    page.wait_for_selector(f"{VIEWER}[data-state=ready]")
    assert shows_a_scene(page)

    scene = download(page, "Scene as shown (.splat)", tmp_path)
    assert scene.stat().st_size % 32 == 0
    assert scene.stat().st_size > 32 * 1000
    ply = download(page, "Scene as shown (PLY)", tmp_path)
    assert ply.read_bytes().startswith(b"ply\nformat binary_little_endian 1.0\n")
    small = download(page, "Scene as shown, small (SPZ)", tmp_path)
    assert len(gsply.read_spz(small).means) == scene.stat().st_size // 32
    assert small.stat().st_size < 0.7 * scene.stat().st_size
    with av.open(str(download(page, "Turntable video (MP4)", tmp_path))) as video:
        assert video.streams.video[0].codec_context.name == "h264"
        assert sum(1 for _ in video.decode(video=0)) == STEPS // 4  # docs/use/downloads.md
    with zipfile.ZipFile(download(page, "COLMAP model (zip)", tmp_path)) as archive:
        archive.extractall(tmp_path / "model")
    found = pycolmap.Reconstruction(tmp_path / "model" / "sparse" / "0")
    assert found.num_reg_images() == 8
    results = json.loads(download(page, "Quality figures (JSON)", tmp_path).read_text())
    assert results["psnr"] == pytest.approx(psnr, abs=0.051)

    page.get_by_role("switch", name="Anyone with the link can see it").click()
    link = page.get_by_label("Link to this scene").input_value()
    assert link.startswith(f"{site.address}/v/")
    friend = browsers(PHONE).new_page()
    friend.goto(link)
    friend.wait_for_selector(f"{VIEWER}[data-state=ready]")
    assert shows_a_scene(friend)
    friend.locator("summary", has_text="About this scene").click()
    friend.get_by_text("Figures", exact=True).click()
    assert f"{psnr} dB" in friend.locator("main").inner_text()
    for photo in photos:
        assert photo.stem not in friend.content() or len(photo.stem) <= 3  # "000" may be anywhere
    assert "/photos/" not in friend.content()

    page.get_by_role("switch", name="Anyone with the link can see it").click()
    assert friend.request.get(link).status == 404


def sign_up(page: Page) -> None:
    page.goto("/")
    page.get_by_role("link", name="Sign up").first.click()
    page.get_by_label("E-mail address").fill(EMAIL)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign up").click()
    page.wait_for_url("**/jobs/")


def upload(page: Page, photos: list[Path]) -> None:
    page.goto("/jobs/new/")
    page.get_by_label("Choose photos").set_input_files(photos)
    page.get_by_label("Title").fill("The main job")
    page.get_by_role("radio", name="Quick").check()
    page.get_by_role("button", name="Start", exact=True).click()
    page.wait_for_url(re.compile(r"/jobs/[0-9a-f-]{36}/$"))


def watch_to_the_end(page: Page) -> set[str]:
    """Lets the page change by itself until it has a verdict. Returns the steps seen running."""
    shown: set[str] = set()
    page.expose_function("noteStep", lambda step: shown.add(step))
    page.evaluate(NOTE_STEPS)
    page.wait_for_selector(".verdict", timeout=800_000)
    return shown


def shows_a_scene(page: Page) -> bool:
    """Whether the viewer's middle has the contrasts of a picture, not one colour."""
    image = picture(page.locator(f"{VIEWER} canvas").first)
    width, height = image.size
    middle = image.crop((width // 4, height // 4, 3 * width // 4, 3 * height // 4))
    return max(ImageStat.Stat(middle).stddev) > 10


def download(page: Page, label: str, folder: Path) -> Path:
    link = page.locator("a[download]", has_text=str(label))
    if not link.is_visible():
        page.locator("summary", has_text="More formats").click()
    with page.expect_download() as started:
        link.click()
    path = folder / started.value.suggested_filename
    started.value.save_as(path)
    return path
