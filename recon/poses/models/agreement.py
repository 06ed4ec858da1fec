"""Do the verified matches of each pair fit the model that was made of them?

Only those count that were found before the pair's geometry: guided matching finds others along the
very lines that they would have to fit, so that they say nothing against a wrong model.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from recon.poses.native import camera_of, colmap

if TYPE_CHECKING:
    from pycolmap import Database, Image, Reconstruction, TwoViewGeometry

#: A match fits where its Sampson error is no larger, px. COLMAP verifies pairs with 4.
_FITS = 6.0

#: Turns a match, two rows of keypoints, into one number.
_AS_ONE = np.array([1 << 32, 1])


@dataclass(frozen=True)
class Agreement:
    """One verified pair, both of whose photos are in the model."""

    image_a: int  # image ids of the model
    image_b: int
    matches: int
    fitting: int  # of the matches


def agreements(model: Reconstruction, database: Path) -> list[Agreement]:
    """How well the verified pairs of `database` fit the pycolmap reconstruction made from it."""
    rays = {i: _rays(model.image(i)) for i in model.reg_image_ids()}
    found = []
    with colmap().Database.open(database) as content:
        for pair_id, geometry in zip(*content.read_two_view_geometries(), strict=True):
            a, b = colmap().pair_id_to_image_pair(pair_id)
            if a not in rays or b not in rays:
                continue
            inliers = _unguided(content, a, b, geometry)
            if len(inliers):
                here, there = rays[a][inliers[:, 0]], rays[b][inliers[:, 1]]
                errors = _sampson(model.image(a), model.image(b), here, there)
                found.append(Agreement(a, b, len(inliers), int((errors <= _FITS).sum())))
    return found


def _unguided(content: Database, a: int, b: int, geometry: TwoViewGeometry) -> NDArray[np.intp]:
    """The verified matches [M, 2] that were found without knowing the geometry."""
    verified = np.array(geometry.inlier_matches, dtype=np.intp).reshape(-1, 2)
    if not content.exists_matches(a, b):
        return verified
    first = np.array(content.read_matches(a, b), dtype=np.intp).reshape(-1, 2)
    return verified[np.isin(verified @ _AS_ONE, first @ _AS_ONE)]


def _sampson(
    a: Image, b: Image, here: NDArray[np.float64], there: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The Sampson errors [M], px, of matches with the rays `here` and `there` [M, 3]."""
    b_from_a = (b.cam_from_world() * a.cam_from_world().inverse()).matrix()
    x, y, z = b_from_a[:, 3]
    essential = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]]) @ b_from_a[:, :3]
    to_there, to_here = here @ essential.T, there @ essential
    slopes = (to_there[:, :2] ** 2).sum(axis=1) + (to_here[:, :2] ** 2).sum(axis=1)
    off = np.abs((there * to_there).sum(axis=1)) / np.sqrt(np.maximum(slopes, 1e-18))
    focal = (camera_of(a).mean_focal_length() + camera_of(b).mean_focal_length()) / 2
    return np.nan_to_num(off * focal, nan=np.inf)


def _rays(image: Image) -> NDArray[np.float64]:
    """The rays (x, y, 1) of all keypoints in the image's camera: [K, 3]."""
    xy = np.array([point.xy for point in image.points2D]).reshape(-1, 2)
    rays = np.array(camera_of(image).cam_from_img(xy), dtype=float).reshape(-1, 2)
    return np.concatenate([rays, np.ones((len(rays), 1))], axis=1)
