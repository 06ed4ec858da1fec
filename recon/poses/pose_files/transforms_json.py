"""Reads nerfstudio's transforms.json (and instant-ngp's, whose form it took over).

https://docs.nerf.studio/quickstart/data_conventions.html: `transform_matrix` is world-from-camera
with OpenGL's camera axes (x right, y up, z backward). `applied_transform` leads from the world in
which COLMAP had the cameras to the file's: it is taken back, so that the scene lies where COLMAP
put it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recon.poses.pose_files.contents import FileCamera, FilePhoto, PoseFile, PoseFileError
from recon.poses.pose_files.rigid_poses import nearest_rotation

_OPENCV_FROM_OPENGL = np.diag([1.0, -1.0, -1.0])
_MOST_BYTES = 8 * 2**20  # some thousand photos: JSON takes many times its size in memory

_STRAIGHT = ("SIMPLE_PINHOLE", "PINHOLE", "SIMPLE_RADIAL", "RADIAL", "OPENCV", "FULL_OPENCV")
_FISHEYE = ("OPENCV_FISHEYE", "SIMPLE_RADIAL_FISHEYE", "RADIAL_FISHEYE")


def read_transforms(written: bytes, name: str) -> PoseFile:
    """The photos of the file called `name`, without points. Raises PoseFileError."""
    if len(written) > _MOST_BYTES:
        raise PoseFileError("poses_too_large", limit_mb=_MOST_BYTES // 2**20)
    try:
        content = json.loads(written)
        frames = content["frames"]
        world_from_file = _undo(content)
        photos = [_photo({**content, **frame}, world_from_file) for frame in frames]
    except KeyError as error:
        raise PoseFileError("poses_unreadable", f"{error} is missing", file=name) from error
    except (ValueError, TypeError, AttributeError, RecursionError, OverflowError) as error:
        raise PoseFileError("poses_unreadable", str(error), file=name) from error
    return PoseFile(tuple(photos))


def _undo(content: Mapping[str, Any]) -> NDArray[np.float64]:
    """[4, 4]: from the file's world to the one that the cameras were found in."""
    applied = np.eye(4)
    if "applied_transform" in content:
        applied[:3] = _matrix(content["applied_transform"])[:3]
    applied[:3] *= _number(content, "applied_scale", 1.0)
    size = np.cbrt(np.linalg.det(applied[:3, :3]))
    if not size > 0:
        raise ValueError("applied_transform can't be taken back")
    applied[:3, :3] = size * nearest_rotation(applied[:3, :3] / size)
    return np.asarray(np.linalg.inv(applied), np.float64)


def _photo(frame: Mapping[str, Any], world_from_file: NDArray[np.float64]) -> FilePhoto:
    world_from_camera = world_from_file @ _matrix(frame["transform_matrix"])
    turn = world_from_camera[:3, :3] / np.cbrt(np.linalg.det(world_from_file[:3, :3]))
    rotation = (nearest_rotation(turn) @ _OPENCV_FROM_OPENGL).T
    translation = -rotation @ world_from_camera[:3, 3]
    name = frame["file_path"]
    if not isinstance(name, str):
        raise TypeError("file_path is no text")
    return FilePhoto(name, _camera(frame), np.hstack([rotation, translation[:, None]]))


def _camera(frame: Mapping[str, Any]) -> FileCamera:
    width, height = int(_number(frame, "w")), int(_number(frame, "h"))
    fx = _number(frame, "fl_x") if "fl_x" in frame else _focal_of(frame, "camera_angle_x", width)
    fy = _number(frame, "fl_y", fx)
    straight = (fx, fy, _number(frame, "cx", width / 2), _number(frame, "cy", height / 2))
    k1, k2, k3, k4, p1, p2 = (
        _number(frame, name, 0.0) for name in ("k1", "k2", "k3", "k4", "p1", "p2")
    )
    model = str(frame.get("camera_model", "OPENCV"))
    if frame.get("is_fisheye") or model in _FISHEYE:
        return FileCamera("OPENCV_FISHEYE", width, height, (*straight, k1, k2, k3, k4))
    if model not in _STRAIGHT or k4:  # k4 of a straight lens has two meanings
        raise PoseFileError("poses_unknown_camera", lens=f"{model}, k4" if k4 else model)
    if k3:
        terms = (k1, k2, p1, p2, k3, 0.0, 0.0, 0.0)
        return FileCamera("FULL_OPENCV", width, height, (*straight, *terms))
    if k1 or k2 or p1 or p2:
        return FileCamera("OPENCV", width, height, (*straight, k1, k2, p1, p2))
    return FileCamera("PINHOLE", width, height, straight)


def _focal_of(frame: Mapping[str, Any], angle: str, pixels: int) -> float:
    """px, of the angle of view in radians."""
    return float(pixels / 2 / np.tan(_number(frame, angle) / 2))


def _number(frame: Mapping[str, Any], name: str, default: float | None = None) -> float:
    value = frame[name] if default is None else frame.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not np.isfinite(value):
        raise ValueError(f"{name} is {value!r}")
    return float(value)


def _matrix(rows: object) -> NDArray[np.float64]:
    """[4, 4] of three or four rows. Raises ValueError."""
    found = np.array(rows, np.float64)
    if found.shape not in ((3, 4), (4, 4)) or not np.isfinite(found).all():
        raise ValueError(f"{rows!r} is no transform")
    return np.vstack([found[:3], [0.0, 0.0, 0.0, 1.0]])
