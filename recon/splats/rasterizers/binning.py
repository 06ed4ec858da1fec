"""Which Gaussian touches which tile, and in which rows: exactly, by its ellipse.

The rows that a Gaussian reaches in each strip of columns are found, pairs of Gaussian and tile are
counted, then written, in parallel over slices of the depth-sorted Gaussians. What is written does
not depend on the number of threads.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import njit, prange

SLICES = 16  # parallel slices of the sorted Gaussians
MOST_PAIRS = 2**24  # about, at a time: with their gradients they take 0.9 GB

# One visible Gaussian on the picture: centre (px), inverse covariance [[a, b], [b, c]] (1 / px^2),
# opacity and colour (activated), depth, half of the box (px) in which its alpha may reach 1/255.
GAUSSIAN = np.dtype(
    [(name, np.float32) for name in ("x", "y", "a", "b", "c", "opacity")]
    + [(name, np.float32) for name in ("red", "green", "blue", "depth", "extent_x", "extent_y")]
)
# A Gaussian in a tile: its rank (nearest is 0) and the rows [first, end) within the tile that it
# reaches.
PAIR = np.dtype([("rank", np.int32), ("first", np.int16), ("end", np.int16)])


class Bins(NamedTuple):
    """Pairs of T tiles, all of a picture's or those of a band of it, and V Gaussians."""

    pairs: np.ndarray  # [P] PAIR, grouped by tile (row-major), nearest first within each
    tile_starts: np.ndarray  # [T + 1] int64, where each tile's pairs start
    own: np.ndarray  # [P] int32, the pairs' numbers, grouped by Gaussian
    own_starts: np.ndarray  # [V + 1] int64, where each Gaussian's own start


@njit(cache=True, nogil=True, error_model="numpy")
def strip_range(g: np.record, tile: int, across: int) -> tuple[int, int]:
    """The strips [first, end) of `tile` columns that an ellipse's box touches, of `across`."""
    right = across * tile - 1.0
    first = math.floor(min(max(g.x - g.extent_x - 0.5, 0.0), right) / tile)
    end = math.floor(max(min(g.x + g.extent_x - 0.5, right), -1.0) / tile) + 1
    return first, end


@njit(cache=True, nogil=True, error_model="numpy")
def find_rows(
    g: np.record, tile: int, highest: int, lowest: int, begin: int, rows: np.ndarray
) -> None:  # fmt: skip
    """Fills `rows` [S, 2] with the rows [first, end) out of [highest, lowest) that an ellipse
    reaches within each of S strips of `tile` columns from strip `begin` on. Empty where
    first >= end."""
    x, y, extent_x, extent_y = float(g.x), float(g.y), float(g.extent_x), float(g.extent_y)
    a, b, c = float(g.a), float(g.b), float(g.c)
    slope, lean = math.sqrt(max(a * c - b * b, 0.0)) / c, -b / c
    tip = -b / a * extent_y  # the column of the lowest point; that of the highest is its mirror
    bounds = float(highest), float(lowest)
    for strip in range(len(rows)):
        left = (begin + strip) * tile - x
        low, high = max(left + 0.5, -extent_x), min(left + tile - 0.5, extent_x)
        at_bottom, at_top = min(max(tip, low), high), min(max(-tip, low), high)
        bottom = lean * at_bottom + slope * math.sqrt(max(extent_x**2 - at_bottom**2, 0.0))
        top = lean * at_top - slope * math.sqrt(max(extent_x**2 - at_top**2, 0.0))
        # clamped before they become integers, which are too small for what a float can hold
        first = math.ceil(min(max(y + max(top, -extent_y) - 0.5, bounds[0]), bounds[1]))
        end = math.floor(max(min(y + min(bottom, extent_y) + 0.5, bounds[1]), bounds[0]))
        rows[strip, 0], rows[strip, 1] = first, end if low <= high else first


@njit(parallel=True, cache=True, nogil=True, error_model="numpy")
def count_strips(table: np.ndarray, tile: int, width: int) -> np.ndarray:
    """How many strips [V] each Gaussian's box touches."""
    across = (width + tile - 1) // tile
    counts = np.empty(len(table), np.int64)
    for rank in prange(len(table)):
        begin, stop = strip_range(table[rank], tile, across)
        counts[rank] = max(stop - begin, 0)
    return counts


@njit(parallel=True, cache=True, nogil=True, error_model="numpy")
def count_boxes(table: np.ndarray, tile: int, width: int, height: int) -> np.ndarray:
    """How many tiles [V] each Gaussian's box touches, or a few more."""
    counts = np.empty(len(table))
    for rank in prange(len(table)):
        g = table[rank]
        across = min(float(g.x + g.extent_x), width) - max(float(g.x - g.extent_x), 0.0)
        down = min(float(g.y + g.extent_y), height) - max(float(g.y - g.extent_y), 0.0)
        counts[rank] = (max(across, 0.0) / tile + 1.0) * (max(down, 0.0) / tile + 1.0)
    return counts


@njit(parallel=True, cache=True, nogil=True, error_model="numpy")
def count_pairs(
    table: np.ndarray, tile: int, width: int, highest: int, lowest: int,
    strip_starts: np.ndarray, rows: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """Counts [V] pairs per Gaussian and [SLICES, T] pairs per slice and tile, and fills `rows`
    [strips of all Gaussians, 2] with what they reach of the rows [highest, lowest)."""
    across, down = (width + tile - 1) // tile, (lowest - highest + tile - 1) // tile
    per_gaussian = np.zeros(len(table), np.int64)
    per_tile = np.zeros((SLICES, across * down), np.int64)
    for part in prange(SLICES):
        for rank in range(part * len(table) // SLICES, (part + 1) * len(table) // SLICES):
            begin, _ = strip_range(table[rank], tile, across)
            start, stop = strip_starts[rank], strip_starts[rank + 1]
            find_rows(table[rank], tile, highest, lowest, begin, rows[start:stop])
            total = 0
            for at in range(start, stop):
                if rows[at, 0] < rows[at, 1]:
                    above = (rows[at, 0] - highest) // tile
                    below = (rows[at, 1] - 1 - highest) // tile
                    for tile_row in range(above, below + 1):
                        per_tile[part, tile_row * across + begin + at - start] += 1
                    total += below + 1 - above
            per_gaussian[rank] = total
    return per_gaussian, per_tile


@njit(parallel=True, cache=True, nogil=True, error_model="numpy")
def write_pairs(
    table: np.ndarray, tile: int, width: int, highest: int, strip_starts: np.ndarray,
    rows: np.ndarray, own_starts: np.ndarray, places: np.ndarray, pairs: np.ndarray,
    own: np.ndarray,
) -> None:  # fmt: skip
    """Fills `pairs` and `own`; `places` [SLICES, T] is where the next pair of a slice and tile
    goes, and is moved on."""
    across = (width + tile - 1) // tile
    for part in prange(SLICES):
        for rank in range(part * len(table) // SLICES, (part + 1) * len(table) // SLICES):
            mine, start = own_starts[rank], strip_starts[rank]
            begin, _ = strip_range(table[rank], tile, across)
            for at in range(start, strip_starts[rank + 1]):
                first, end = rows[at, 0] - highest, rows[at, 1] - highest
                if first < end:
                    for tile_row in range(first // tile, (end - 1) // tile + 1):
                        column = tile_row * across + begin + at - start
                        place = places[part, column]
                        places[part, column] = place + 1
                        own[mine] = place
                        mine += 1
                        pair = pairs[place]
                        pair.rank = rank
                        pair.first = max(first - tile_row * tile, 0)
                        pair.end = min(end - tile_row * tile, tile)


def bands(table: np.ndarray, tile: int, width: int, height: int) -> list[tuple[int, int]]:
    """Rows [first, end) of a picture's parts that have about MOST_PAIRS at most, if evenly filled.
    Almost always that is the whole picture; whole tiles in any case."""
    down = (height + tile - 1) // tile
    pairs = int(count_boxes(table, tile, width, height).sum())
    each = -(-down // max(-(-pairs // MOST_PAIRS), 1)) * tile
    return [(first, min(first + each, height)) for first in range(0, height, each)]


def bin_gaussians(
    table: np.ndarray, tile: int, width: int, highest: int, lowest: int
) -> Bins:  # fmt: skip
    """Pairs the depth-sorted `table` [V] of GAUSSIAN with the tiles (`tile` px square) of the rows
    [highest, lowest) of a picture `width` px wide; `highest` is a tile's first row."""
    strip_starts = _starts(count_strips(table, tile, width))
    rows = np.empty((int(strip_starts[-1]), 2), np.int32)
    per_gaussian, per_tile = count_pairs(table, tile, width, highest, lowest, strip_starts, rows)
    own_starts = _starts(per_gaussian)
    ends = np.cumsum(per_tile.T).reshape(per_tile.T.shape)  # tile by tile, slice by slice
    tile_starts = np.concatenate([np.zeros(1, np.int64), ends[:, -1]])
    places = np.ascontiguousarray(ends.T - per_tile)
    pairs = np.empty(int(own_starts[-1]), PAIR)
    own = np.empty(len(pairs), np.int32)
    write_pairs(table, tile, width, highest, strip_starts, rows, own_starts, places, pairs, own)
    return Bins(pairs, tile_starts, own, own_starts)


def _starts(counts: np.ndarray) -> np.ndarray:
    """Where each of the lists of `counts` [N] items starts, one behind the other: [N + 1]."""
    starts = np.zeros(len(counts) + 1, np.int64)
    np.cumsum(counts, out=starts[1:])
    return starts
