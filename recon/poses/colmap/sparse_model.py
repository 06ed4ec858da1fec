"""What can be shown of a COLMAP model: its points and cameras, read without pycolmap.

The web process draws them; loading a native library there, for three small files, would cost too
much.
Layout: https://colmap.github.io/format.html (binary). World axes and units are the model's.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from recon.geometry import rotation_matrix

#: Parameters of each camera model by its number, and whether the first two are fx and fy.
_MODELS = {
    0: (3, False), 1: (4, True), 2: (4, False), 3: (5, False), 4: (8, True), 5: (8, True),
    6: (12, True), 7: (5, True), 8: (4, False), 9: (5, False), 10: (12, True), 11: (16, True),
    12: (4, False), 13: (5, True), 14: (3, False), 15: (4, True), 16: (6, True),
}  # fmt: skip


@dataclass(frozen=True)
class RegisteredPhoto:
    """One registered photo: where it was taken from."""

    name: str
    rotation: NDArray[np.float64]  # [3, 3] world to camera; rows: right, down, forward
    position: NDArray[np.float64]  # [3] of the camera, in the world
    width: int  # px
    height: int  # px
    fy: float  # px


@dataclass(frozen=True)
class SparseModel:
    """Points and photos."""

    points: NDArray[np.float64]  # [P, 3]
    colours: NDArray[np.uint8]  # [P, 3] RGB
    seen: NDArray[np.int64]  # [P] photos that see each point
    photos: list[RegisteredPhoto]  # by name


def read_sparse(folder: Path) -> SparseModel:
    """The model in `folder`. Raises FileNotFoundError, and ValueError where it can't be read."""
    try:
        cameras = _read_cameras(folder / "cameras.bin")
        photos = _read_photos(folder / "images.bin", cameras)
        return SparseModel(*_read_points(folder / "points3D.bin"), photos)
    except (struct.error, KeyError) as error:
        raise ValueError(f"{folder} is no model that can be read") from error


def _read_cameras(path: Path) -> dict[int, tuple[int, int, float]]:
    """(width, height, fy) by camera number."""
    cameras = {}
    with path.open("rb") as file:
        for _ in range(_one(file, "<Q")):
            number, kind, width, height = _take(file, "<iiQQ")
            count, two_focals = _MODELS[kind]
            params = _take(file, f"<{count}d")
            cameras[number] = (width, height, params[1] if two_focals else params[0])
    return cameras


def _read_photos(path: Path, cameras: dict[int, tuple[int, int, float]]) -> list[RegisteredPhoto]:
    photos = []
    with path.open("rb") as file:
        for _ in range(_one(file, "<Q")):
            _, *pose, camera = _take(file, "<i7di")
            name = b""
            while (letter := file.read(1)) not in (b"\0", b""):
                name += letter
            file.seek(24 * _one(file, "<Q"), 1)  # its keypoints
            rotation = rotation_matrix(pose[:4])
            position = -rotation.T @ np.array(pose[4:])
            photos.append(RegisteredPhoto(name.decode(), rotation, position, *cameras[camera]))
    return sorted(photos, key=lambda photo: photo.name)


def _read_points(
    path: Path,
) -> tuple[NDArray[np.float64], NDArray[np.uint8], NDArray[np.int64]]:
    places, colours, seen = [], [], []
    with path.open("rb") as file:
        for _ in range(_one(file, "<Q")):
            _, x, y, z, red, green, blue, _, length = _take(file, "<Q3d3BdQ")
            file.seek(8 * length, 1)  # who sees it
            places.append((x, y, z))
            colours.append((red, green, blue))
            seen.append(length)
    shape = (len(places), 3)
    return (
        np.array(places, np.float64).reshape(shape),
        np.array(colours, np.uint8).reshape(shape),
        np.array(seen, np.int64),
    )


def _take(file: BinaryIO, form: str) -> tuple[Any, ...]:
    return struct.unpack(form, file.read(struct.calcsize(form)))


def _one(file: BinaryIO, form: str) -> int:
    return int(_take(file, form)[0])
