"""Photos taken from nearly one spot: bursts, a second try, a crop.

They differ a little, so they may both be in a scene. But one that is held out to be measured on is
no test where its neighbour was trained on, so that a split takes them together.
docs/POSES.md has the figures behind the limits.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recon.poses.native import colmap

#: Two cameras that are nearer to each other than this part of the depth of what both see stand on
#: one spot.
_SAME_SPOT = 0.015
#: They show the same where so large a part of what one sees lies in the other's picture.
_SAME_VIEW = 0.75

Array = NDArray[np.float64]


def shared(folder: Path) -> list[list[str]]:
    """The photos of the COLMAP model in `folder` that were taken from nearly one spot and show the
    same, by name, two or more a group; each with each, so that a slow walk is none.
    """
    model = colmap().Reconstruction(folder)
    images = sorted((model.images[i] for i in model.reg_image_ids()), key=lambda image: image.name)
    near = {
        frozenset((a.name, b.name))
        for a, b in combinations(images, 2)
        if _from_one_spot(model, a, b)
    }
    return cliques([image.name for image in images], near)


def cliques(names: Sequence[str], near: set[frozenset[str]]) -> list[list[str]]:
    """Groups of two or more of `names`, in their order, in which all pairs are `near`."""
    found: list[list[str]] = []
    for name in names:
        for group in found:
            if all(frozenset((name, other)) in near for other in group):
                group.append(name)
                break
        else:
            found.append([name])
    return [group for group in found if len(group) > 1]


def _from_one_spot(model: Any, a: Any, b: Any) -> bool:
    points = [_points(model, image) for image in (a, b)]
    if not all(len(seen) for seen in points):
        return False
    depth = min(float(np.median(_depths(*seen))) for seen in zip((a, b), points, strict=True))
    apart = float(np.linalg.norm(a.projection_center() - b.projection_center()))
    if apart > _SAME_SPOT * depth:
        return False
    return max(_inside(b, points[0]), _inside(a, points[1])) >= _SAME_VIEW


def _points(model: Any, image: Any) -> Array:
    """[P, 3]: what the image sees of the model."""
    ids = [point.point3D_id for point in image.get_observation_points2D()]
    return np.array([model.points3D[i].xyz for i in ids]).reshape(-1, 3)


def _depths(image: Any, points: Array) -> Array:
    matrix = image.cam_from_world().matrix()
    depths: Array = points @ matrix[2, :3] + matrix[2, 3]
    return depths


def _inside(image: Any, points: Array) -> float:
    """The part of `points` [P, 3] that lies in the image's picture, by its focal length alone."""
    matrix, camera = image.cam_from_world().matrix(), image.camera
    seen = points @ matrix[:, :3].T + matrix[:, 3]
    ahead = seen[:, 2] > 0
    xy = seen[ahead, :2] / seen[ahead, 2:] * camera.mean_focal_length()
    half = np.array([camera.width, camera.height]) / 2
    return float((np.abs(xy) <= half).all(axis=1).sum() / len(points))
