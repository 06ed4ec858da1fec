"""Poses from the numbers in a file: a rotation and a translation, or none."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from recon.geometry import rotation_matrix

#: How far a matrix may be from a rotation, written with few digits; beyond, it is none.
_OFF = 0.01
_SHORTEST = 1e-6  # of a quaternion


def pose_from_quaternion(wxyz: ArrayLike, translation: ArrayLike) -> NDArray[np.float64]:
    """[3, 4] of a quaternion of about unit length and a translation. Raises ValueError."""
    values = np.concatenate([np.asarray(wxyz, float), np.asarray(translation, float)])
    if not np.isfinite(values).all() or np.linalg.norm(values[:4]) < _SHORTEST:
        raise ValueError(f"{values.tolist()} is no pose")
    return np.hstack([rotation_matrix(values[:4]), values[4:, None]])


def nearest_rotation(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """The rotation [3, 3] next to `matrix`. Raises ValueError where none is near."""
    u, stretch, vt = np.linalg.svd(matrix)
    rotation: NDArray[np.float64] = u @ vt
    if np.abs(stretch - 1).max() > _OFF or np.linalg.det(rotation) < 0:
        raise ValueError(f"{matrix.tolist()} is no rotation")
    return rotation
