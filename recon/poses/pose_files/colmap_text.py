"""Reads a COLMAP model's text files: https://colmap.github.io/format.html."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable, Iterator, Mapping
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from recon.poses.pose_files.camera_models import parameter_count
from recon.poses.pose_files.contents import (
    NO_POINTS,
    FileCamera,
    FilePhoto,
    FilePoints,
    PoseFile,
    PoseFileError,
)
from recon.poses.pose_files.rigid_poses import pose_from_quaternion

T = TypeVar("T")


def read_text_model(contents: Mapping[str, bytes]) -> PoseFile:
    """The model of these files; without points3D.txt it has no points. Raises PoseFileError."""
    cameras = _read(contents, "cameras.txt", _cameras)
    photos = _read(contents, "images.txt", lambda lines: _photos(lines, cameras))
    points = "points3D.txt"
    return PoseFile(photos, _read(contents, points, _points) if points in contents else NO_POINTS)


def _read(contents: Mapping[str, bytes], name: str, read: Callable[[Iterator[str]], T]) -> T:
    try:
        file = io.TextIOWrapper(io.BytesIO(contents[name]), encoding="utf-8", errors="replace")
        return read(line.strip() for line in file if not line.startswith("#"))
    except (ValueError, KeyError, IndexError, OverflowError) as error:
        raise PoseFileError("poses_unreadable", str(error), file=name) from error


def _cameras(lines: Iterator[str]) -> dict[int, FileCamera]:
    cameras = {}
    for line in lines:
        if not line:
            continue
        number, model, width, height, *params = line.split(maxsplit=40)
        if len(params) != parameter_count(model):
            raise ValueError(f"camera {number}, {model}, has {len(params)} parameters")
        values = tuple(float(value) for value in params)
        cameras[int(number)] = FileCamera(model, int(width), int(height), values)
    return cameras


def _photos(lines: Iterator[str], cameras: dict[int, FileCamera]) -> tuple[FilePhoto, ...]:
    """Two lines a photo: its pose, then its keypoints, of which there may be none."""
    photos = []
    for line in lines:
        if not line:
            continue
        fields = line.split(maxsplit=9)
        keypoints = _numbers(next(lines, "")).reshape(-1, 3)
        photos.append(
            FilePhoto(
                name=fields[9],
                camera=cameras[int(fields[8])],
                cam_from_world=pose_from_quaternion(
                    [float(value) for value in fields[1:5]],
                    [float(value) for value in fields[5:8]],
                ),
                xys=keypoints[:, :2],
                point_ids=keypoints[:, 2].astype(np.int64),
            )
        )
    return tuple(photos)


def _numbers(line: str) -> NDArray[np.float64]:
    """Of a line that may be very long: read without making a text of each. Raises ValueError."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", DeprecationWarning)
        try:
            return np.fromstring(line, np.float64, sep=" ")
        except DeprecationWarning as error:
            raise ValueError("a line of keypoints has something else in it") from error


def _points(lines: Iterator[str]) -> FilePoints:
    fields = [line.split(maxsplit=7)[:7] for line in lines if line]
    return FilePoints(
        np.array([int(point[0]) for point in fields], np.int64),
        np.array([[float(value) for value in point[1:4]] for point in fields]).reshape(-1, 3),
        np.array([[int(value) for value in point[4:7]] for point in fields], np.uint8).reshape(
            -1, 3
        ),
    )
