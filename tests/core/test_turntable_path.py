"""The path of the turntable video."""

import math

import numpy as np
import pytest
import torch

from recon.splats.gaussians import Camera
from recon.splats.turntable import shortest_way, turntable
from tests.core.tiny_scene import tiny_camera

LENS = tiny_camera(0, 64, 48)
ORIGIN = np.zeros(3)


def looking_at_the_middle(position: np.ndarray) -> Camera:
    """Upright, with the world's y down."""
    forward = -position / np.linalg.norm(position)
    right = np.cross([0.0, 1.0, 0.0], forward)
    right /= np.linalg.norm(right)
    rotation = np.stack([right, np.cross(forward, right), forward])
    viewmat = torch.eye(4)
    viewmat[:3, :3] = torch.from_numpy(rotation)
    viewmat[:3, 3] = torch.from_numpy(-rotation @ position)
    return Camera(viewmat, LENS.K, 64, 48)


def on_a_circle(count: int, degrees: float = 360.0, noise: float = 0.0) -> list[Camera]:
    """Cameras on an arc of radius 4 at some height, in no particular order."""
    generator = np.random.default_rng(1)
    step = math.radians(degrees) / (count if degrees == 360 else count - 1)
    places = [
        np.array([4 * math.sin(i * step), -1.0, -4 * math.cos(i * step)]) for i in range(count)
    ]
    places = [place + generator.normal(0, noise, 3) for place in places]
    return [looking_at_the_middle(places[i]) for i in generator.permutation(count)]


def positions(path: list[Camera]) -> np.ndarray:
    return np.array([camera.position.numpy() for camera in path], float)


def angles(path: list[Camera]) -> np.ndarray:
    """Degrees around the world's y, without jumps at 360."""
    x, _, z = positions(path).T
    return np.degrees(np.unwrap(np.arctan2(x, -z)))


def test_photos_all_around_make_one_round() -> None:
    path = turntable(on_a_circle(12), ORIGIN, LENS, 120)
    turned = angles([*path, path[0]])
    assert abs(turned[-1] - turned[0]) == pytest.approx(360, abs=1)
    assert np.abs(np.diff(turned)).max() < 2 * 360 / 120


def test_photos_on_an_arc_make_a_way_there_and_back() -> None:
    path = turntable(on_a_circle(9, degrees=120), ORIGIN, LENS, 120)
    turned = angles(path)
    assert turned.max() - turned.min() == pytest.approx(120, abs=8)
    np.testing.assert_allclose(positions(path)[1:], positions(path)[:0:-1], atol=1e-5)


def test_the_end_runs_into_the_beginning() -> None:
    for cameras in (on_a_circle(12), on_a_circle(9, degrees=120)):
        path = positions(turntable(cameras, ORIGIN, LENS, 120))
        steps = np.linalg.norm(np.diff(np.vstack([path, path[:1]]), axis=0), axis=1)
        assert steps[-1] <= steps.max()


def test_a_hand_that_shakes_is_not_seen() -> None:
    """The second difference is the jerk that one sees; the photos' own is ten times as large."""
    steady = positions(turntable(on_a_circle(20), ORIGIN, LENS, 210))
    shaken = positions(turntable(on_a_circle(20, noise=0.1), ORIGIN, LENS, 210))
    jerks = [np.linalg.norm(np.diff(p, n=2, axis=0), axis=1).max() for p in (steady, shaken)]
    assert jerks[1] < 3 * jerks[0]


def test_the_path_stays_near_the_photos() -> None:
    cameras = on_a_circle(12)
    places = positions(cameras)
    for place in positions(turntable(cameras, ORIGIN, LENS, 120)):
        assert np.linalg.norm(places - place, axis=1).min() < 1.3  # they are 2.1 apart


def test_every_frame_looks_at_the_middle_and_stands_upright() -> None:
    for camera in turntable(on_a_circle(12), ORIGIN, LENS, 60):
        rotation = camera.viewmat[:3, :3].double()
        torch.testing.assert_close(rotation @ rotation.T, torch.eye(3).double(), atol=1e-6, rtol=0)
        assert torch.det(rotation) == pytest.approx(1)
        middle = camera.viewmat[:3, 3]  # where the world's origin is seen
        assert middle[2] > 3
        assert middle[:2].norm() / middle[2] < 0.05
        assert abs(rotation[0, 1]) < 0.02, "no roll"


def test_frames_have_the_lens_with_its_principal_point_in_the_middle() -> None:
    K = LENS.K.clone()
    K[0, 2] += 7
    shifted = Camera(LENS.viewmat, K, 64, 48)
    for camera in turntable(on_a_circle(5), ORIGIN, shifted, 10):
        assert (camera.width, camera.height) == (64, 48)
        assert camera.K[:2, 2].tolist() == [32, 24]
        assert camera.K[0, 0] == LENS.K[0, 0]


@pytest.mark.parametrize("count", [1, 2, 3])
def test_few_photos_are_enough(count: int) -> None:
    cameras = [looking_at_the_middle(np.array([0.3 * i, 0.0, -4.0])) for i in range(count)]
    path = turntable(cameras, ORIGIN, LENS, 24)
    assert len(path) == 24
    assert np.isfinite(positions(path)).all()


def test_the_way_is_short() -> None:
    places = np.array([[x, y] for x in range(4) for y in range(3)], float)
    places = places[np.random.default_rng(0).permutation(12)]
    costs = np.linalg.norm(places[:, None] - places, axis=2)
    way = shortest_way(costs)
    assert sorted(way) == list(range(12))
    assert costs[way[:-1], way[1:]].sum() == pytest.approx(11)  # each step to a neighbour
