"""The last touch on a model: where wrong matches count for little, and a lens may bend twice.

Mappers weigh every observation alike, so that a wrong match which passed all filters pulls at its
photo, and give an ordinary lens one radial term. A loss that grows slowly (Cauchy) and a second
term bring the poses nearer to the truth on most sets, and bend the model on some with few points.
So each is kept only if it predicts observations better that it was not fitted to.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from recon.poses.cameras import ORDINARY_MODEL
from recon.poses.models.adjustment import adjust
from recon.poses.models.left_out import Comparison, LeftOut, leave_out, prediction_errors
from recon.poses.native import camera_of, colmap
from recon.reporting import Progress

if TYPE_CHECKING:
    from pycolmap import Reconstruction

_ENOUGH = 100  # left-out observations that are enough to tell
_MOST_POINTS = 3000  # that a comparison looks at: more take longer and say the same
_ROUNDS = 5  # of adjusting and taking outliers out, at most
_STANDS_STILL = 0.0005  # of the observations; when fewer are taken out, another round adds nothing

# What COLMAP's mappers require of a point.
_MAX_ERROR = 4.0  # px
_MIN_ANGLE = 1.5  # degrees


@dataclass(frozen=True)
class Polish:
    """What became of a model."""

    model: Reconstruction  # the one given, where nothing was kept
    robust: Comparison | None  # None where too few observations can be left out to tell
    second_term: Comparison | None  # None where no lens is an ordinary one, too

    @property
    def log_lines(self) -> list[str]:
        tried = {"a robust loss": self.robust, "a second radial term": self.second_term}
        return [
            f"{what}: {'kept' if comparison.favours_after else 'not kept'}, {comparison.in_words}"
            for what, comparison in tried.items()
            if comparison is not None
        ]


def polish(model: Reconstruction, focal_priors: Mapping[str, float], report: Progress) -> Polish:
    """`model`, better adjusted where that predicts left-out observations better.

    The pycolmap reconstruction given is not changed. Photos keep their ids, keypoints and cameras;
    points that come to lie apart from where they were seen are taken out. Cameras at the focal
    length that `focal_priors` gives for their photos (px, by name) were held there, and still are.
    """
    trial = _thinned(model)
    left_out = leave_out(trial)
    if len(left_out) < _ENOUGH:
        return Polish(model, None, None)
    held = _held(model, focal_priors)
    report(0.0, "comparing_cameras")
    plain, robust = copy.deepcopy(trial), trial
    adjust(plain, lenses=True, robust=False, held=held)
    adjust(robust, lenses=True, held=held)
    by_loss = _compare(plain, robust, left_out)
    is_robust = by_loss.favours_after
    report(0.4, "comparing_cameras")
    by_term = _with_second_term(robust if is_robust else plain, left_out, held, robust=is_robust)
    bends_twice = by_term is not None and by_term.favours_after
    if not (is_robust or bends_twice):
        return Polish(model, by_loss, by_term)
    report(0.7, "refining_cameras")
    polished = copy.deepcopy(model)
    if bends_twice:
        _give_second_term(polished, held)
    _settle(polished, held, robust=is_robust)
    return Polish(polished, by_loss, by_term)


def _thinned(model: Reconstruction) -> Reconstruction:
    """A copy with some of the points."""
    copied = copy.deepcopy(model)
    step = -(-len(model.points3D) // _MOST_POINTS)
    for number, point_id in enumerate(sorted(model.points3D)):
        if number % step:
            copied.delete_point3D(point_id)
    return copied


def _held(model: Reconstruction, focal_priors: Mapping[str, float]) -> frozenset[int]:
    """Ids of the cameras whose focal length is what the metadata say: adjusted ones never are."""
    cameras = {
        image.name: camera_of(image) for image in (model.image(i) for i in model.reg_image_ids())
    }
    return frozenset(
        camera.camera_id
        for name, camera in cameras.items()
        if math.isclose(camera.mean_focal_length(), focal_priors.get(name, 0.0), rel_tol=1e-6)
    )


def _compare(
    before: Reconstruction, after: Reconstruction, left_out: Sequence[LeftOut]
) -> Comparison:
    return Comparison(prediction_errors(before, left_out), prediction_errors(after, left_out))


def _with_second_term(
    model: Reconstruction, left_out: Sequence[LeftOut], held: Collection[int], *, robust: bool
) -> Comparison | None:
    """What a second radial term brings `model`; None where no camera can have one."""
    bent = copy.deepcopy(model)
    if not _give_second_term(bent, held):
        return None
    adjust(bent, lenses=True, robust=robust, held=held)
    return _compare(model, bent, left_out)


def _give_second_term(model: Reconstruction, held: Collection[int]) -> int:
    """Makes ordinary cameras of `model` RADIAL ones with the same values; returns how many."""
    ordinary = [
        camera
        for camera in model.cameras.values()
        if camera.model_name == ORDINARY_MODEL and camera.camera_id not in held
    ]
    for camera in ordinary:
        values = [*camera.params, 0.0]
        camera.model = colmap().CameraModelId.RADIAL
        camera.params = values
    return len(ordinary)


def _settle(model: Reconstruction, held: Collection[int], *, robust: bool) -> None:
    """Adjusts and takes outliers out, until the points stand still."""
    for _ in range(_ROUNDS):
        adjust(model, lenses=True, robust=robust, held=held)
        observations = model.compute_num_observations()
        filtered = colmap().ObservationManager(model).filter_all_points3D(_MAX_ERROR, _MIN_ANGLE)
        if filtered <= _STANDS_STILL * observations:
            break
    model.update_point_3d_errors()
