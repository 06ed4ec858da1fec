"""Where a scene's photos were taken, for the viewer: small, and without the photos' names.

World and axes are the SfM model's: COLMAP's world, camera axes x right, y down, z forward. Lengths
have the model's unit, which is no metre. Pixels: the centre of the top-left one is at (0.5, 0.5).
docs/develop/viewer.md documents the answer for programs.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.urls import reverse

from recon.models import Artifact, Job, Photo
from recon.web.file_memory import remember

ABOUT = (
    "cam_from_world: the 3 rows of [R | t], world units; camera axes x right, y down, z forward. "
    "fx, fy, cx, cy in px of width x height; the centre of the top-left pixel is at (0.5, 0.5)."
)


def public_views(job: Job) -> dict[str, Any]:
    """The cameras of a finished job, in the photos' order: {about, views: [{width, height, fx,
    fy, cx, cy, cam_from_world}]}. No views where the job kept none."""
    return {"about": ABOUT, "views": [camera(entry) for entry in _entries(job)]}


def own_views(job: Job) -> dict[str, Any]:
    """The same for the owner: each view with `name`, `thumb` and `photo`, two pictures' addresses.

    `photo` is the photo as the scene was trained on: without its lens's distortion, so that it
    lies over the scene pixel by pixel.
    """
    photos = {Path(photo.name).stem: photo for photo in job.photos.all()}
    views = []
    for number, entry in enumerate(_entries(job), 1):
        photo = photos.get(Path(entry["img_name"]).stem)
        pictures = _pictures(job, number, photo) if photo else {}
        views.append(camera(entry) | pictures)
    return {"about": ABOUT, "views": views}


def poses_by_content(job: Job) -> dict[str, list[list[float]]]:
    """Camera-from-world [R | t], 3 rows, of each photo that has a place, by the photo's SHA-256."""
    contents = {Path(photo.name).stem: photo.sha256 for photo in job.photos.all()}
    poses = {Path(entry["img_name"]).stem: camera(entry) for entry in _entries(job)}
    return {
        contents[stem]: pose["cam_from_world"] for stem, pose in poses.items() if stem in contents
    }


def placed(job: Job) -> set[str]:
    """The photos that have a place in the scene, by SHA-256."""
    return set(poses_by_content(job))


def trained_photo(job: Job, number: int) -> Path | None:
    """The undistorted photo of view `number`, from 1 on; None where there is none (any more)."""
    entries = _entries(job)
    if not 1 <= number <= len(entries):
        return None
    folder = job.workspace.images.resolve()
    path = (folder / entries[number - 1]["img_name"]).resolve()
    return path if path.is_relative_to(folder) and path.is_file() else None


def _pictures(job: Job, number: int, photo: Photo) -> dict[str, str]:
    return {
        "name": photo.original_name,
        "thumb": reverse("recon:thumb", args=(job.pk, photo.name)),
        "photo": reverse("recon:view_photo", args=(job.pk, number)),
    }


def _entries(job: Job) -> Sequence[dict[str, Any]]:
    """What graphdeco's cameras.json says; [] where it is gone, or is none of ours."""
    if not job.is_completed:
        return []
    # Not a query of its own: lists of jobs come with their artifacts.
    kinds = {artifact.kind: artifact for artifact in job.artifacts.all()}
    artifact = kinds.get(Artifact.Kind.CAMERAS)
    if artifact is None:
        return []
    try:
        return _read(artifact.file)
    except (FileNotFoundError, KeyError, TypeError, ValueError):
        return []


@remember(300)  # of up to 20 cameras; a result's page asks for those of the same photos' other runs
def _read(path: Path) -> Sequence[dict[str, Any]]:
    entries: list[dict[str, Any]] = json.loads(path.read_text())
    for entry in entries:
        camera(entry)
    return entries


def camera(entry: dict[str, Any]) -> dict[str, Any]:
    """graphdeco's world-from-camera as everybody else's camera-from-world."""
    columns, position = entry["rotation"], entry["position"]
    rows = [[columns[j][i] for j in range(3)] for i in range(3)]
    shifts = [-sum(r * p for r, p in zip(row, position, strict=True)) for row in rows]
    return {
        "width": entry["width"],
        "height": entry["height"],
        "fx": entry["fx"],
        "fy": entry["fy"],
        "cx": entry["cx"],
        "cy": entry["cy"],
        "cam_from_world": [[*row, shift] for row, shift in zip(rows, shifts, strict=True)],
    }
