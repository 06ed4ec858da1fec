"""Two models of the same photos, one aligned with the other."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from recon.poses.models.alignment import align

TURN = Rotation.from_euler("xyz", [20, -130, 75], degrees=True).as_matrix()
SCALE, SHIFT = 3.7, np.array([4.0, -9.0, 0.5])


def poses(centres: NDArray[np.float64], seed: int = 1) -> NDArray[np.float64]:
    """Camera-from-world poses at `centres`, looking anywhere."""
    turns = Rotation.random(len(centres), random_state=seed).as_matrix()
    return np.concatenate([turns, -np.einsum("nij,nj->ni", turns, centres)[:, :, None]], axis=2)


def moved(first: NDArray[np.float64], noise: float = 0.0) -> NDArray[np.float64]:
    """The same cameras in a world turned by TURN, SCALE times as large and shifted by SHIFT."""
    dice = np.random.default_rng(2)
    turns = first[:, :, :3] @ TURN.T
    turns = Rotation.from_rotvec(dice.normal(0, noise, (len(first), 3))).as_matrix() @ turns
    centres = -np.einsum("nji,nj->ni", first[:, :, :3], first[:, :, 3])
    there = SCALE * centres @ TURN.T + SHIFT + dice.normal(0, noise * SCALE, centres.shape)
    return np.concatenate([turns, -np.einsum("nij,nj->ni", turns, there)[:, :, None]], axis=2)


def around(count: int, seed: int = 3) -> NDArray[np.float64]:
    return np.random.default_rng(seed).normal(size=(count, 3))


@pytest.mark.parametrize("count", [3, 4, 20])
def test_a_turned_scaled_and_shifted_world_is_found(count: int) -> None:
    first = poses(around(count))
    found = align(first, moved(first))
    assert found is not None
    assert found.scale == pytest.approx(SCALE)
    assert found.rotation == pytest.approx(TURN)
    assert found.translation == pytest.approx(SHIFT)
    assert found.apply(np.eye(3)) == pytest.approx(SCALE * TURN.T + SHIFT)


def test_cameras_in_one_line_are_enough() -> None:
    """Their centres alone would leave the rotation about the line undetermined."""
    first = poses(np.outer(np.arange(5.0), [1.0, 2.0, -1.0]))
    found = align(first, moved(first))
    assert found is not None
    assert found.rotation == pytest.approx(TURN)


def test_one_photo_that_a_model_has_wrong_does_not_matter() -> None:
    first = poses(around(9))
    second = moved(first, noise=0.002)
    second[4] = poses(np.array([[50.0, 3.0, -20.0]]), seed=9)[0]
    found = align(first, second)
    assert found is not None
    assert found.scale == pytest.approx(SCALE, rel=0.01)
    assert found.rotation == pytest.approx(TURN, abs=0.01)


@pytest.mark.parametrize("why", ["two photos", "one place", "another place", "mirrored"])
def test_where_there_is_none_it_says_so(why: str) -> None:
    first = poses(around(8))
    second = moved(first)
    if why == "two photos":
        first, second = first[:2], second[:2]
    elif why == "one place":
        first = poses(np.ones((8, 3)))
    elif why == "another place":
        second = poses(around(8, seed=5), seed=6)
    else:
        second = moved(poses(-around(8)))
    assert align(first, second) is None
