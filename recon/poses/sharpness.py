"""How much fine detail a photo shows for its coarse detail: what blur takes away.

The power of natural pictures falls off with frequency in much the same way whatever they show
(Field 1987), so that the ratio of two bands says little of the scene and much of the lens, the
hand and the focus. It is taken in four directions, since a moved camera blurs along one only, and
in the textured parts of the picture, since sky has no detail to lose.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

#: Blocks along each side of a photo; each is judged for itself.
BLOCKS = 12

#: The fine band is the photo's own pixels; the coarse one lies so many octaves below.
OCTAVES = 2

#: Per cent: blocks above this share of coarse detail count as textured, and of their ratios this
#: percentile is the photo's. A high one, because only the sharpest parts need to be in focus.
TEXTURED, SHARPEST = 50, 75

#: Keeps blocks without any detail finite; grey levels squared.
_FLOOR = 1e-3

Array = NDArray[np.float32]


def detail(luminance: Array) -> NDArray[np.float64]:
    """log2 of fine over coarse gradient energy: right, down and along both diagonals, [4].

    `luminance` [H, W] in grey levels, 0 to 255, at least 48 px (`BLOCKS` << `OCTAVES`) each side.
    Comparable between photos of one working size.
    """
    fine = _block_energy(luminance)
    small = luminance
    for _ in range(OCTAVES):
        small = _halved(small)
    coarse = _block_energy(small).mean(axis=0)
    textured = coarse >= np.percentile(coarse, TEXTURED)
    ratio = np.log2((fine + _FLOOR) / (coarse + _FLOOR))
    sharpest: NDArray[np.float64] = np.percentile(ratio[:, textured], SHARPEST, axis=1)
    return sharpest


def below(own: NDArray[np.float64], siblings: NDArray[np.float64]) -> float:
    """How far a photo's detail `own` [4] lies below its siblings' [S, 4], log2, where it is worst.

    Around zero for a photo like its siblings, -1 for half of their fine detail. Of two middle
    siblings the softer counts: one sharp photo among three does not make the others blurred.
    Without siblings there is nothing to fall short of: 0.
    """
    if len(siblings) == 0:
        return 0.0
    return float((own - np.quantile(siblings, 0.5, axis=0, method="lower")).min())


def _block_energy(picture: Array) -> NDArray[np.float64]:
    """Mean squared difference of neighbouring pixels, by direction and block: [4, B, B]."""
    right = picture[:-1, 1:] - picture[:-1, :-1]
    down = picture[1:, :-1] - picture[:-1, :-1]
    falling = (picture[1:, 1:] - picture[:-1, :-1]) * np.float32(0.5**0.5)
    rising = (picture[1:, :-1] - picture[:-1, 1:]) * np.float32(0.5**0.5)
    return np.stack([_block_means(d * d) for d in (right, down, falling, rising)])


def _block_means(values: Array) -> NDArray[np.float64]:
    height, width = values.shape
    rows = np.linspace(0, height, BLOCKS + 1).astype(int)
    columns = np.linspace(0, width, BLOCKS + 1).astype(int)
    sums = np.add.reduceat(np.add.reduceat(values, rows[:-1], axis=0), columns[:-1], axis=1)
    areas = np.diff(rows)[:, None] * np.diff(columns)[None, :]
    means: NDArray[np.float64] = sums / areas
    return means


def _halved(picture: Array) -> Array:
    height, width = (side // 2 * 2 for side in picture.shape)
    even = picture[:height, :width]
    quarters = even[::2, ::2] + even[1::2, ::2] + even[::2, 1::2] + even[1::2, 1::2]
    return quarters * np.float32(0.25)
