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

PHOTOS, POINTS = 8, 400
WIDTH, HEIGHT, FOCAL = 640, 480, 520.0
NOISE = 0.2  # px, of the observations


def quiet(fraction: float, code: str = "", /, **facts: Any) -> None:
    assert 0 <= fraction <= 1
    assert code


def reconstruction(
    shift: float, points: int = POINTS
) -> tuple[pycolmap.Reconstruction, np.ndarray]:
    """Photos of a deep cloud from a 2 x 4 grid, adjusted as COLMAP would with one camera, although
    their true principal points lie up to `shift` px off the middle."""
    rng = np.random.default_rng(4)
    cloud = rng.uniform((-3, -2.2, 4), (3, 2.2, 9), (points, 3))
    middles = np.array([WIDTH / 2, HEIGHT / 2]) + shift * rng.uniform(-1, 1, (PHOTOS, 2))
    model = pycolmap.Reconstruction()
    params = [FOCAL, WIDTH / 2, HEIGHT / 2, 0.01]
    camera = pycolmap.Camera(model="SIMPLE_RADIAL", width=WIDTH, height=HEIGHT, params=params)
    camera.camera_id = 1
    model.add_camera_with_trivial_rig(camera)
    seen = []
    for index in range(PHOTOS):
        place = np.array([index % 4 - 1.5, index // 4 - 0.5, 0.1 * index])
        pose = pycolmap.Rigid3d(pycolmap.Rotation3d(rng.normal(0, 0.03, 3)), -place)
        lens = pycolmap.Camera(camera.todict())
        lens.principal_point_x, lens.principal_point_y = middles[index]
        pixels = np.array(lens.img_from_cam(pose * cloud)) + rng.normal(0, NOISE, (points, 2))
        inside = ((pixels > 0) & (pixels < (WIDTH, HEIGHT))).all(axis=1).nonzero()[0]
        image = pycolmap.Image(
            name=f"{index}.jpg", keypoints=pixels[inside], camera_id=1, image_id=index + 1
        )
        model.add_image_with_trivial_frame(image, pose)
        seen.append({int(point): number for number, point in enumerate(inside)})
    for point in range(points):
        track = pycolmap.Track()
        for index, numbers in enumerate(seen):
            if point in numbers:
                track.add_element(index + 1, numbers[point])
        if track.length() >= 2:
            model.add_point3D(cloud[point], track, np.array([9, 99, 199], np.uint8))
    options = pycolmap.BundleAdjustmentOptions()
    options.print_summary = False
    pycolmap.bundle_adjustment(model, options)
    return model


def test_a_lens_that_moved_gets_a_principal_point_for_each_photo() -> None:
    model = reconstruction(shift=12.0)
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
    model = reconstruction(shift=12.0)
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
    model = reconstruction(shift=0.0)
    same, errors = refine(model, quiet)
    assert same is model
    assert errors is not None
    assert errors.own_error == pytest.approx(errors.shared_error, rel=0.15)


def test_too_few_observations_tell_nothing() -> None:
    model = reconstruction(shift=12.0, points=60)
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
    model = reconstruction(shift=12.0)
    colmap()  # the adjustment in there turned the log on
    capfd.readouterr()
    refine(model, quiet)
    assert capfd.readouterr() == ("", "")
    assert pycolmap.logging.minloglevel == pycolmap.logging.FATAL.value
