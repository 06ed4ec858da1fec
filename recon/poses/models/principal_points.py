"""Principal points per photo, where the observations call for them.

A stabilised lens or sensor, as most phones have, moves for every photo, and the principal point
moves with it: by up to 15 px of 706 in `fern`. With one point for all photos each pose is wrong by
what it needs to make up for that, about half a pixel at the borders, and no trained scene is
sharper than its poses (docs/develop/engine.md has the figures).

More parameters fit every set of photos better. So they are kept only if they better predict
observations that they were not fitted to.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from recon.poses.models.adjustment import adjust
from recon.poses.native import colmap
from recon.reporting import Progress

if TYPE_CHECKING:
    from pycolmap import Reconstruction

_LONG_TRACK = 4  # observations; such a track still has three without the one left out
_LEFT_OUT_EVERY = 3  # of the long tracks, one observation of each third is left out
_ENOUGH = 100  # left-out observations that are enough to tell
_BETTER = 0.85  # their median error must fall below this part
_MOST_SHIFT = 0.1  # of the longest side: no lens moves that far, only degenerate photos' do


@dataclass(frozen=True)
class LeftOutErrors:
    """What the left-out observations say."""

    left_out: int
    shared_error: float  # px, their median with one principal point per camera
    own_error: float  # px, with one per photo
    largest_shift: float  # px, of a photo's principal point from its camera's
    longest_side: int  # px, of the photos

    @property
    def favours_own(self) -> bool:
        """Whether each photo is to have a principal point of its own."""
        return (
            self.own_error <= _BETTER * self.shared_error
            and self.largest_shift <= _MOST_SHIFT * self.longest_side
        )

    @property
    def log_line(self) -> str:
        whose = "its own" if self.favours_own else "its camera's"
        return (
            f"each photo has {whose} principal point: "
            f"{self.left_out} left-out observations are off by {self.own_error:.2f} px in the "
            f"median with own ones (shifts up to {self.largest_shift:.1f} px), by "
            f"{self.shared_error:.2f} px with shared ones"
        )


@dataclass(frozen=True)
class _Seen:
    """One observation."""

    image_id: int
    keypoint: int  # its number in the image
    point_id: int


def refine(model: Reconstruction, report: Progress) -> tuple[Reconstruction, LeftOutErrors | None]:
    """`model` with a camera per photo, or itself where that predicts observations no better.

    The pycolmap reconstruction given is not changed. Photos keep their ids, keypoints and points;
    focal lengths and distortion stay shared in value. The errors are None where too few
    observations can be left out to tell.
    """
    trial = copy.deepcopy(model)
    left_out = _leave_out(trial)
    if len(left_out) < _ENOUGH:
        return model, None
    report(0.0, "comparing_cameras")
    adjust(trial, lenses=True)
    shared_error = _median_error(trial, left_out)
    trial = with_own_cameras(trial)
    report(0.3, "comparing_cameras")
    adjust(trial, lenses=False, principal_points=True)
    errors = LeftOutErrors(
        left_out=len(left_out),
        shared_error=shared_error,
        own_error=_median_error(trial, left_out),
        largest_shift=_largest_shift(trial, model),
        longest_side=max(max(c.width, c.height) for c in model.cameras.values()),
    )
    if not errors.favours_own:
        return model, errors
    _put_back(trial, left_out)
    report(0.6, "refining_cameras")
    adjust(trial, lenses=False, principal_points=True)
    trial.update_point_3d_errors()
    return trial, errors


def with_own_cameras(model: Reconstruction) -> Reconstruction:
    """A copy of the pycolmap reconstruction `model` in which each photo has a camera of its own,
    with the image's id and the values of the one it shared."""
    pycolmap = colmap()
    copied = pycolmap.Reconstruction()
    for image_id in sorted(model.reg_image_ids()):
        image = model.image(image_id)
        camera = copy.deepcopy(model.camera(image.camera_id))
        camera.camera_id = image_id
        copied.add_camera_with_trivial_rig(camera)
        keypoints = np.array([point.xy for point in image.points2D]).reshape(-1, 2)
        own = pycolmap.Image(
            name=image.name, keypoints=keypoints, camera_id=image_id, image_id=image_id
        )
        copied.add_image_with_trivial_frame(own, image.cam_from_world())
    for point_id, point in model.points3D.items():
        copied.add_point3D_with_id(point_id, point)
    return copied


def _leave_out(model: Reconstruction) -> list[_Seen]:
    """Takes one observation of every third long track out of `model`."""
    long = [i for i, point in sorted(model.points3D.items()) if point.track.length() >= _LONG_TRACK]
    left_out = []
    for number, point_id in enumerate(long[::_LEFT_OUT_EVERY]):
        elements = model.points3D[point_id].track.elements
        element = elements[number % len(elements)]
        left_out.append(_Seen(element.image_id, element.point2D_idx, point_id))
        model.delete_observation(element.image_id, element.point2D_idx)
    return left_out


def _put_back(model: Reconstruction, left_out: Iterable[_Seen]) -> None:
    for seen in left_out:
        element = colmap().TrackElement(seen.image_id, seen.keypoint)
        model.add_observation(seen.point_id, element)


def _median_error(model: Reconstruction, left_out: Iterable[_Seen]) -> float:
    """px between where points were seen and where `model` has them."""
    errors: list[float] = []
    for seen in left_out:
        image = model.image(seen.image_id)
        expected = image.project_point(model.points3D[seen.point_id].xyz)
        found = image.points2D[seen.keypoint].xy
        errors.append(np.inf if expected is None else float(np.linalg.norm(expected - found)))
    return float(np.median(errors))


def _largest_shift(own: Reconstruction, shared: Reconstruction) -> float:
    """px between a photo's principal point in `own` and its camera's in `shared`."""
    return max(
        float(np.linalg.norm(_principal_point(own, i) - _principal_point(shared, i)))
        for i in own.reg_image_ids()
    )


def _principal_point(model: Reconstruction, image_id: int) -> NDArray[np.float64]:
    camera = model.camera(model.image(image_id).camera_id)
    return np.array([camera.principal_point_x, camera.principal_point_y])
