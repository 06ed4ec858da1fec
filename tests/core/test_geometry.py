"""Quaternions are (w, x, y, z), and mean what COLMAP means by them."""

from __future__ import annotations

import numpy as np
import pycolmap
import pytest

from recon.geometry import quaternion, rotation_matrix


def test_a_quaternion_turns_as_pycolmap_says() -> None:
    wxyz = np.array([0.3, -0.5, 0.7, 0.2])
    xyzw = np.roll(wxyz, -1) / np.linalg.norm(wxyz)
    np.testing.assert_allclose(rotation_matrix(wxyz), pycolmap.Rotation3d(xyzw).matrix())


def test_a_quarter_turn_about_z_carries_x_to_y() -> None:
    turned = rotation_matrix([1.0, 0.0, 0.0, 1.0]) @ [1.0, 0.0, 0.0]
    np.testing.assert_allclose(turned, [0.0, 1.0, 0.0], atol=1e-15)


@pytest.mark.parametrize("seed", range(5))
def test_a_rotation_comes_back_from_its_quaternion(seed: int) -> None:
    wxyz = np.random.default_rng(seed).normal(size=4)
    back = quaternion(rotation_matrix(wxyz))
    assert back[0] >= 0
    assert abs(back @ wxyz) / np.linalg.norm(wxyz) == pytest.approx(1.0)


def test_half_a_turn_has_its_quaternion_too() -> None:
    np.testing.assert_allclose(np.abs(quaternion(np.diag([1.0, -1.0, -1.0]))), [0, 1, 0, 0])
