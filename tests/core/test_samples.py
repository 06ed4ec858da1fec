"""The sample photos are what they say, and the poses found on them are the true ones."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from recon.pipeline.config import PreflightConfig
from recon.pipeline.prepared import prepare
from recon.samples import SamplePhoto, write_photos
from recon.samples import photos as photographer
from tests.photos import PROJECT
from tests.reconstruction import PHOTO_SIZE, FinishedRun

MAX_ANGLE = 1.0  # degrees
MAX_OFFSET = 0.02  # of the scene's size


def centres(poses: list[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Camera centres [P, 3] of cam_from_world matrices [3, 4]."""
    return np.stack([-pose[:, :3].T @ pose[:, 3] for pose in poses])


def umeyama(
    source: NDArray[np.float64], target: NDArray[np.float64]
) -> tuple[float, NDArray[np.float64], NDArray[np.float64]]:
    """Scale, rotation, translation that carry `source` [P, 3] onto `target` (Umeyama 1991)."""
    a, b = source - source.mean(0), target - target.mean(0)
    u, singular, vt = np.linalg.svd(b.T @ a / len(a))
    sign = np.diag([1, 1, np.sign(np.linalg.det(u @ vt))])
    rotation = u @ sign @ vt
    scale = float(np.trace(np.diag(singular) @ sign) / a.var(0).sum())
    return scale, rotation, target.mean(0) - scale * rotation @ source.mean(0)


@pytest.mark.reconstruction
def test_the_recovered_poses_are_the_true_ones(finished_run: FinishedRun) -> None:
    import pycolmap

    model = pycolmap.Reconstruction(finished_run.workspace.sparse)
    found = {image.name: image.cam_from_world().matrix() for image in model.images.values()}
    truth = {photo.name: photo.cam_from_world for photo in finished_run.truth}
    assert found.keys() == truth.keys()
    names = sorted(truth)
    true_centres = centres([truth[name] for name in names])
    scale, rotation, translation = umeyama(centres([found[n] for n in names]), true_centres)
    size = np.linalg.norm(np.ptp(true_centres, axis=0))
    for name, true_centre in zip(names, true_centres, strict=True):
        centre = scale * rotation @ centres([found[name]])[0] + translation
        assert np.linalg.norm(centre - true_centre) / size < MAX_OFFSET, name
        turn = found[name][:, :3] @ rotation.T @ truth[name][:, :3].T
        angle = np.degrees(np.arccos(np.clip((np.trace(turn) - 1) / 2, -1, 1)))
        assert angle < MAX_ANGLE, name


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


def test_the_photos_are_the_same_every_time(
    small: tuple[Path, list[SamplePhoto]], tmp_path: Path
) -> None:
    folder, truth = small
    write_photos(tmp_path, count=2, size=(320, 240))
    for photo in truth:
        assert (tmp_path / photo.name).read_bytes() == (folder / photo.name).read_bytes()


def test_a_photo_shows_what_its_pose_says(small: tuple[Path, list[SamplePhoto]]) -> None:
    """The red and white ball is where projecting its centre puts it."""
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


def test_the_command_writes_the_asked_for_photos(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "recon.samples", tmp_path, "--count", "2", "--size", "64x48"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == f"2 photos in {tmp_path}\n"
    assert [p.name for p in sorted(tmp_path.iterdir())] == ["photo_01.jpg", "photo_02.jpg"]
