"""The photographer: how each photo is rendered, and the JPEG with EXIF."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from recon.samples import scene
from recon.samples.cameras import FOCAL_35MM, STRAIGHT, Camera, Lens, intrinsics
from recon.samples.surfaces import Array
from recon.samples.walks import look_at

__all__ = ["FOCAL_35MM", "SamplePhoto", "intrinsics", "pose", "render", "save"]

OVERSAMPLING = 2  # rays along each side of a pixel
SWEEP = 84.0  # degrees around the courtyard, from the first photo to the last
DISTANCE = 5.1  # metres
BACKGROUND = (196, 216, 236)  # sky, where a ray meets nothing


@dataclass(frozen=True)
class SamplePhoto:
    """The truth about one photo."""

    name: str
    cam_from_world: NDArray[np.float64]  # [3, 4] rotation and translation, metres
    K: NDArray[np.float64]  # [3, 3] px, top-left pixel's centre at (0.5, 0.5)
    lens: Lens = STRAIGHT


def pose(index: int, count: int) -> NDArray[np.float64]:
    """cam_from_world [3, 4] in the courtyard: a walk around the front, high and low by turns."""
    part = index / max(count - 1, 1)
    angle = np.radians((part - 0.5) * SWEEP)
    distance = DISTANCE + 0.25 * np.cos(index * 1.7)
    height = 1.55 + 0.75 * (index % 2) + 0.15 * np.sin(index * 2.1)
    centre = scene.CENTRE.astype(np.float64)
    eye = centre + np.array(
        [distance * np.sin(angle), -distance * np.cos(angle), height - centre[2]]
    )
    target = centre + np.array([0.12 * np.sin(index * 1.3), 0.0, 0.08 * np.cos(index * 0.9)])
    return look_at(eye, target)


def render(
    surfaces: list[scene.Surface], photo: SamplePhoto, size: tuple[int, int], noise: float = 0.0
) -> Image.Image:
    """What the camera sees, `OVERSAMPLING` squared rays a pixel.

    `noise` is the sensor's, the standard deviation in grey levels; the same every time.
    """
    width, height = size[0] * OVERSAMPLING, size[1] * OVERSAMPLING
    K = photo.K * [[OVERSAMPLING], [OVERSAMPLING], [1.0]]
    rotation, translation = photo.cam_from_world[:, :3], photo.cam_from_world[:, 3]
    origin = (-rotation.T @ translation).astype(np.float32)
    nearest = np.full((height, width), np.inf, np.float32)
    picture = np.empty((height, width, 3), np.uint8)
    picture[:] = BACKGROUND
    directions = _directions(K, rotation, photo.lens, (width, height))
    for surface in surfaces:
        window = _window(surface.shape.bounds(), photo, K, (width, height))
        t, u, v = surface.shape.hit(origin, directions[window])
        closer = t < nearest[window]
        nearest[window][closer] = t[closer]
        picture[window][closer] = _sample(surface.texture, u[closer], v[closer])
    small = Image.fromarray(picture).resize(size, Image.Resampling.BOX)
    return _noisy(small, noise, photo.name) if noise else small


def save(picture: Image.Image, path: Path, camera: Camera = Camera()) -> None:  # noqa: B008
    """Writes the JPEG as `camera` would."""
    stored = camera.stored(picture)
    stored.save(path, format="JPEG", quality=93, subsampling=0, exif=camera.exif())


def _noisy(picture: Image.Image, noise: float, name: str) -> Image.Image:
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    grains = rng.normal(0.0, noise, (picture.height, picture.width, 3))
    return Image.fromarray(np.clip(np.asarray(picture) + grains + 0.5, 0, 255).astype(np.uint8))


Window = tuple[slice, slice]  # rows, columns


def _window(corners: Array, photo: SamplePhoto, K: Array, size: tuple[int, int]) -> Window:
    """The part of the picture that the corners' convex hull can cover."""
    width, height = size
    seen = (corners @ photo.cam_from_world[:, :3].T + photo.cam_from_world[:, 3]) @ K.T
    behind = bool((seen[:, 2] < 0.1).any())  # it reaches behind the camera
    if behind or photo.lens != STRAIGHT:  # a bent hull is not convex
        return slice(0, height), slice(0, width)
    x, y = seen[:, 0] / seen[:, 2], seen[:, 1] / seen[:, 2]
    rows = slice(*(int(np.clip(edge, 0, height)) for edge in (y.min(), y.max() + 2)))
    columns = slice(*(int(np.clip(edge, 0, width)) for edge in (x.min(), x.max() + 2)))
    return rows, columns


def _directions(K: Array, rotation: Array, lens: Lens, size: tuple[int, int]) -> Array:
    """World directions [H, W, 3] of the rays through the pixels' centres; z_cam is 1."""
    x = ((np.arange(size[0]) + 0.5 - K[0, 2]) / K[0, 0])[None, :]
    y = ((np.arange(size[1]) + 0.5 - K[1, 2]) / K[1, 1])[:, None]
    if lens != STRAIGHT:
        bent = np.maximum(np.hypot(x, y), 1e-9)
        factor = lens.straighten(bent) / bent
        x, y = x * factor, y * factor
    return (x[..., None] * rotation[0] + y[..., None] * rotation[1] + rotation[2]).astype(
        np.float32
    )


def _sample(texture: NDArray[np.uint8], u: Array, v: Array) -> NDArray[np.uint8]:
    """The texture's colours at u, v [N], between texels: [N, 3]."""
    height, width = texture.shape[:2]
    x = np.clip(u * width - 0.5, 0, width - 1)
    y = np.clip(v * height - 0.5, 0, height - 1)
    left, top = x.astype(np.intp), y.astype(np.intp)
    right, below = np.minimum(left + 1, width - 1), np.minimum(top + 1, height - 1)
    part_x, part_y = (x - left)[:, None], (y - top)[:, None]
    flat = texture.reshape(-1, 3)
    upper = flat[top * width + left] * (1 - part_x) + flat[top * width + right] * part_x
    lower = flat[below * width + left] * (1 - part_x) + flat[below * width + right] * part_x
    return (upper * (1 - part_y) + lower * part_y + 0.5).astype(np.uint8)
