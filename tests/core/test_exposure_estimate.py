"""Exposures from points that several photos show."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from recon.splats.exposure_estimate import estimate_exposures
from recon.splats.scene import View
from recon.splats.starting_points import SparsePoints
from recon.splats.triangulation import Tracks
from tests.core.tiny_scene import tiny_camera

Floats = NDArray[np.float64]
Scene = tuple[SparsePoints, list[Floats]]

WIDTH, HEIGHT, POINTS = 64, 48, 300
SIZES = np.tile([[WIDTH, HEIGHT]], (4, 1)).astype(float)


@pytest.fixture
def scene() -> Scene:
    """Points that four photos see in the same places, and those photos, exposed alike.

    Colours change slowly: a point's is the mean of a few pixels.
    """
    rng = np.random.default_rng(5)
    small = rng.uniform(0.25, 0.55, (6, 8, 3))
    picture = np.kron(small, np.ones((8, 8, 1)))
    spots = rng.uniform((2, 2), (WIDTH - 2, HEIGHT - 2), (POINTS, 2))
    tracks = Tracks(
        points=np.tile(np.arange(POINTS), 4),
        views=np.repeat(np.arange(4), POINTS),
        xys=np.tile(spots, (4, 1)),
    )
    return SparsePoints(tracks, rng.normal(size=(POINTS, 3))), [picture.copy() for _ in range(4)]


def views_of(pictures: list[Floats]) -> list[View]:
    bytes_of = [
        torch.from_numpy((picture.clip(0, 1) * 255).astype("uint8")) for picture in pictures
    ]
    return [View(f"{n}.jpg", tiny_camera(0), image) for n, image in enumerate(bytes_of)]


def gains(scene: Scene) -> Floats:
    sparse, pictures = scene
    maps = estimate_exposures(sparse, views_of(pictures), SIZES)
    assert maps.shape == (4, 3, 4)
    assert not maps[:, :, 3].any()
    return torch.diagonal(maps[:, :, :3], dim1=1, dim2=2).numpy()


def test_photos_exposed_alike_keep_the_scene_s_exposure(scene: Scene) -> None:
    np.testing.assert_allclose(gains(scene), 1.0, atol=0.002)


def test_photos_that_hardly_differ_are_exposed_alike(scene: Scene) -> None:
    for picture, gain in zip(scene[1], (1.01, 0.99, 1.0, 1.01), strict=True):
        picture *= gain
    assert (gains(scene) == 1).all()


def test_a_bright_a_dark_and_a_yellow_photo_are_found(scene: Scene) -> None:
    _, pictures = scene
    pictures[0] *= 1.5
    pictures[2] *= 0.6
    pictures[3] *= [1.1, 1.0, 0.7]
    found = gains(scene)
    expected = np.array([[1.5, 1.5, 1.5], [1, 1, 1], [0.6, 0.6, 0.6], [1.1, 1, 0.7]])
    expected /= np.median(expected, axis=0)  # the typical photo has the scene's exposure
    np.testing.assert_allclose(found, expected, rtol=0.04)


def test_somebody_who_walked_into_a_photo_changes_nothing(scene: Scene) -> None:
    _, pictures = scene
    pictures[1] *= 1.3
    pictures[1][:, :20] = [0.9, 0.3, 0.2]
    found = gains(scene)
    np.testing.assert_allclose(found[1] / found[0], 1.3, rtol=0.05)


def test_what_is_black_or_white_says_nothing(scene: Scene) -> None:
    _, pictures = scene
    pictures[2] *= 1.4
    pictures[2][:24] = 1.0  # burnt out
    found = gains(scene)
    np.testing.assert_allclose(found[2] / found[0], 1.4, rtol=0.04)


def test_photos_without_common_points_keep_the_scene_s_exposure(scene: Scene) -> None:
    _, pictures = scene
    none = Tracks(np.empty(0, np.int64), np.empty(0, np.int64), np.empty((0, 2)))
    maps = estimate_exposures(SparsePoints(none, np.empty((0, 3))), views_of(pictures), SIZES)
    torch.testing.assert_close(maps, torch.eye(3, 4).repeat(4, 1, 1))


def test_photos_may_be_shown_smaller_than_the_points_pixels_say(scene: Scene) -> None:
    sparse, pictures = scene
    pictures[0] *= 1.5
    large = SparsePoints(
        Tracks(sparse.tracks.points, sparse.tracks.views, sparse.tracks.xys * 3), sparse.xyz
    )
    maps = estimate_exposures(large, views_of(pictures), SIZES * 3)
    assert maps[0, 0, 0] / maps[1, 0, 0] == pytest.approx(1.5, rel=0.03)
