"""Where a scene's photos were taken, for the viewer: small, and without the photos' names.

World and axes are the SfM model's: COLMAP's world, camera axes x right, y down, z forward. Lengths
have the model's unit, which is not a metre. Pixels: the centre of the top-left one is at (0.5,
0.5). docs/develop/viewer.md documents the answer for programs.
"""

from __future__ import annotations

from pathlib import Path
from typing import NotRequired, TypedDict

from django.urls import reverse

from recon.jobs.folder import mirror
from recon.models import Job, Photo
from recon.pipeline.outcome import Cameras, PlacedCamera
from recon.pipeline.workspace import Workspace
from recon.web.file_memory import remember
from recon.web.left_behind import left_by
from recon.web.result.photo_names import photos_by_image

ABOUT = (
    "cam_from_world: the 3 rows of [R | t], world units; camera axes x right, y down, z forward. "
    "fx, fy, cx, cy in px of width x height; the centre of the top-left pixel is at (0.5, 0.5)."
)


class CameraView(TypedDict):
    """One camera, and for the photos' owner `name`, what the person called the photo, and the
    addresses of two pictures."""

    width: int
    height: int
    fx: float
    fy: float
    cx: float
    cy: float
    cam_from_world: list[list[float]]
    name: NotRequired[str]
    thumb: NotRequired[str]
    photo: NotRequired[str]


class CameraViews(TypedDict):
    """What the viewer gets."""

    about: str
    views: list[CameraView]


def public_views(job: Job) -> CameraViews:
    """The cameras of a finished job, in the photos' order. No views where the job kept none."""
    return {"about": ABOUT, "views": [view_of(camera) for camera in _cameras_of(job)]}


def own_views(job: Job) -> CameraViews:
    """The same for the owner: each view with `name`, `thumb` and `photo`.

    `photo` is the photo as the scene was trained on: without its lens's distortion, so that it
    lies over the scene pixel by pixel.
    """
    photos = photos_by_image(job)
    views = []
    for number, camera in enumerate(_cameras_of(job), 1):
        view = view_of(camera)
        if camera.img_name in photos:
            _add_pictures(view, job, number, photos[camera.img_name])
        views.append(view)
    return {"about": ABOUT, "views": views}


def poses_by_content(job: Job) -> dict[str, list[list[float]]]:
    """Camera-from-world [R | t], 3 rows, of each photo that has a place, by the photo's SHA-256."""
    photos = photos_by_image(job)
    return {
        photos[camera.img_name].sha256: camera.cam_from_world
        for camera in _cameras_of(job)
        if camera.img_name in photos
    }


def placed(job: Job) -> set[str]:
    """The photos that have a place in the scene, by SHA-256."""
    return set(poses_by_content(job))


def trained_photo(job: Job, number: int) -> Path | None:
    """The undistorted photo of view `number`, from 1 on; None where there is none (any more)."""
    cameras = _cameras_of(job)
    if not 1 <= number <= len(cameras):
        return None
    folder = job.workspace.images.resolve()
    mirror.pull(job, f"{mirror.path_of(job, job.workspace.images)}/{cameras[number - 1].img_name}")
    path = (folder / cameras[number - 1].img_name).resolve()
    return path if path.is_relative_to(folder) and path.is_file() else None


def view_of(camera: PlacedCamera) -> CameraView:
    """One camera as everybody but graphdeco has it: camera-from-world."""
    return {
        "width": camera.width,
        "height": camera.height,
        "fx": camera.fx,
        "fy": camera.fy,
        "cx": camera.cx,
        "cy": camera.cy,
        "cam_from_world": camera.cam_from_world,
    }


def _add_pictures(view: CameraView, job: Job, number: int, photo: Photo) -> None:
    view["name"] = photo.original_name
    view["thumb"] = reverse("recon:thumb", args=(job.pk, photo.name))
    view["photo"] = reverse("recon:view_photo", args=(job.pk, number))


def _cameras_of(job: Job) -> tuple[PlacedCamera, ...]:
    """The registered photos' cameras; none where they are gone, or the job is not done."""
    found = left_by(job, _read) if job.is_completed else None
    return found.cameras if found else ()


def _file(workspace: Workspace) -> Path:
    return workspace.cameras_json


# Of up to 20 cameras; a result's page asks for those of the same photos' other runs.
@remember(300, _file)
def _read(workspace: Workspace) -> Cameras:
    return Cameras.read(workspace)
