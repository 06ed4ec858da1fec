"""The sample photos are as described, and the poses found from them are the true ones."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from recon.pipeline.config import PreflightConfig
from recon.pipeline.photos.prepare import prepare
from recon.samples import SamplePhoto, pose_errors, read_poses, write_photos
from recon.samples import photos as photographer
from tests.photos import PROJECT
from tests.reconstruction import PHOTO_SIZE, FinishedRun

pytestmark = pytest.mark.slow

MAX_ANGLE = 0.2  # degrees
MAX_OFFSET = 0.005  # of the scene's size


@pytest.mark.reconstruction
def test_the_recovered_poses_are_the_true_ones(finished_run: FinishedRun) -> None:
    import pycolmap

    model = pycolmap.Reconstruction(finished_run.workspace.sparse)
    found = {image.name: image.cam_from_world().matrix() for image in model.images.values()}
    truth = {photo.name: photo.cam_from_world for photo in finished_run.truth}
    assert found.keys() == truth.keys()
    errors = pose_errors(found, truth)
    assert errors.median_rotation < MAX_ANGLE
    assert errors.median_position < MAX_OFFSET


@pytest.mark.reconstruction
def test_the_recovered_focal_length_is_the_true_one(finished_run: FinishedRun) -> None:
    import pycolmap

    model = pycolmap.Reconstruction(finished_run.workspace.sparse)
    [camera] = model.cameras.values()  # one camera for all twelve
    true_focal = photographer.intrinsics(PHOTO_SIZE)[0, 0]
    assert camera.mean_focal_length() == pytest.approx(true_focal, rel=0.02)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[SamplePhoto]]:
    """Two small photos and the truth about them."""
    folder = tmp_path_factory.mktemp("small")
    return folder, write_photos(folder, count=2, size=(320, 240))


@pytest.fixture(scope="module")
def commanded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The same photos, made by the command in its own process, and what it printed."""
    folder = tmp_path_factory.mktemp("commanded")
    done = subprocess.run(
        [sys.executable, "-m", "recon.samples", folder, "--count", "2", "--size", "320x240"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=True,
    )
    return folder, done.stdout


def test_the_photos_are_the_same_every_time(
    small: tuple[Path, list[SamplePhoto]], commanded: tuple[Path, str]
) -> None:
    folder, truth = small
    for photo in truth:
        assert (commanded[0] / photo.name).read_bytes() == (folder / photo.name).read_bytes()


def test_a_photo_shows_what_its_pose_says(small: tuple[Path, list[SamplePhoto]]) -> None:
    """The red and white ball appears where its centre is projected to."""
    folder, truth = small
    for photo in truth:
        x, y, z = photo.K @ photo.cam_from_world @ np.array([0.62, -0.42, 0.36, 1.0])
        with Image.open(folder / photo.name) as picture:
            window = np.asarray(picture).astype(int)
        column, row = round(x / z), round(y / z)
        patch = window[row - 12 : row + 12, column - 12 : column + 12].reshape(-1, 3)
        reds = (patch[:, 0] > 130) & (patch[:, 1] < 110) & (patch[:, 2] < 110)
        whites = patch.min(axis=1) > 130
        assert reds.mean() + whites.mean() > 0.5


def test_every_pixel_shows_something_lit(small: tuple[Path, list[SamplePhoto]]) -> None:
    folder, truth = small
    for photo in truth:
        with Image.open(folder / photo.name) as picture:
            pixels = np.asarray(picture)
        assert pixels.mean() > 70
        assert pixels.std() > 30
        sky = np.all(np.abs(pixels.astype(int) - photographer.BACKGROUND) < 6, axis=-1)
        assert sky.mean() < 0.001


def test_the_focal_length_is_in_the_photos(
    small: tuple[Path, list[SamplePhoto]], tmp_path: Path
) -> None:
    folder, [photo, _] = small
    prepared = prepare(folder / photo.name, tmp_path, "a.jpg", PreflightConfig())
    assert prepared.focal == pytest.approx(photo.K[0, 0], rel=0.01)


def test_the_command_writes_the_asked_for_photos(commanded: tuple[Path, str]) -> None:
    folder, said = commanded
    assert said == f"2 photos in {folder}\n"
    names = ["photo_01.jpg", "photo_02.jpg"]
    assert [p.name for p in sorted(folder.iterdir())] == [*names, "poses.json"]
    assert sorted(read_poses(folder / "poses.json")) == names
    with Image.open(folder / names[0]) as photo:
        assert photo.size == (320, 240)
