"""Which Gaussian touches which tile, and in which rows: exactly, by its ellipse.

Pairs are counted, then written, in parallel over slices of the depth-sorted Gaussians. What is
written does not depend on the number of threads.

Tables are structured arrays: a change of their layout changes the kernels' signatures, so numba's
cache, which watches only the file that a kernel stands in, cannot serve stale machine code.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numba import njit, prange

SLICES = 16  # parallel slices of the sorted Gaussians

# One visible Gaussian on the picture: centre (px), inverse covariance [[a, b], [b, c]] (1 / px^2),
# opacity and colour (activated), depth, half of the box (px) in which its alpha may reach 1/255.
GAUSSIAN = np.dtype(
    [(name, np.float32) for name in ("x", "y", "a", "b", "c", "opacity")]
    + [(name, np.float32) for name in ("red", "green", "blue", "depth", "extent_x", "extent_y")]
)
# A Gaussian in a tile: its rank (nearest is 0), the pair's place in the list of the Gaussian's
# own pairs, and the rows [first, end) within the tile that it reaches.
PAIR = np.dtype([(name, np.int32) for name in ("rank", "slot", "first", "end")])


class Bins(NamedTuple):
    """Pairs of T tiles and V Gaussians."""

    pairs: np.ndarray  # [P] PAIR, grouped by tile (row-major), nearest first within each
    tile_starts: np.ndarray  # [T + 1] int64, where each tile's pairs start
    slot_starts: np.ndarray  # [V + 1] int64, where each Gaussian's own slots start


@njit(cache=True, nogil=True, error_model="numpy")
def rows_in_strip(g: Any, left: int, tile: int, height: int) -> tuple[int, int]:
    """The picture's rows [first, end) that an ellipse reaches within the strip of `tile` columns
    whose first is `left`. Empty where first >= end."""
    extent_x, extent_y = float(g.extent_x), float(g.extent_y)
    low = max(left + 0.5 - g.x, -extent_x)
    high = min(left + tile - 0.5 - g.x, extent_x)
    if low > high:
        return 0, 0
    a, b, c = float(g.a), float(g.b), float(g.c)
    slope = math.sqrt(max(a * c - b * b, 0.0)) / c
    tip = -b / a * extent_y  # the column of the lowest point; that of the highest is its mirror
    at_bottom = min(max(tip, low), high)
    at_top = min(max(-tip, low), high)
    bottom = -b / c * at_bottom + slope * math.sqrt(max(extent_x**2 - at_bottom**2, 0.0))
    top = -b / c * at_top - slope * math.sqrt(max(extent_x**2 - at_top**2, 0.0))
    # clamped before they become integers, which are too small for what a float can hold
    first = math.ceil(min(max(g.y + max(top, -extent_y) - 0.5, 0.0), float(height)))
    end = math.floor(max(min(g.y + min(bottom, extent_y) - 0.5, height - 1.0), -1.0)) + 1
    return first, end


@njit(cache=True, nogil=True, error_model="numpy")
def strip_range(g: Any, tile: int, across: int) -> tuple[int, int]:
    """The strips [first, end) of `tile` columns that an ellipse's box touches, of `across`."""
    right = across * tile - 1.0
    first = math.floor(min(max(g.x - g.extent_x - 0.5, 0.0), right) / tile)
    end = math.floor(max(min(g.x + g.extent_x - 0.5, right), -1.0) / tile) + 1
    return first, end


@njit(parallel=True, cache=True, nogil=True, error_model="numpy")
def count_pairs(
    table: np.ndarray, tile: int, width: int, height: int
) -> tuple[np.ndarray, np.ndarray]:
    """Counts [V] pairs per Gaussian and [SLICES, tiles] pairs per slice and tile."""
    across, down = (width + tile - 1) // tile, (height + tile - 1) // tile
    per_gaussian = np.zeros(len(table), np.int64)
    per_tile = np.zeros((SLICES, across * down), np.int64)
    for part in prange(SLICES):
        for rank in range(part * len(table) // SLICES, (part + 1) * len(table) // SLICES):
            begin, stop = strip_range(table[rank], tile, across)
            for strip in range(begin, stop):
                first, end = rows_in_strip(table[rank], strip * tile, tile, height)
                if first < end:
                    for tile_row in range(first // tile, (end - 1) // tile + 1):
                        per_tile[part, tile_row * across + strip] += 1
                        per_gaussian[rank] += 1
    return per_gaussian, per_tile


@njit(parallel=True, cache=True, nogil=True, error_model="numpy")
def write_pairs(
    table: np.ndarray, tile: int, width: int, height: int,
    slot_starts: np.ndarray, places: np.ndarray, pairs: np.ndarray,
) -> None:  # fmt: skip
    """Fills `pairs`; `places` [SLICES, tiles] is where the next pair of a slice and tile goes,
    and is moved on."""
    across = (width + tile - 1) // tile
    for part in prange(SLICES):
        for rank in range(part * len(table) // SLICES, (part + 1) * len(table) // SLICES):
            slot = slot_starts[rank]
            begin, stop = strip_range(table[rank], tile, across)
            for strip in range(begin, stop):
                first, end = rows_in_strip(table[rank], strip * tile, tile, height)
                if first < end:
                    for tile_row in range(first // tile, (end - 1) // tile + 1):
                        place = places[part, tile_row * across + strip]
                        places[part, tile_row * across + strip] = place + 1
                        pair = pairs[place]
                        pair.rank = rank
                        pair.slot = slot
                        pair.first = max(first - tile_row * tile, 0)
                        pair.end = min(end - tile_row * tile, tile)
                        slot += 1


def bin_gaussians(table: np.ndarray, tile: int, width: int, height: int) -> Bins:
    """Pairs the depth-sorted `table` [V] of GAUSSIAN with the tiles (`tile` px square) of a
    picture of `width` x `height` px."""
    per_gaussian, per_tile = count_pairs(table, tile, width, height)
    slot_starts = np.zeros(len(table) + 1, np.int64)
    np.cumsum(per_gaussian, out=slot_starts[1:])
    ends = np.cumsum(per_tile.T).reshape(per_tile.T.shape)  # tile by tile, slice by slice
    tile_starts = np.concatenate([np.zeros(1, np.int64), ends[:, -1]])
    places = np.ascontiguousarray(ends.T - per_tile)
    pairs = np.empty(int(slot_starts[-1]), PAIR)
    write_pairs(table, tile, width, height, slot_starts, places, pairs)
    return Bins(pairs, tile_starts, slot_starts)
