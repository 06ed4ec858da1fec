"""A finished job in Chromium, on a phone and on a desk: comparing, choosing, running again."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import BrowserContext, Locator, Page, expect

from accounts.models import User
from recon.models import Artifact, Job, Photo
from recon.pipeline.config import from_dict
from recon.splats.formats import write_ply
from recon.splats.ply_header import count_gaussians
from recon.splats.spz import write_spz
from tests.browser.fitting import fits
from tests.browser.scenes import VIEW, picture, splat_bytes
from tests.browser.viewing import camera_at
from tests.browser.waiting import until
from tests.browser.windows import PHONE, SIZES
from tests.core.tiny_scene import tiny_gaussians
from tests.site import outcomes
from tests.site.making import measured_job, person
from tests.site.matching import two_places

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("data_dir", "redis_queue"),
]
NewContext = Callable[..., BrowserContext]
READY = "[data-splat-viewer][data-state=ready]"


@pytest.fixture
def ann() -> User:
    return person()


@pytest.fixture
def job(ann: User) -> Job:
    return shown_job(ann)


def shown_job(owner: User, **fields: Any) -> Job:
    """A measured job whose scenes the viewer can show: the delivered one, and all Gaussians."""
    job = measured_job(owner, view=VIEW, **fields)
    scene = splat_bytes()
    job.artifacts.get(kind=Artifact.Kind.SPLAT).file.write_bytes(scene)
    every = tiny_gaussians()
    write_ply(every, job.artifacts.get(kind=Artifact.Kind.PLY).file)
    write_spz(every, job.artifacts.get(kind=Artifact.Kind.OTHER_SPZ).file)
    for artifact in job.artifacts.all():
        artifact.size = artifact.file.stat().st_size
        if artifact.gaussians is not None:
            artifact.gaussians = count_gaussians(artifact.file)
        artifact.save()
    return job


@pytest.fixture
def open_page(
    new_context: NewContext, ann: User, listen: Callable[[Page], Page], complaints: list[str]
) -> Any:
    def opened(address: str, **options: Any) -> Page:
        page = listen(new_context(ann, **options).new_page())
        page.goto(address)
        return page

    yield opened
    assert complaints == []


def columns(element: Locator) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Colours near the left and the right edge, low in the picture where no label is."""
    image = picture(element)
    low = int(image.height * 0.8)
    left, right = image.getpixel((6, low)), image.getpixel((image.width - 6, low))
    assert isinstance(left, tuple)
    assert isinstance(right, tuple)
    return left, right


@SIZES
def test_a_held_out_photo_is_compared_by_dragging_and_by_keys(
    open_page: Any, job: Job, size: dict[str, int]
) -> None:
    for kind, colour in (("renders", "blue"), ("gt", "red")):
        path = job.workspace.output / "test" / "ours_700" / kind / "00000.png"
        Image.new("RGB", (60, 40), colour).save(path)
    page = open_page(f"{job.get_absolute_url()}#quality", viewport=size)
    versus = page.locator("[data-versus=on]")
    versus.scroll_into_view_if_needed()
    seen = "[...document.querySelectorAll('.versus img')].every(i => i.complete && i.naturalWidth)"
    until(page, seen)
    (red, _, _), (_, _, blue) = columns(versus)
    assert red > 200, "the photo is on the left"
    assert blue > 200, "the scene is on the right"

    line = page.get_by_role("slider", name="Line between Photo and Scene, secret garden 1.jpg")
    line.focus()
    page.keyboard.press("End")
    assert columns(versus)[1][0] > 200
    page.keyboard.press("Home")
    assert columns(versus)[0][2] > 200
    assert line.evaluate("e => e.ariaValueText") == "Photo 0 percent"

    box = versus.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.75, box["y"] + box["height"] / 2, steps=5)
    page.mouse.up()
    assert 65 < int(line.input_value()) < 85
    row = page.get_by_role("row", name="secret garden 1.jpg")
    expect(row).to_be_hidden()  # figures are folded under the verdict
    page.get_by_text("Figures", exact=True).click()
    expect(row).to_contain_text("24.5 dB")
    assert fits(page)


def choice(page: Page, name: str) -> Locator:
    return page.get_by_role("group", name="Stray spots").get_by_role("link", name=name)


@SIZES
@pytest.mark.parametrize("kind", ["other_spz", "ply"])
def test_the_other_scene_comes_into_the_same_viewer(
    open_page: Any, job: Job, kind: str, size: dict[str, int]
) -> None:
    if kind == "ply":  # as for a scene that is too large for SPZ
        job.artifacts.filter(kind=Artifact.Kind.OTHER_SPZ).delete()
    page = open_page(job.get_absolute_url(), viewport=size)
    page.wait_for_selector(READY)
    page.locator("[data-splat-viewer]").evaluate("e => (e.dataset.marked = 'yes')")
    choice(page, "shown").click()
    expect(choice(page, "shown")).to_have_attribute("aria-current", "true")
    expect(choice(page, "hidden")).not_to_have_attribute("aria-current", "true")
    viewer = page.locator("[data-splat-viewer]")
    expect(viewer).to_have_attribute("data-marked", "yes")
    assert viewer.get_attribute("data-scene").endswith(f"/files/{kind}")
    assert page.url.endswith("?show=all")
    choice(page, "hidden").click()
    expect(viewer).to_have_attribute("data-scene", f"{job.get_absolute_url()}files/splat")


def test_a_scene_that_does_not_arrive_is_said_and_the_old_one_stays(
    new_context: NewContext, ann: User, job: Job
) -> None:
    page = new_context(ann).new_page()
    page.route(f"**/files/{Artifact.Kind.OTHER_SPZ}", lambda route: route.abort())
    page.goto(job.get_absolute_url())
    page.wait_for_selector(READY)
    choice(page, "shown").click()
    expect(page.get_by_text("The scene could not be loaded. Try again.")).to_be_visible()
    assert page.locator(READY).count() == 1
    expect(choice(page, "hidden")).to_have_attribute("aria-current", "true")


@SIZES
def test_without_scripts_pictures_stand_side_by_side_and_scenes_are_links(
    open_page: Any, job: Job, size: dict[str, int]
) -> None:
    page = open_page(job.get_absolute_url(), viewport=size, java_script_enabled=False)
    scene, photo = (image.bounding_box() for image in page.locator(".versus img").all()[:2])
    assert photo["y"] == scene["y"]
    assert photo["x"] + photo["width"] <= scene["x"], "as the text above them says"
    choice(page, "shown").click()
    expect(choice(page, "shown")).to_have_attribute("aria-current", "true")


@SIZES
def test_it_is_run_again_with_other_wishes(open_page: Any, job: Job, size: dict[str, int]) -> None:
    page = open_page(job.get_absolute_url(), viewport=size)
    page.get_by_role("link", name="Run again").click()
    page.get_by_label("Preset", exact=True).select_option("high")
    page.get_by_label("Remove stray spots").select_option("Never")
    page.get_by_label("Keep the photos’ full size").check()
    page.get_by_role("button", name="Run again", exact=True).click()
    page.wait_for_selector("#progress")
    new = Job.objects.exclude(pk=job.pk).get()
    assert page.url.endswith(new.get_absolute_url())
    assert (new.wishes.preset, new.wishes.original_resolution) == ("high", True)
    assert from_dict(new.config).evaluate.outlier_filter == "never"


@SIZES
def test_two_runs_stand_side_by_side(
    open_page: Any, ann: User, job: Job, size: dict[str, int]
) -> None:
    other = shown_job(ann, title="The second run", psnr=23.5)
    for one, theirs in zip(job.photos.all(), other.photos.all(), strict=True):
        Photo.objects.filter(pk=theirs.pk).update(sha256=one.sha256)
    for one in (job, with_figure(other, 23.5)):
        cameras = [camera_at(number, 6.0 * number) for number in range(3)]
        one.artifacts.get(kind=Artifact.Kind.CAMERAS).file.write_text(json.dumps(cameras))
    page = open_page(job.get_absolute_url(), viewport=size)
    page.get_by_role("tab", name="Details").click()
    page.get_by_role("link", name="Compare with The second run").click()
    expect(page.locator(READY)).to_have_count(2)
    boxes = [viewer.bounding_box() for viewer in page.locator(READY).all()]
    if size["width"] > 1000:
        assert boxes[0]["y"] == boxes[1]["y"]
    row = page.get_by_role("row", name="PSNR")
    expect(row.get_by_role("cell").nth(1)).to_contain_text("better")
    slider = page.get_by_role("slider", name="Line between A and B, secret garden 1.jpg")
    expect(slider).to_have_count(1)
    assert fits(page)


def with_figure(job: Job, psnr: float) -> Job:
    """Gives its held-out photo this figure."""
    outcomes.results({"001.jpg": (psnr, 0.813, None)}).write(job.workspace)
    return job


def test_a_poor_scene_asks_for_photos_and_two_places_become_two_scenes(
    open_page: Any, ann: User
) -> None:
    facts = {"count": 4, "total": 7, "photos": ["000.jpg"]}
    left_out = [{"code": "photos_left_out", "facts": facts}]
    poor = shown_job(ann, title="Trip", warnings=left_out)
    page = open_page(poor.get_absolute_url(), viewport=PHONE)
    expect(page.get_by_text("3 of 7 photos could be placed.").first).to_be_in_viewport()
    add = page.get_by_role("button", name="Add photos", exact=True)
    expect(add).to_be_in_viewport()
    expect(page.locator(".metrics")).to_be_hidden()
    add.click()
    expect(page.get_by_role("button", name="Start")).to_be_visible()
    assert Job.objects.get(status=Job.Status.DRAFT).photos_from == poor

    mixed = two_places(ann, title="Two", status="FAILED", step="COLMAP_MAP", error_code="internal")
    page.goto(mixed.get_absolute_url())
    page.get_by_role("button", name="Make a scene of photos 4 and 5").click()
    expect(page.get_by_role("heading", name="Two 2")).to_be_visible()
    expect(page.locator(".tile")).to_have_count(2)
