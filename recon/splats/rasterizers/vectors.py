"""Vectors and matrices of three, as tuples, for the kernels.

Functions of other files are compiled into a kernel, whose cached machine code numba renews only
when the kernel's own file changes: only mathematics that stays true may be here.
"""

from __future__ import annotations

import numpy as np
from numba import njit

ONE, TWO = np.float32(1.0), np.float32(2.0)

#: As floats of 32 bits; what is called with 64 is computed with 64.
Float = np.float32
Vector = tuple[Float, Float, Float]
Matrix = tuple[Float, ...]  # row by row


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract"})
def rotation_of(w: Float, x: Float, y: Float, z: Float) -> Matrix:
    """The matrix of a unit quaternion, row by row."""
    return (
        ONE - TWO * (y * y + z * z), TWO * (x * y - w * z), TWO * (x * z + w * y),
        TWO * (x * y + w * z), ONE - TWO * (x * x + z * z), TWO * (y * z - w * x),
        TWO * (x * z - w * y), TWO * (y * z + w * x), ONE - TWO * (x * x + y * y),
    )  # fmt: skip


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract"})
def from_left(v: Vector, m: Matrix) -> Vector:
    """The row vector `v` times the matrix `m`."""
    return (
        v[0] * m[0] + v[1] * m[3] + v[2] * m[6],
        v[0] * m[1] + v[1] * m[4] + v[2] * m[7],
        v[0] * m[2] + v[1] * m[5] + v[2] * m[8],
    )


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract"})
def from_right(m: Matrix, v: Vector) -> Vector:
    """The matrix `m` times the column vector `v`."""
    return (
        m[0] * v[0] + m[1] * v[1] + m[2] * v[2],
        m[3] * v[0] + m[4] * v[1] + m[5] * v[2],
        m[6] * v[0] + m[7] * v[1] + m[8] * v[2],
    )


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract"})
def times(v: Vector, x: Float, y: Float, z: Float) -> Vector:
    return v[0] * x, v[1] * y, v[2] * z


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract"})
def plus(p: Float, a: Vector, q: Float, b: Vector) -> Vector:
    """p a + q b of two vectors."""
    return p * a[0] + q * b[0], p * a[1] + q * b[1], p * a[2] + q * b[2]


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract"})
def dot(a: Vector, b: Vector) -> Float:
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract"})
def cross(a: Vector, b: Vector) -> Vector:
    return a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]
