"""How much fine detail a photo shows for its coarse detail: what blur takes away.

The power of natural pictures falls off with frequency in much the same way whatever they show
(Field 1987), so that the ratio of two bands says little of the scene and much of the lens, the
hand and the focus. It is taken in four directions, since a moved camera blurs along one only, and
in the textured parts of the picture, since sky has no detail to lose.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

#: px, side of the squares that are judged for themselves.
CELL = 8

#: Blocks of cells along each side of a photo, for the photo as a whole.
BLOCKS = 12

#: The fine band is the photo's own pixels; the coarse one lies so many octaves below.
OCTAVES = 2

#: Per cent: blocks above this share of coarse detail count as textured, and of their ratios this
#: percentile is the photo's. A high one, because only the sharpest parts need to be in focus.
TEXTURED, SHARPEST = 50, 75

#: Keeps places without any detail finite; grey levels squared.
_FLOOR = 1e-3

Array = NDArray[np.float32]


@dataclass(frozen=True)
class DetailMap:
    """Gradient energy of a photo by cells of `CELL` px, in grey levels squared."""

    fine: Array  # [4, h, w]: right, down and along both diagonals
    coarse: Array  # [h, w], all directions


def measure(luminance: Array) -> DetailMap:
    """The detail of `luminance` [H, W] in grey levels, 0 to 255, at least `CELL` px each side."""
    height, width = (side // CELL * CELL for side in luminance.shape)
    fine = luminance[:height, :width]
    coarse = fine
    for _ in range(OCTAVES):
        coarse = _halve(coarse)
    energy = _cell_energy(coarse, CELL >> OCTAVES)
    return DetailMap(_cell_energy(fine, CELL), energy.mean(axis=0))


def overall(detail: DetailMap) -> NDArray[np.float64]:
    """log2 of fine over coarse detail of the photo as a whole, by direction: [4]."""
    coarse = _block_means(detail.coarse)
    fine = np.stack([_block_means(energy) for energy in detail.fine])
    textured = coarse >= np.percentile(coarse, TEXTURED)
    ratio = np.log2((fine + _FLOOR) / (coarse + _FLOOR))
    sharpest: NDArray[np.float64] = np.percentile(ratio[:, textured], SHARPEST, axis=1)
    return sharpest


def at(detail: DetailMap, points: NDArray[np.float32]) -> Array:
    """The same around each of `points` [N, 2], px of the measured photo: [N, 4]."""
    height, width = detail.coarse.shape
    columns = np.clip((points[:, 0] / CELL).astype(int), 0, width - 1)
    rows = np.clip((points[:, 1] / CELL).astype(int), 0, height - 1)
    fine = np.stack([_smooth(energy)[rows, columns] for energy in detail.fine], axis=1)
    coarse = _smooth(detail.coarse)[rows, columns]
    ratio: Array = np.log2((fine + _FLOOR) / (coarse[:, None] + _FLOOR)).astype(np.float32)
    return ratio


def below(own: NDArray[np.float64], siblings: NDArray[np.float64]) -> float:
    """How far a photo's detail `own` [4] lies below its siblings' [S, 4], log2, where it is worst.

    Around zero for a photo like its siblings, -1 for half of their fine detail. Of two middle
    siblings the softer counts: one sharp photo among three does not make the others blurred.
    Without siblings there is nothing to fall short of: 0.
    """
    if len(siblings) == 0:
        return 0.0
    return float((own - np.quantile(siblings, 0.5, axis=0, method="lower")).min())


def _cell_energy(picture: Array, cell: int) -> Array:
    """Mean squared difference of neighbouring pixels, by direction and cell: [4, h, w]."""
    # The last row and column have no neighbour on that side; they are counted twice instead.
    padded = np.pad(picture, ((0, 1), (0, 1)), "symmetric")
    here, right, down = padded[:-1, :-1], padded[:-1, 1:], padded[1:, :-1]
    diagonal = np.float32(0.5**0.5)
    differences = (
        right - here,
        down - here,
        (padded[1:, 1:] - here) * diagonal,
        (down - right) * diagonal,
    )
    height, width = picture.shape
    shape = (height // cell, cell, width // cell, cell)
    return np.stack([np.square(d).reshape(shape).mean(axis=(1, 3)) for d in differences])


def _block_means(cells: Array) -> NDArray[np.float64]:
    """Means over `BLOCKS` x `BLOCKS` blocks, as equal as cells allow; of a strip over fewer."""
    rows, columns = (np.linspace(0, n, min(BLOCKS, n) + 1).astype(int) for n in cells.shape)
    sums = np.add.reduceat(np.add.reduceat(cells, rows[:-1], axis=0), columns[:-1], axis=1)
    means: NDArray[np.float64] = sums / (np.diff(rows)[:, None] * np.diff(columns)[None, :])
    return means


def _smooth(cells: Array) -> Array:
    """Each cell with its eight neighbours."""
    padded = np.pad(cells, 1, "edge")
    height, width = cells.shape
    total = sum(padded[i : i + height, j : j + width] for i in range(3) for j in range(3))
    return np.asarray(total, np.float32) * np.float32(1 / 9)


def _halve(picture: Array) -> Array:
    quarters = picture[::2, ::2] + picture[1::2, ::2] + picture[::2, 1::2] + picture[1::2, 1::2]
    return quarters * np.float32(0.25)
