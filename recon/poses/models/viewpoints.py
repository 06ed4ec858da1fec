"""Photos taken from nearly one spot: bursts, a second try, a crop.

They differ a little, so they may both be in a scene. But one that is held out to be measured on is
no test where its neighbour was trained on, so a split keeps them together.
docs/develop/poses.md has the figures behind the limits.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from recon.poses.native import camera_of, colmap

if TYPE_CHECKING:
    from pycolmap import Image, Reconstruction

#: Two cameras that are nearer to each other than this part of the depth of what both see stand on
#: one spot.
_SAME_SPOT = 0.015
#: How far apart the first and the last of a burst may be, as a multiple of that.
_BURST = 2.0
#: They show the same if this large a part of what one sees lies in the other's picture.
_SAME_VIEW = 0.75
#: A crop's middle is not its photo's, so that it seems to stand elsewhere. It is recognised by its
#: picture, moved and scaled as a whole, which misses the photo's by less than this part of the
#: longest side: nothing in it lies nearer than anything else, and no hand holds so still.
_SAME_PICTURE = 0.001
_COMMON = 20  # points from which on that says something

Array = NDArray[np.float64]


def find_shared_viewpoints(folder: Path) -> list[list[str]]:
    """The photos of the COLMAP model in `folder` that were taken from nearly one spot and show the
    same, by name, two or more a group. A slow walk is not one spot, and is split into several.
    """
    model = colmap().Reconstruction(folder)
    images = sorted((model.images[i] for i in model.reg_image_ids()), key=lambda image: image.name)
    apart = {frozenset((a.name, b.name)): _apart(model, a, b) for a, b in combinations(images, 2)}
    return group_by_spot([image.name for image in images], apart)


def group_by_spot(names: Sequence[str], apart: Mapping[frozenset[str], float]) -> list[list[str]]:
    """Groups of two or more of `names`, in their order: each is on the spot of another one of its
    group, and not far from any. `apart` are the distances of all pairs, see `_apart`."""
    found: list[list[str]] = []
    for name in names:
        for group in found:
            away = [apart[frozenset((name, other))] for other in group]
            if min(away) <= _SAME_SPOT and max(away) <= _BURST * _SAME_SPOT:
                group.append(name)
                break
        else:
            found.append([name])
    return [group for group in found if len(group) > 1]


def _apart(model: Reconstruction, a: Image, b: Image) -> float:
    """How far the cameras are from each other, as a part of the depth of what the nearer one sees;
    infinite for photos that show different things."""
    points = [_points(model, image) for image in (a, b)]
    if not all(len(seen) for seen in points):
        return float("inf")
    if max(_inside(b, points[0]), _inside(a, points[1])) < _SAME_VIEW:
        return float("inf")
    if _misfit(a, b) <= _SAME_PICTURE:
        return 0.0
    depth = min(float(np.median(_depths(*seen))) for seen in zip((a, b), points, strict=True))
    return float(np.linalg.norm(a.projection_center() - b.projection_center())) / depth


def _misfit(a: Image, b: Image) -> float:
    """How far one picture moved, turned and scaled as a whole misses what the other shows, in the
    median over common points, as a part of the longest side; infinite with few of them."""
    seen = {point.point3D_id: point.xy for point in b.get_observation_points2D()}
    common = [
        (point.xy, seen[point.point3D_id])
        for point in a.get_observation_points2D()
        if point.point3D_id in seen
    ]
    if len(common) < _COMMON:
        return float("inf")
    pairs = np.array(common)
    here, there = (pairs[:, side, 0] + 1j * pairs[:, side, 1] for side in (0, 1))
    fitted = np.linalg.lstsq(np.stack([here, np.ones_like(here)], axis=1), there)[0]
    misses = np.abs(here * fitted[0] + fitted[1] - there)
    return float(np.median(misses)) / max(camera_of(b).width, camera_of(b).height)


def _points(model: Reconstruction, image: Image) -> Array:
    """[P, 3]: what the image sees of the model."""
    ids = [point.point3D_id for point in image.get_observation_points2D()]
    return np.array([model.points3D[i].xyz for i in ids]).reshape(-1, 3)


def _depths(image: Image, points: Array) -> Array:
    matrix = image.cam_from_world().matrix()
    depths: Array = points @ matrix[2, :3] + matrix[2, 3]
    return depths


def _inside(image: Image, points: Array) -> float:
    """The part of `points` [P, 3] that lies in the image's picture, by its focal length alone."""
    matrix, camera = image.cam_from_world().matrix(), camera_of(image)
    seen = points @ matrix[:, :3].T + matrix[:, 3]
    ahead = seen[:, 2] > 0
    xy = seen[ahead, :2] / seen[ahead, 2:] * camera.mean_focal_length()
    half = np.array([camera.width, camera.height]) / 2
    return float((np.abs(xy) <= half).all(axis=1).sum() / len(points))
