"""Rotations as the whole core writes them.

A quaternion is (w, x, y, z), COLMAP's order and gsplat's; q and -q are the same rotation. Which
frames a rotation joins is said where it is stored; poses are camera-from-world.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def rotation_matrix(wxyz: ArrayLike) -> NDArray[np.float64]:
    """The rotation [3, 3] of a quaternion (w, x, y, z) of any length but 0."""
    w, x, y, z = np.asarray(wxyz, np.float64) / np.linalg.norm(wxyz)
    return np.array([
        [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
        [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
        [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
    ])  # fmt: skip


def quaternion(rotation: NDArray[np.float64]) -> NDArray[np.float64]:
    """(w, x, y, z) with w >= 0 of a rotation [3, 3]: the eigenvector of Bar-Itzhack (2000)."""
    (a, b, c), (d, e, f), (g, h, i) = rotation
    symmetric = np.array([
        [a + e + i, h - f, c - g, d - b],
        [h - f, a - e - i, b + d, c + g],
        [c - g, b + d, e - a - i, f + h],
        [d - b, c + g, f + h, i - a - e],
    ])  # fmt: skip
    wxyz: NDArray[np.float64] = np.linalg.eigh(symmetric)[1][:, -1]
    return -wxyz if wxyz[0] < 0 else wxyz
