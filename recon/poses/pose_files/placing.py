"""Gives the photos of a job the cameras that a pose file has for them.

Photos are made smaller and turned upright before they are used; the file's cameras follow.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

import numpy as np
from numpy.typing import NDArray

from recon.poses.config import MappingConfig
from recon.poses.pose_files import camera_models
from recon.poses.pose_files.contents import (
    NO_POINT,
    FileCamera,
    FilePhoto,
    FilePoints,
    PoseFile,
    PoseFileError,
)
from recon.poses.pose_files.photo_names import match_names

#: Quarter turns, clockwise, that make a picture upright, by its EXIF orientation; the others
#: mirror it, which no camera does.
_QUARTERS = {1: 0, 6: 1, 3: 2, 8: 3}

#: A turn of the camera by a quarter: what was right is down.
_QUARTER = np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])


@dataclass(frozen=True)
class PhotoToPlace:
    """A photo as it is used here."""

    name: str  # in work/photos
    called: str  # by the person, perhaps with folders
    width: int  # px
    height: int  # px
    orientation: int = 1  # EXIF's, of the file that was sent; here it is upright


@dataclass(frozen=True, eq=False)
class Placement:
    """The photos that have a position, with cameras and keypoints in the px that they have here,
    called as in work/photos and sorted so; and those that the file lacks."""

    photos: tuple[FilePhoto, ...]
    points: FilePoints
    lacking: tuple[str, ...]

    def is_seen_enough(self, points_per_photo: float) -> bool:
        """Whether each photo sees at least so many of the file's points that another one sees."""
        counts: dict[int, int] = {}
        seen = [set(photo.point_ids[photo.point_ids != NO_POINT].tolist()) for photo in self.photos]
        known = set(self.points.ids.tolist())
        for ids in seen:
            for number in ids & known:
                counts[number] = counts.get(number, 0) + 1
        return all(
            sum(counts.get(number, 0) > 1 for number in ids) >= points_per_photo for ids in seen
        )


def place(poses: PoseFile, photos: Sequence[PhotoToPlace], limits: MappingConfig) -> Placement:
    """The file's cameras for the photos that it has.

    Raises PoseFileError: poses_match_no_photo, poses_too_few, poses_size_differs, poses_bad_camera.
    """
    by_name = {photo.name: photo for photo in reversed(poses.photos)}
    found = match_names({photo.name: photo.called for photo in photos}, by_name)
    if not found:
        raise PoseFileError(
            "poses_match_no_photo",
            count=len(photos),
            listed=PurePosixPath(poses.photos[0].name).name,
            name=photos[0].called if photos else "-",
        )
    if len(found) < limits.min_registered:
        raise PoseFileError(
            "poses_too_few",
            placed=len(found),
            total=len(photos),
            minimum=limits.min_registered,
        )
    ordered = sorted(photos, key=lambda photo: photo.name)
    placed = [_fit(by_name[found[p.name]], p, limits) for p in ordered if p.name in found]
    centres = np.array([-p.cam_from_world[:, :3].T @ p.cam_from_world[:, 3] for p in placed])
    if not np.ptp(centres, axis=0).any():
        raise PoseFileError("no_baseline")
    lacking = tuple(photo.name for photo in ordered if photo.name not in found)
    return Placement(tuple(placed), poses.points, lacking)


def _fit(given: FilePhoto, photo: PhotoToPlace, limits: MappingConfig) -> FilePhoto:
    """The file's photo as it is here: upright, at this size, under this name."""
    quarters = _quarters(given.camera, photo)
    camera = camera_models.turned_clockwise(given.camera, quarters or 0)
    if quarters is None or camera is None:
        raise _differs(given.camera, photo)
    xys, pose = given.xys, given.cam_from_world
    height = given.camera.height
    for turn in range(quarters):
        xys, pose = _turn_once(xys, pose, height if turn % 2 == 0 else given.camera.width)
    scale = (photo.width / camera.width, photo.height / camera.height)
    camera = camera_models.at_size(camera, photo.width, photo.height)
    if not camera_models.makes_sense(camera, limits.min_focal, limits.max_focal):
        focal = camera_models.focal_lengths(given.camera)[0]
        raise PoseFileError(
            "poses_bad_camera",
            f"{photo.called}: {given.camera}",
            name=photo.called,
            width=given.camera.width,
            height=given.camera.height,
            focal=f"{focal:.6g}",
        )
    return replace(
        given, name=photo.name, camera=camera, cam_from_world=pose, xys=np.asarray(xys) * scale
    )


def _quarters(camera: FileCamera, photo: PhotoToPlace) -> int | None:
    """How often the file's picture must be turned to be the photo; None where it is another.

    COLMAP takes no notice of the orientation in a photo's metadata, so what it saw is the picture
    as stored; other programs turn it first.
    """
    turned = _QUARTERS.get(photo.orientation)
    if turned is not None:
        stored = (photo.width, photo.height) if turned % 2 == 0 else (photo.height, photo.width)
        if camera_models.has_shape(camera, *stored):
            return turned
    return 0 if camera_models.has_shape(camera, photo.width, photo.height) else None


def _turn_once(
    xys: NDArray[np.float64], pose: NDArray[np.float64], height: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Keypoints and pose of the picture turned clockwise; `height` is that before the turn."""
    return np.column_stack([height - xys[:, 1], xys[:, 0]]), _QUARTER @ pose


def _differs(camera: FileCamera, photo: PhotoToPlace) -> PoseFileError:
    return PoseFileError(
        "poses_size_differs",
        name=photo.called,
        width=photo.width,
        height=photo.height,
        camera_width=camera.width,
        camera_height=camera.height,
    )
