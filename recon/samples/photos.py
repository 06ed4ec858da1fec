"""The photographer: where each photo is taken from, how it is rendered, and the JPEG with EXIF."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from recon.samples import scene
from recon.samples.surfaces import Array

DEFAULT_COUNT = 12
DEFAULT_SIZE = (800, 600)  # px
OVERSAMPLING = 2  # rays along each side of a pixel
FOCAL_35MM = 28  # mm on 35 mm film, as EXIF has it: whole numbers
FULL_FRAME_DIAGONAL = 43.27  # mm
SWEEP = 84.0  # degrees around the scene, from the first photo to the last
DISTANCE = 5.1  # metres
RENDER_THREADS = 2
BACKGROUND = (196, 216, 236)  # sky, where a ray meets nothing

EXIF_MAKE, EXIF_MODEL, EXIF_IFD = 0x010F, 0x0110, 0x8769
EXIF_FOCAL, EXIF_FOCAL_35MM = 0x920A, 0xA405


@dataclass(frozen=True)
class SamplePhoto:
    """The truth about one photo."""

    name: str
    cam_from_world: NDArray[np.float64]  # [3, 4] rotation and translation, metres
    K: NDArray[np.float64]  # [3, 3] px, top-left pixel's centre at (0.5, 0.5)


def write_photos(
    folder: Path, count: int = DEFAULT_COUNT, size: tuple[int, int] = DEFAULT_SIZE
) -> list[SamplePhoto]:
    """Renders `count` photos of `size` (width, height in px) into `folder`, JPEG with EXIF.

    Deterministic: the same files every time on the same machine.
    """
    folder.mkdir(parents=True, exist_ok=True)
    surfaces = scene.build()
    photos = [
        SamplePhoto(f"photo_{index + 1:02d}.jpg", pose(index, count), intrinsics(size))
        for index in range(count)
    ]

    def make(photo: SamplePhoto) -> None:
        save(render(surfaces, photo, size), folder / photo.name)

    with ThreadPoolExecutor(RENDER_THREADS) as pool:
        list(pool.map(make, photos))
    return photos


def intrinsics(size: tuple[int, int]) -> NDArray[np.float64]:
    """K of the sample camera for photos of `size`."""
    width, height = size
    focal = FOCAL_35MM / FULL_FRAME_DIAGONAL * float(np.hypot(width, height))
    return np.array([[focal, 0, width / 2], [0, focal, height / 2], [0, 0, 1]])


def pose(index: int, count: int) -> NDArray[np.float64]:
    """cam_from_world [3, 4] of a photo: a walk around the front, high and low by turns."""
    part = index / max(count - 1, 1)
    angle = np.radians((part - 0.5) * SWEEP)
    distance = DISTANCE + 0.25 * np.cos(index * 1.7)
    height = 1.55 + 0.75 * (index % 2) + 0.15 * np.sin(index * 2.1)
    centre = scene.CENTRE.astype(np.float64)
    eye = centre + np.array(
        [distance * np.sin(angle), -distance * np.cos(angle), height - centre[2]]
    )
    target = centre + np.array([0.12 * np.sin(index * 1.3), 0.0, 0.08 * np.cos(index * 0.9)])
    forward = (target - eye) / np.linalg.norm(target - eye)
    right = np.cross(forward, [0, 0, 1])
    right /= np.linalg.norm(right)
    rotation = np.stack([right, np.cross(forward, right), forward])
    return np.hstack([rotation, -(rotation @ eye)[:, None]])


def render(surfaces: list[scene.Surface], photo: SamplePhoto, size: tuple[int, int]) -> Image.Image:
    """What the camera sees, `OVERSAMPLING` squared rays a pixel."""
    width, height = size[0] * OVERSAMPLING, size[1] * OVERSAMPLING
    K = photo.K * [[OVERSAMPLING], [OVERSAMPLING], [1.0]]
    rotation, translation = photo.cam_from_world[:, :3], photo.cam_from_world[:, 3]
    origin = (-rotation.T @ translation).astype(np.float32)
    nearest = np.full((height, width), np.inf, np.float32)
    picture = np.empty((height, width, 3), np.uint8)
    picture[:] = BACKGROUND
    for surface in surfaces:
        window = _window(surface.shape.bounds(), photo.cam_from_world, K, (width, height))
        directions = _directions(K, rotation, window)
        t, u, v = surface.shape.hit(origin, directions)
        closer = t < nearest[window]
        nearest[window][closer] = t[closer]
        picture[window][closer] = _sample(surface.texture, u[closer], v[closer])
    return Image.fromarray(picture).resize(size, Image.Resampling.BOX)


def save(picture: Image.Image, path: Path) -> None:
    exif = Image.Exif()
    exif[EXIF_MAKE], exif[EXIF_MODEL] = "InstaRecon3D", "Sample camera"
    exif.get_ifd(EXIF_IFD).update({EXIF_FOCAL: float(FOCAL_35MM), EXIF_FOCAL_35MM: FOCAL_35MM})
    picture.save(path, format="JPEG", quality=93, subsampling=0, exif=exif)


Window = tuple[slice, slice]  # rows, columns


def _window(
    corners: Array,
    cam_from_world: NDArray[np.float64],
    K: NDArray[np.float64],
    size: tuple[int, int],
) -> Window:
    """The part of the picture that the corners' convex hull can cover."""
    width, height = size
    seen = (corners @ cam_from_world[:, :3].T + cam_from_world[:, 3]) @ K.T
    if (seen[:, 2] < 0.1).any():  # reaches behind the camera
        return slice(0, height), slice(0, width)
    x, y = seen[:, 0] / seen[:, 2], seen[:, 1] / seen[:, 2]
    rows = slice(*(int(np.clip(edge, 0, height)) for edge in (y.min(), y.max() + 2)))
    columns = slice(*(int(np.clip(edge, 0, width)) for edge in (x.min(), x.max() + 2)))
    return rows, columns


def _directions(K: NDArray[Any], rotation: NDArray[Any], window: Window) -> Array:
    """World directions [h, w, 3] of the rays through the window's pixel centres; z_cam is 1."""
    rows, columns = window
    x = (np.arange(columns.start, columns.stop) + 0.5 - K[0, 2]) / K[0, 0]
    y = (np.arange(rows.start, rows.stop) + 0.5 - K[1, 2]) / K[1, 1]
    across = x[None, :, None] * rotation[0]
    down = y[:, None, None] * rotation[1]
    return (across + down + rotation[2]).astype(np.float32)


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
