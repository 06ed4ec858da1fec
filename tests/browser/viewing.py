"""A scene in the viewer, and where its camera is."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
from PIL import Image, ImageDraw
from playwright.sync_api import Page

from recon.models import Artifact, Job
from tests.browser.scenes import BLOBS, VIEW, splat_bytes
from tests.site.making import finished_job, person

VIEWER = "[data-splat-viewer]"
IT = f"document.querySelector('{VIEWER}').splatViewer"
POSE = f"{IT}.pose()"

WIDTH, HEIGHT = 800, 600  # px, of the photos
FOCAL = HEIGHT / 2 / math.tan(math.radians(25))
CENTRE = (WIDTH / 2 + 30, HEIGHT / 2 - 20)  # px, the principal point


def shared_scene(**fields: Any) -> Job:
    """A shared, finished job whose scene is the three blobs, without a poster to hide behind."""
    job = finished_job(person(), shared=True, view=VIEW, **fields)
    job.artifacts.filter(kind=Artifact.Kind.POSTER).delete()
    write_scene(job, splat_bytes())
    return job


def write_scene(job: Job, content: bytes) -> None:
    artifact = job.artifacts.get(kind=Artifact.Kind.SPLAT)
    artifact.file.write_bytes(content)
    job.artifacts.filter(pk=artifact.pk).update(size=len(content))


def photographed(job: Job) -> Job:
    """With three photos taken 12 degrees from each other, the second where the viewer starts."""
    cameras = [camera_at(number, degrees) for number, degrees in enumerate((-12, 0, 12))]
    job.artifacts.get(kind=Artifact.Kind.CAMERAS).file.write_text(json.dumps(cameras))
    job.workspace.images.mkdir(parents=True)
    for camera in cameras:
        photo_of(camera).save(job.workspace.images / camera["img_name"], quality=95)
    return job


def camera_at(number: int, degrees: float) -> dict[str, Any]:
    """graphdeco's entry for a camera three units from the middle, looking at it."""
    angle = math.radians(degrees)
    forward = np.array([-math.sin(angle), 0.0, math.cos(angle)])
    down = np.array([0.0, 1.0, 0.0])
    right = np.cross(down, forward)
    return {
        "id": number,
        "img_name": f"{number:03}.jpg",
        "width": WIDTH,
        "height": HEIGHT,
        "position": (-3 * forward).tolist(),
        "rotation": np.stack([right, down, forward], axis=1).tolist(),
        "fx": FOCAL,
        "fy": FOCAL,
        "cx": CENTRE[0],
        "cy": CENTRE[1],
    }


def photo_of(camera: dict[str, Any]) -> Image.Image:
    """A white photo, with each blob as a black disc where that camera sees it."""
    image = Image.new("RGB", (WIDTH, HEIGHT), "white")
    draw = ImageDraw.Draw(image)
    for place in BLOBS.values():
        seen = np.array(camera["rotation"]).T @ (np.array(place) - camera["position"])
        x, y = FOCAL * seen[:2] / seen[2] + CENTRE
        draw.ellipse((x - 8, y - 8, x + 8, y + 8), fill="black")
    return image


def open_scene(page: Page, job: Job, query: str = "") -> None:
    page.goto(f"/v/{job.share.key}{query}")
    ready(page)


def open_own(page: Page, job: Job) -> None:
    page.goto(job.get_absolute_url())
    ready(page)


def ready(page: Page) -> None:
    page.wait_for_selector(f"{VIEWER}[data-state=ready]")


def pose(page: Page) -> dict[str, Any]:
    return page.evaluate(POSE)
