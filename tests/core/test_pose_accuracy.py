"""The stages place rendered photos where they were taken: within 0.2° and 0.5% of the scene's size,
in the median, whatever the cameras are like. docs/develop/cameras.md says what is left."""

from __future__ import annotations

from typing import Any

import pycolmap
import pytest

from recon.pipeline.presets import PRESETS
from recon.pipeline.progress import ListReporter
from recon.pipeline.stages import features, mapping, matching, preflight, undistort
from recon.pipeline.workspace import Workspace
from recon.samples import PoseErrors, pose_errors, write_photos
from recon.samples.cameras import FULL_FRAME_DIAGONAL

pytestmark = pytest.mark.slow

SIZE = (480, 360)  # px; the diagonal is 600


def placed(workspace: Workspace, scene: str, count: int) -> tuple[PoseErrors, list[Any]]:
    """Errors of the poses found in rendered photos, all of which must be placed, and the cameras of
    the photos by name."""
    truth = write_photos(workspace.upload, count, SIZE, scene)
    for stage in (preflight, features, matching, mapping):
        stage.run(workspace, PRESETS["quick"], ListReporter())
    model = pycolmap.Reconstruction(workspace.sparse)
    images = {model.images[i].name: model.images[i] for i in model.reg_image_ids()}
    assert images.keys() == {photo.name for photo in truth}
    errors = pose_errors(
        {name: image.cam_from_world().matrix() for name, image in images.items()},
        {photo.name: photo.cam_from_world for photo in truth},
    )
    return errors, [model.cameras[images[name].camera_id] for name in sorted(images)]


def assert_exact(errors: PoseErrors) -> None:
    assert errors.median_rotation < 0.2
    assert errors.median_position < 0.005


def focal(focal_35mm: float) -> Any:
    return pytest.approx(focal_35mm / FULL_FRAME_DIAGONAL * 600, rel=0.01)


def test_photos_of_a_wall_are_placed_exactly(workspace: Workspace) -> None:
    errors, cameras = placed(workspace, "wall", 6)
    assert_exact(errors)
    assert {camera.model_name for camera in cameras} == {"SIMPLE_RADIAL"}


def test_two_zooms_in_one_set_are_placed_exactly(workspace: Workspace) -> None:
    errors, cameras = placed(workspace, "zooms", 8)
    assert_exact(errors)
    assert [camera.mean_focal_length() for camera in cameras] == [focal(24), focal(40)] * 4


def test_upright_and_lying_photos_in_one_set_are_placed_exactly(workspace: Workspace) -> None:
    errors, cameras = placed(workspace, "upright", 8)
    assert_exact(errors)
    assert [(camera.width, camera.height) for camera in cameras] == [(480, 360), (360, 480)] * 4
    assert [camera.mean_focal_length() for camera in cameras] == [focal(26)] * 8


def test_photos_through_a_lens_that_bends_strongly_are_placed_exactly_and_straightened(
    workspace: Workspace,
) -> None:
    errors, cameras = placed(workspace, "wide", 6)
    assert_exact(errors)
    assert {camera.model_name for camera in cameras} == {"OPENCV_FISHEYE"}
    undistort.run(workspace, PRESETS["quick"], ListReporter())
    straight = pycolmap.Reconstruction()
    straight.read_text(workspace.undistorted_sparse)
    assert {camera.model_name for camera in straight.cameras.values()} == {"PINHOLE"}
    assert straight.compute_mean_reprojection_error() < 0.5
    for camera in straight.cameras.values():  # somewhat larger: straightening needs more room
        assert SIZE[0] < camera.width < 1.6 * SIZE[0]
