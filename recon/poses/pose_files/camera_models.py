"""COLMAP's camera models, as far as their photos can be made straight; and a camera for a photo of
another size, or turned.

Parameters are in COLMAP's order: focal length(s), principal point, then distortion, which acts on
directions and so is the same at every size.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from recon.poses.native import colmap
from recon.poses.pose_files.contents import FileCamera, PoseFileError

#: COLMAP's number of each model, how many parameters it has, and whether it has two focal lengths.
_MODELS = {
    "SIMPLE_PINHOLE": (0, 3, False),
    "PINHOLE": (1, 4, True),
    "SIMPLE_RADIAL": (2, 4, False),
    "RADIAL": (3, 5, False),
    "OPENCV": (4, 8, True),
    "OPENCV_FISHEYE": (5, 8, True),
    "FULL_OPENCV": (6, 12, True),
    "FOV": (7, 5, True),
    "SIMPLE_RADIAL_FISHEYE": (8, 4, False),
    "RADIAL_FISHEYE": (9, 5, False),
    "THIN_PRISM_FISHEYE": (10, 12, True),
}
MODEL_BY_NUMBER = {number: name for name, (number, _, _) in _MODELS.items()}

#: The two tangential terms' places; every model without them, but the last, bends alike all round.
_TANGENTIAL = {"OPENCV": (6, 7), "FULL_OPENCV": (6, 7)}
_CANNOT_TURN = ("THIN_PRISM_FISHEYE",)

_SAME_SHAPE = 0.01  # a width by height that differs by less than this part is the same, rounded
_BACK = 1.0  # px: how near a pixel's ray must lead back to it


def parameter_count(model: str) -> int:
    """Raises PoseFileError for a model that is unknown, or can't be made straight."""
    if model not in _MODELS:
        raise PoseFileError("poses_unknown_camera", lens=model)
    return _MODELS[model][1]


def focal_lengths(camera: FileCamera) -> tuple[float, float]:
    """px, across and down."""
    return camera.params[0], camera.params[1 if _MODELS[camera.model][2] else 0]


def has_shape(camera: FileCamera, width: int, height: int) -> bool:
    """Whether its pictures have this shape."""
    if not (camera.width and camera.height):
        return False
    return abs(camera.width / camera.height / (width / height) - 1) <= _SAME_SHAPE


def at_size(camera: FileCamera, width: int, height: int) -> FileCamera:
    """The same camera for pictures of so many px, of the same shape."""
    across, down = width / camera.width, height / camera.height
    values = list(camera.params)
    if _MODELS[camera.model][2]:
        scales = [across, down, across, down]
    else:
        scales = [(across + down) / 2, across, down]
    values[: len(scales)] = [v * s for v, s in zip(values, scales, strict=False)]
    return replace(camera, width=width, height=height, params=tuple(values))


def turned_clockwise(camera: FileCamera, quarters: int) -> FileCamera | None:
    """The camera of the same pictures turned by so many quarters; None where there is none.

    A pixel (u, v) of a picture of height h comes to (h - v, u).
    """
    if quarters and camera.model in _CANNOT_TURN:
        return None
    for _ in range(quarters):
        camera = _turned_once(camera)
    return camera


def _turned_once(camera: FileCamera) -> FileCamera:
    values = list(camera.params)
    centre = 2 if _MODELS[camera.model][2] else 1
    if centre == 2:
        values[0], values[1] = values[1], values[0]
    across, down = values[centre : centre + 2]
    values[centre : centre + 2] = camera.height - down, across
    if camera.model in _TANGENTIAL:
        first, second = _TANGENTIAL[camera.model]
        values[first], values[second] = values[second], -values[first]
    return replace(camera, width=camera.height, height=camera.width, params=tuple(values))


def makes_sense(camera: FileCamera, shortest: float, longest: float) -> bool:
    """Whether there can be such a lens: focal lengths between these parts of the longest side, the
    principal point in the picture, and rays that lead back to their pixels halfway to the corners.
    """
    side = max(camera.width, camera.height)
    if side <= 0 or not all(map(math.isfinite, camera.params)):
        return False
    if not all(shortest * side <= focal <= longest * side for focal in focal_lengths(camera)):
        return False
    at = 2 if _MODELS[camera.model][2] else 1
    x, y = camera.params[at : at + 2]
    if not (0 < x < camera.width and 0 < y < camera.height):
        return False
    lens = colmap().Camera(
        model=camera.model, width=camera.width, height=camera.height, params=camera.params
    )
    corners = np.array([(a * camera.width, b * camera.height) for a in (0, 1) for b in (0, 1)])
    pixels = (corners + np.array([x, y])) / 2
    rays = np.array(lens.cam_from_img(pixels), float).reshape(-1, 2)
    back = np.array(lens.img_from_cam(np.c_[rays, np.ones(len(rays))]), float).reshape(-1, 2)
    return bool((np.linalg.norm(back - pixels, axis=1) <= _BACK).all())
