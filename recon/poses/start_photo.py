"""Which photo a scene starts from: the one that most of the others overlap, and whose middle is
the scene's.

Overlap: of what each other photo shows, the part that this one shows too, by their common points,
in the mean over the others. Middle: how far from the optical axis what all of them look at lies, in
halves of the picture. A photo that has it half-way to its edge counts half as much.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_HALF_AS_GOOD = 0.5  # of the way from the picture's middle to its edge
_FEW = 5  # points, where a quarter of what a photo sees are fewer


@dataclass(frozen=True)
class PlacedPhoto:
    """A registered photo and what it sees of the model."""

    rotation: Floats  # [3, 3] world to camera; rows: right, down, forward
    position: Floats  # [3] of the camera, in the world
    half: tuple[float, float]  # tangents of half the angles of view, across and down
    seen: NDArray[np.int64]  # rows of the points that it sees


def choose(photos: Sequence[PlacedPhoto], points: Floats) -> int:
    """The number of the photo to start from; `points` [P, 3] are the model's, in world units.

    Of equals the first. Where no two photos have a point in common, the one nearest to the middle
    of them all. Raises ValueError where there is no photo.
    """
    if not photos:
        raise ValueError("a scene needs a photo to start from")
    sees = np.zeros((len(photos), len(points)), bool)
    for row, photo in zip(sees, photos, strict=True):
        row[photo.seen] = True
    overlap = _overlap(sees)
    if not overlap.any():
        return _nearest_to_the_middle(photos)
    middle = _middle(photos, points)
    scores = [
        share / (1 + (_off_axis(photo, middle) / _HALF_AS_GOOD) ** 2)
        for share, photo in zip(overlap.tolist(), photos, strict=True)
    ]
    return scores.index(max(scores))


def _overlap(sees: NDArray[np.bool_]) -> Floats:
    """[V]: of what the others see, the part that each photo sees too; `sees` is [V, P]."""
    counts = sees.astype(np.float64)
    common = counts @ counts.T
    shares = common / np.maximum(common.diagonal(), 1)
    np.fill_diagonal(shares, 0)
    mean: Floats = shares.sum(axis=1) / max(len(sees) - 1, 1)
    return mean


def _middle(photos: Sequence[PlacedPhoto], points: Floats) -> Floats:
    """[3]: the median of what the photos look at.

    Not of all points: of a fox before a flowered wallpaper, that is the wallpaper's.
    """
    middle: Floats = np.median([_looked_at(photo, points) for photo in photos], axis=0)
    return middle


def _looked_at(photo: PlacedPhoto, points: Floats) -> Floats:
    """[3]: on the optical axis, as deep as the points are that lie around the picture's middle."""
    across, down, ahead = photo.rotation @ (points[photo.seen] - photo.position).T
    off_axis = np.hypot(across / photo.half[0], down / photo.half[1]) / np.maximum(ahead, 1e-9)
    depths = ahead[np.argsort(off_axis, kind="stable")[: max(len(ahead) // 4, _FEW)]]
    depth = float(np.median(depths)) if len(depths) else 0.0
    place: Floats = photo.position + depth * photo.rotation[2]
    return place


def _off_axis(photo: PlacedPhoto, point: Floats) -> float:
    """How far from the picture's middle `point` is, in halves of the picture: 1 at the edge."""
    across, down, ahead = photo.rotation @ (point - photo.position)
    if ahead <= 0:
        return math.inf
    return math.hypot(across / ahead / photo.half[0], down / ahead / photo.half[1])


def _nearest_to_the_middle(photos: Sequence[PlacedPhoto]) -> int:
    places = np.array([photo.position for photo in photos])
    distances = np.linalg.norm(places - np.median(places, axis=0), axis=1)
    return int(distances.argmin())
