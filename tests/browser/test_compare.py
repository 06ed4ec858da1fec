"""Two scenes of the same photos side by side, in worlds of their own: they move together."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from django.urls import reverse
from PIL import Image
from playwright.sync_api import BrowserContext, Locator, Page, expect
from scipy.spatial.transform import Rotation

from accounts.models import User
from recon.models import Artifact, Job, Photo
from tests.browser.scenes import BLOBS, VIEW, ball, picture
from tests.browser.viewing import camera_at, write_scene
from tests.browser.windows import DESK, SIZES
from tests.site.making import finished_job, person

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("data_dir", "redis_queue"),
]
NewContext = Callable[..., BrowserContext]

SAME, ANOTHER = 0.3, 0.4  # by what `unlike` returns
RADIUS = 0.12  # larger blobs would look more alike wherever they are

#: The second world: turned, 2.5 times as large, somewhere else.
TURN = Rotation.from_euler("xyz", [25, -40, 70], degrees=True).as_matrix()
SCALE, SHIFT = 2.5, np.array([3.0, -1.0, 6.0])


def there(point: Any) -> list[float]:
    moved: list[float] = (SCALE * TURN @ np.array(point) + SHIFT).tolist()
    return moved


def blobs_here() -> bytes:
    return b"".join(ball(colour, place, RADIUS) for colour, place in BLOBS.items())


def blobs_there() -> bytes:
    return b"".join(ball(colour, there(place), SCALE * RADIUS) for colour, place in BLOBS.items())


def camera_there(camera: dict[str, Any]) -> dict[str, Any]:
    turned = (TURN @ np.array(camera["rotation"])).tolist()
    return camera | {"position": there(camera["position"]), "rotation": turned}


def view_there() -> dict[str, Any]:
    """Where the second scene starts: as the first does, but from elsewhere."""
    aside = [2.2, -1.4, -1.8]
    return VIEW | {
        "position": there(aside),
        "target": there(VIEW["target"]),
        "up": (TURN @ np.array(VIEW["up"])).tolist(),
    }


def scene(owner: User, content: bytes, cameras: list[dict[str, Any]], view: dict[str, Any]) -> Job:
    job = finished_job(owner, view=view)
    job.artifacts.filter(kind=Artifact.Kind.POSTER).delete()
    job.artifacts.get(kind=Artifact.Kind.CAMERAS).file.write_text(json.dumps(cameras))
    write_scene(job, content)
    return job


@pytest.fixture
def two() -> tuple[Job, Job]:
    cameras = [camera_at(number, degrees) for number, degrees in enumerate((-12, 0, 12))]
    ann = person()
    first = scene(ann, blobs_here(), cameras, VIEW)
    second = scene(ann, blobs_there(), [camera_there(one) for one in cameras], view_there())
    for one, other in zip(first.photos.all(), second.photos.all(), strict=True):
        Photo.objects.filter(pk=other.pk).update(sha256=one.sha256)
    return first, second


def opened(
    new_context: NewContext, listen: Callable[[Page], Page], two: tuple[Job, Job], size: Any
) -> Page:
    page = listen(new_context(two[0].owner, viewport=size).new_page())
    page.goto(reverse("recon:compare", args=(two[0].pk, two[1].pk)))
    for canvas in canvases(page):
        canvas.scroll_into_view_if_needed()
        canvas.locator("xpath=ancestor::*[@data-state='ready']").wait_for()
    return page


def canvases(page: Page) -> list[Locator]:
    return [page.locator(".compare [data-splat-viewer] canvas").nth(number) for number in range(2)]


def shot(page: Page, number: int) -> Image.Image:
    """One viewer's picture, without the buttons at its edges."""
    canvas = canvases(page)[number]
    canvas.scroll_into_view_if_needed()
    page.wait_for_timeout(300)  # it only draws what is in view, and sorts meanwhile
    seen = picture(canvas)
    return seen.crop((60, 60, seen.width - 60, seen.height - 90))


def unlike(one: Image.Image, other: Image.Image) -> float:
    """How far two pictures differ: 0 if they are the same, about 2 for blobs elsewhere."""
    first, second = (np.asarray(image.resize((300, 225)), float) for image in (one, other))
    blobs = np.abs(first - np.median(first, axis=(0, 1)))
    return float(np.abs(first - second).mean() / blobs.mean())


def comes(difference: Callable[[], float], wanted: Callable[[float], bool]) -> bool:
    """Whether `difference` becomes as `wanted`: a busy machine draws late."""
    give_up_at = time.monotonic() + 60
    while not (is_so := wanted(difference())) and time.monotonic() < give_up_at:
        pass
    return is_so


def are_alike(page: Page) -> bool:
    return comes(lambda: unlike(shot(page, 0), shot(page, 1)), lambda value: value < SAME)


def differ(page: Page) -> bool:
    return comes(lambda: unlike(shot(page, 0), shot(page, 1)), lambda value: value > ANOTHER)


@SIZES
def test_one_is_turned_and_the_other_follows_until_they_are_parted(
    new_context: NewContext,
    listen: Callable[[Page], Page],
    complaints: list[str],
    two: tuple[Job, Job],
    size: Any,
) -> None:
    page = opened(new_context, listen, two, size)
    assert are_alike(page)  # the second camera is where the first is

    for canvas in canvases(page):  # either may lead
        before = shot(page, 0)
        canvas.focus()
        for key in ("ArrowLeft", "ArrowUp", "+") * 4:
            page.keyboard.press(key)
        assert comes(lambda old=before: unlike(old, shot(page, 0)), lambda value: value > ANOTHER)
        assert are_alike(page)

    page.get_by_label("Both move together").uncheck()
    canvases(page)[1].focus()
    for key in ("ArrowRight", "-") * 5:
        page.keyboard.press(key)
    assert differ(page)
    page.get_by_label("Both move together").check()
    assert are_alike(page)
    assert complaints == []


def test_each_remembers_for_itself_that_one_walks_in_it(
    new_context: NewContext,
    listen: Callable[[Page], Page],
    complaints: list[str],
    two: tuple[Job, Job],
) -> None:
    page = opened(new_context, listen, two, DESK)
    buttons = page.locator(".compare [data-viewer-walk]")
    buttons.nth(0).click()
    expect(buttons.nth(0)).to_have_attribute("aria-pressed", "true")
    page.reload()
    for canvas in canvases(page):
        canvas.scroll_into_view_if_needed()
        canvas.locator("xpath=ancestor::*[@data-state='ready']").wait_for()
    expect(buttons.nth(0)).to_have_attribute("aria-pressed", "true")
    expect(buttons.nth(1)).to_have_attribute("aria-pressed", "false")
    assert complaints == []


def test_scenes_whose_cameras_are_unknown_move_alone(
    new_context: NewContext,
    listen: Callable[[Page], Page],
    complaints: list[str],
    two: tuple[Job, Job],
) -> None:
    two[1].artifacts.get(kind=Artifact.Kind.CAMERAS).file.write_text("[]")
    page = opened(new_context, listen, two, DESK)
    expect(page.get_by_label("Both move together")).to_have_count(0)
    assert differ(page)
    assert complaints == []
