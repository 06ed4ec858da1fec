"""Where photographers stand and look: cam_from_world matrices [3, 4], metres.

A walk is a function of a photo's number and of how many there are. Hands shake: heights, aims and
the horizon vary from photo to photo, the same every time.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Pose = NDArray[np.float64]
Walk = Callable[[int, int], Pose]
Place = tuple[float, float, float]


def look_at(eye: NDArray[np.float64], target: NDArray[np.float64], roll: float = 0.0) -> Pose:
    """A camera at `eye` that looks at `target`, level but for `roll` (degrees)."""
    forward = (target - eye) / np.linalg.norm(target - eye)
    right = np.cross(forward, [0, 0, 1])
    right /= np.linalg.norm(right)
    down = np.cross(forward, right)
    turn = np.radians(roll)
    right, down = (
        np.cos(turn) * right + np.sin(turn) * down,
        np.cos(turn) * down - np.sin(turn) * right,
    )
    rotation = np.stack([right, down, forward])
    return np.hstack([rotation, -(rotation @ eye)[:, None]])


def ring(centre: Place, distance: float, sweep: float = 360.0) -> Walk:
    """Around a thing, by turns from a little above and from higher up."""

    def pose(index: int, count: int) -> Pose:
        steps = count if sweep >= 360 else max(count - 1, 1)
        angle = np.radians(index / steps * sweep)
        rise = np.radians(24 + 11 * (index % 2) + 3 * np.sin(index * 2.3))
        out = [np.sin(angle) * np.cos(rise), -np.cos(angle) * np.cos(rise), np.sin(rise)]
        eye = np.array(centre) + distance * (1 + 0.06 * np.cos(index * 1.7)) * np.array(out)
        return look_at(eye, np.array(centre) + _shake(index, 0.02), 3 * np.sin(index * 1.9))

    return pose


def front(centre: Place, distance: float, spread: float) -> Walk:
    """Side by side before a wall (in the direction +y), in rows of three, all looking ahead."""

    def pose(index: int, count: int) -> Pose:
        rows = -(-count // 3)
        column, row = index % 3 - 1.0, index // 3 - (rows - 1) / 2
        beside = np.array([column * spread, -distance, row * spread * 0.8])
        eye = np.array(centre) + beside + _shake(index, 0.12 * spread)
        ahead = np.array([0.4 * beside[0], 0.0, 0.4 * beside[2]])
        return look_at(eye, np.array(centre) + ahead, 2 * np.sin(index * 1.9))

    return pose


def arc(centre: Place, distance: float, sweep: float) -> Walk:
    """Half around what lies in the direction +y, at the heights of standing and of crouching."""

    def pose(index: int, count: int) -> Pose:
        angle = np.radians((index / max(count - 1, 1) - 0.5) * sweep)
        away = distance * (1 + 0.1 * np.cos(index * 1.7))
        height = 1.25 + 0.4 * (index % 2) + 0.1 * np.sin(index * 2.1)
        eye = np.array(centre) + np.array([away * np.sin(angle), -away * np.cos(angle), 0.0])
        eye[2] = height
        return look_at(eye, np.array(centre) + _shake(index, 0.08), 2 * np.sin(index * 1.3))

    return pose


def turn(eye: Place, sweep: float) -> Walk:
    """On the spot, about +y: a panorama, which has no baseline and so no depth."""

    def pose(index: int, count: int) -> Pose:
        angle = np.radians((index / max(count - 1, 1) - 0.5) * sweep)
        aim = np.array([np.sin(angle), np.cos(angle), -0.08 + 0.04 * (index % 2)])
        return look_at(np.array(eye), np.array(eye) + aim)

    return pose


def _shake(index: int, size: float) -> NDArray[np.float64]:
    """A vector of about `size` metres, another for every photo."""
    return size * np.array([np.sin(index * 1.3), np.cos(index * 2.9), np.cos(index * 0.9)])
