"""Reads a COLMAP model's binary files: https://colmap.github.io/format.html.

Little-endian, no padding. Every count is compared with the bytes that are left before anything is
made of it.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from recon.poses.pose_files.camera_models import MODEL_BY_NUMBER, parameter_count
from recon.poses.pose_files.contents import (
    NO_POINTS,
    FileCamera,
    FilePhoto,
    FilePoints,
    PoseFile,
    PoseFileError,
)
from recon.poses.pose_files.rigid_poses import pose_from_quaternion

_KEYPOINT = np.dtype([("xy", "<f8", 2), ("point_id", "<i8")])
_POINT = struct.Struct("<Q3d3BdQ")
_TRACK_ELEMENT = 8  # bytes: a photo's number and a keypoint's

T = TypeVar("T")


class _Reader:
    """Goes through a file's bytes. Raises struct.error where they end too soon."""

    def __init__(self, content: bytes) -> None:
        self._content, self._at = content, 0

    def take(self, form: str | struct.Struct) -> tuple[Any, ...]:
        layout = form if isinstance(form, struct.Struct) else struct.Struct(form)
        values = layout.unpack_from(self._content, self._at)
        self._at += layout.size
        return values

    def count(self, least_bytes: int) -> int:
        """A number of entries of so many bytes at least, all of which must still follow."""
        (number,) = self.take("<Q")
        if number * least_bytes > len(self._content) - self._at:
            raise struct.error(f"{number} entries are more than the file holds")
        return int(number)

    def text(self) -> str:
        """Up to the next NUL."""
        end = self._content.find(b"\0", self._at)
        if end < 0:
            raise struct.error("a name does not end")
        found = self._content[self._at : end].decode(errors="replace")
        self._at = end + 1
        return found

    def array(self, kind: np.dtype[Any], number: int) -> NDArray[Any]:
        found = np.frombuffer(self._content, kind, number, self._at)
        self._at += number * kind.itemsize
        return found

    def skip(self, number: int) -> None:
        if number > len(self._content) - self._at:
            raise struct.error("it ends too soon")
        self._at += number


def read_binary_model(contents: Mapping[str, bytes]) -> PoseFile:
    """The model of these files; without points3D.bin it has no points. Raises PoseFileError."""
    cameras = _read(contents, "cameras.bin", _cameras)
    photos = _read(contents, "images.bin", lambda reader: _photos(reader, cameras))
    points = "points3D.bin"
    return PoseFile(photos, _read(contents, points, _points) if points in contents else NO_POINTS)


def _read(contents: Mapping[str, bytes], name: str, read: Callable[[_Reader], T]) -> T:
    try:
        return read(_Reader(contents[name]))
    except (struct.error, ValueError, KeyError, OverflowError) as error:
        raise PoseFileError("poses_unreadable", str(error), file=name) from error


def _cameras(reader: _Reader) -> dict[int, FileCamera]:
    cameras = {}
    for _ in range(reader.count(24)):
        number, kind, width, height = reader.take("<iiQQ")
        model = MODEL_BY_NUMBER.get(kind)
        if model is None:
            raise PoseFileError("poses_unknown_camera", lens=f"#{kind}")
        params = reader.take(f"<{parameter_count(model)}d")
        cameras[number] = FileCamera(model, width, height, params)
    return cameras


def _photos(reader: _Reader, cameras: dict[int, FileCamera]) -> tuple[FilePhoto, ...]:
    photos = []
    for _ in range(reader.count(73)):
        _, *pose, camera = reader.take("<i7di")
        name = reader.text()
        keypoints = reader.array(_KEYPOINT, reader.count(_KEYPOINT.itemsize))
        cam_from_world = pose_from_quaternion(pose[:4], pose[4:])
        if camera not in cameras:
            raise ValueError(f"{name} is by camera {camera}, which there is not")
        photos.append(
            FilePhoto(name, cameras[camera], cam_from_world, keypoints["xy"], keypoints["point_id"])
        )
    return tuple(photos)


def _points(reader: _Reader) -> FilePoints:
    ids, xyz, rgb = [], [], []
    for _ in range(reader.count(_POINT.size)):
        number, x, y, z, red, green, blue, _, length = reader.take(_POINT)
        reader.skip(length * _TRACK_ELEMENT)  # the photos say who sees it
        ids.append(number)
        xyz.append((x, y, z))
        rgb.append((red, green, blue))
    return FilePoints(
        np.array(ids, np.uint64).astype(np.int64),
        np.array(xyz, np.float64).reshape(-1, 3),
        np.array(rgb, np.uint8).reshape(-1, 3),
    )
