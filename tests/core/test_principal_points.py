"""Principal points per photo: found where a lens moved, left alone where none did.

A photo's rotation makes up for most of a wrong principal point, so the points themselves can't be
tested; where the left-out observations land can.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pycolmap
import pytest

from recon.poses.models.principal_points import LeftOutErrors, refine
from recon.poses.native import colmap
from tests.core.cloud_model import NOISE, PHOTOS, cloud_model


def quiet(fraction: float, code: str = "", /, **facts: Any) -> None:
    assert 0 <= fraction <= 1
    assert code


def test_a_lens_that_moved_gets_a_principal_point_for_each_photo() -> None:
    model = cloud_model(shift=12.0)
    before = model.compute_mean_reprojection_error()
    better, errors = refine(model, quiet)
    assert errors is not None
    assert errors.own_error < 0.6 * errors.shared_error
    assert errors.own_error < 1.6 * NOISE  # about the best possible: the noise's own median is 1.2
    assert better.num_cameras() == PHOTOS
    assert better.compute_mean_reprojection_error() < 0.8 * before
    cameras = [better.camera(better.image(i).camera_id) for i in range(1, PHOTOS + 1)]
    assert len({(c.principal_point_x, c.principal_point_y) for c in cameras}) == PHOTOS
    assert len({c.focal_length for c in cameras}) == 1


def test_photos_points_and_keypoints_stay_as_they_were() -> None:
    model = cloud_model(shift=12.0)
    model.deregister_frame(model.image(3).frame_id)
    names = {model.image(i).name for i in model.reg_image_ids()}
    observations = model.compute_num_observations()
    better, _ = refine(model, quiet)
    assert {better.image(i).name for i in better.reg_image_ids()} == names
    assert better.compute_num_observations() == observations
    assert better.num_points3D() == model.num_points3D()
    assert model.num_cameras() == 1
    point = better.points3D[min(better.points3D)]
    assert point.color.tolist() == [9, 99, 199]
    element = point.track.elements[0]
    where = [m.image(element.image_id).points2D[element.point2D_idx].xy for m in (better, model)]
    assert np.array_equal(*where)


def test_a_lens_that_did_not_move_keeps_its_camera() -> None:
    model = cloud_model(shift=0.0)
    same, errors = refine(model, quiet)
    assert same is model
    assert errors is not None
    assert errors.own_error == pytest.approx(errors.shared_error, rel=0.15)


def test_too_few_observations_tell_nothing() -> None:
    model = cloud_model(shift=12.0, points=60)
    assert refine(model, quiet) == (model, None)


@pytest.mark.parametrize(
    ("own_error", "shift", "own"), [(0.8, 20.0, True), (0.9, 20.0, False), (0.1, 90.0, False)]
)
def test_own_ones_want_a_clear_gain_by_a_shift_that_a_lens_can_make(
    own_error: float, shift: float, own: bool
) -> None:
    errors = LeftOutErrors(200, 1.0, own_error, shift, longest_side=800)
    assert errors.favours_own == own
    whose = "its own" if own else "its camera's"
    assert f"each photo has {whose} principal point: 200 left-out" in errors.log_line


def test_colmap_says_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    model = cloud_model(shift=12.0)
    colmap()  # the adjustment in there turned the log on
    capfd.readouterr()
    refine(model, quiet)
    assert capfd.readouterr() == ("", "")
    assert pycolmap.logging.minloglevel == pycolmap.logging.FATAL.value
