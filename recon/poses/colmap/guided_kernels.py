"""The loop of guided matching in numba: every feature with those of the other photo that may be it.

Whole numbers and one order of sums: the result has the same bits on any number of cores.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float32]
Descriptors: TypeAlias = NDArray[np.uint8]
#: For each feature the one most like it (-1 without any), how like it is, and how like the next one
#: is, [N] each. Likeness is the scalar product of the descriptors.
Best: TypeAlias = "tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int32]]"

LENGTH = 128  # of a SIFT descriptor


@njit(cache=True, nogil=True, error_model="numpy")
def best_partners(
    guides: Floats, reach: Floats, xy: Floats, back: Floats,
    a: Descriptors, b: Descriptors, lines: bool,
) -> tuple[Best, Best]:  # fmt: skip
    """The best partners of the features `a` [N, 128] among `b` [M, 128], and the other way round.

    `xy` [2, M] is where those of `b` lie, px. `guides` [N, 3] are the lines that their partners lie
    on if `lines`, else the places (x, y, unused) where they are. A partner's squared distance is at
    most `reach` [N] and `back` [M] together. Of equals the first counts.
    """
    here = (np.full(len(a), -1, np.int32), np.zeros(len(a), np.int32), np.zeros(len(a), np.int32))
    there = (np.full(len(b), -1, np.int32), np.zeros(len(b), np.int32), np.zeros(len(b), np.int32))
    near = np.empty(len(b), np.bool_)
    x, y = xy
    for i in range(len(a)):
        p, q, r, most = guides[i, 0], guides[i, 1], guides[i, 2], reach[i]
        if lines:
            for j in range(len(b)):
                off = p * x[j] + q * y[j] + r
                near[j] = off * off <= most + back[j]
        else:
            for j in range(len(b)):
                right, down = x[j] - p, y[j] - q
                near[j] = right * right + down * down <= most + back[j]
        for j in range(len(b)):
            if near[j]:
                alike = scalar_product(a[i], b[j])
                compare(here, i, j, alike)
                compare(there, j, i, alike)
    return here, there


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def scalar_product(a: Descriptors, b: Descriptors) -> np.int32:
    total = np.int32(0)
    for k in range(LENGTH):
        total += np.int32(a[k]) * np.int32(b[k])
    return total


@njit(cache=True, nogil=True, error_model="numpy", inline="always")
def compare(best: Best, i: int, j: int, alike: np.int32) -> None:
    """Notes that `j` is so much like `i`, if it is one of the two most alike."""
    partner, top, second = best
    if alike > top[i]:
        second[i] = top[i]
        partner[i], top[i] = j, alike
    elif alike > second[i]:
        second[i] = alike
