"""How well a model predicts observations that it was not fitted to.

More freedom fits every set of photos better, and so does a bent model. What tells is where points
were seen that the adjustment didn't know of.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from recon.poses.native import camera_of, colmap

if TYPE_CHECKING:
    from pycolmap import Reconstruction

#: Of the observations of each photo, every so many is left out.
_EVERY = 10
#: A point still has two observations without the one left out.
_LONG_TRACK = 3


@dataclass(frozen=True)
class LeftOut:
    """An observation of a point that others are left of."""

    image_id: int
    xy: NDArray[np.float64]  # px, [2]
    others: tuple[tuple[int, NDArray[np.float64]], ...]  # image id and px of the point's others


@dataclass(frozen=True)
class Comparison:
    """Two models of the same photos, and where each predicts the same left-out observations."""

    before: NDArray[np.float64]  # px off, [N]
    after: NDArray[np.float64]  # px off, [N]

    @property
    def favours_after(self) -> bool:
        """Whether more of them are nearer than chance makes so (two standard deviations of a coin's
        throws), and the median with them."""
        differ = int((self.after != self.before).sum())
        nearer = int((self.after < self.before).sum())
        lower = float(np.median(self.after)) < float(np.median(self.before))
        return lower and nearer > differ / 2 + math.sqrt(differ)

    @property
    def in_words(self) -> str:
        nearer = int((self.after < self.before).sum())
        return (
            f"{nearer} of {len(self.after)} left-out observations are nearer, in the median "
            f"{np.median(self.after):.2f} px off instead of {np.median(self.before):.2f} px"
        )


def leave_out(model: Reconstruction) -> list[LeftOut]:
    """Takes every tenth observation of each photo out of the pycolmap reconstruction `model`, in
    place; of one point never two, and only of points that two others see."""
    found: list[LeftOut] = []
    touched: set[int] = set()
    for image_id in sorted(model.reg_image_ids()):
        image = model.image(image_id)
        seen = [
            (keypoint, point.point3D_id)
            for keypoint, point in enumerate(image.points2D)
            if point.has_point3D()
            and model.points3D[point.point3D_id].track.length() >= _LONG_TRACK
        ]
        for keypoint, point_id in seen[::_EVERY]:
            if point_id in touched:
                continue
            touched.add(point_id)
            xy = image.points2D[keypoint].xy.copy()
            model.delete_observation(image_id, keypoint)
            found.append(LeftOut(image_id, xy, _seen_by(model, point_id)))
    return found


def _seen_by(model: Reconstruction, point_id: int) -> tuple[tuple[int, NDArray[np.float64]], ...]:
    elements = model.points3D[point_id].track.elements
    return tuple(
        (e.image_id, model.image(e.image_id).points2D[e.point2D_idx].xy.copy()) for e in elements
    )


def prediction_errors(model: Reconstruction, left_out: Sequence[LeftOut]) -> NDArray[np.float64]:
    """px between where each was seen and where `model` expects it: [N], infinite where nowhere.

    The point is triangulated from its other observations with the model's cameras and poses, so
    that these alone are judged.
    """
    errors = np.full(len(left_out), np.inf)
    poses = {i: model.image(i).cam_from_world().matrix() for i in model.reg_image_ids()}
    for number, one in enumerate(left_out):
        rays = []
        for image_id, xy in one.others:
            ray = camera_of(model.image(image_id)).cam_from_img(xy)
            rays.append([np.inf, np.inf, 1.0] if ray is None else [*ray, 1.0])
        units = np.array(rays) / np.linalg.norm(rays, axis=1, keepdims=True)
        point = colmap().triangulate_multi_view_point([poses[i] for i, _ in one.others], units)
        expected = None if point is None else model.image(one.image_id).project_point(point)
        if expected is not None:
            errors[number] = float(np.linalg.norm(expected - one.xy))
    return errors
