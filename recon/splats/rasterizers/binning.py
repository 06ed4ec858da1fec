"""Which Gaussian touches which tile, and in which rows: exactly, by its ellipse.

Pairs are counted, then written, in parallel over slices of the depth-sorted Gaussians. What is
written does not depend on the number of threads.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit, prange

TILE = 16  # px, width and height: a row of a tile is one AVX-512 register of float32
SLICES = 16  # parallel slices of the sorted Gaussians

# columns of the table of Gaussians that the kernels share, [V, COLUMNS] float32
X, Y, A, B, C, OPACITY, RED, GREEN, BLUE, DEPTH, EXTENT_X, EXTENT_Y = range(12)
COLUMNS = 12
# columns of the table of pairs, [P, 4] int32: row of the Gaussian, place of the pair in the
# Gaussian's own list, first and last (exclusive) row within the tile
RANK, SLOT, FIRST_ROW, END_ROW = range(4)


@njit(cache=True, nogil=True, error_model="numpy")
def rows_in_strip(gaussian, left, height):
    """The picture's rows [first, end) that an ellipse reaches within the strip of TILE columns
    whose first is `left`. Empty where first >= end."""
    extent_x, extent_y = float(gaussian[EXTENT_X]), float(gaussian[EXTENT_Y])
    low = max(left + 0.5 - gaussian[X], -extent_x)
    high = min(left + TILE - 0.5 - gaussian[X], extent_x)
    if low > high:
        return 0, 0
    a, b, c = float(gaussian[A]), float(gaussian[B]), float(gaussian[C])
    slope = math.sqrt(max(a * c - b * b, 0.0)) / c
    tip = -b / a * extent_y  # where the ellipse is at its lowest row; its mirror is the highest
    at_bottom = min(max(tip, low), high)
    at_top = min(max(-tip, low), high)
    bottom = -b / c * at_bottom + slope * math.sqrt(max(extent_x**2 - at_bottom**2, 0.0))
    top = -b / c * at_top - slope * math.sqrt(max(extent_x**2 - at_top**2, 0.0))
    first = math.ceil(max(gaussian[Y] + max(top, -extent_y) - 0.5, 0.0))
    end = math.floor(min(gaussian[Y] + min(bottom, extent_y) - 0.5, height - 1.0)) + 1
    return first, end


@njit(cache=True, nogil=True, error_model="numpy")
def strip_range(gaussian, across):
    """The strips [first, end) of TILE columns that an ellipse's box touches, of `across`."""
    first = math.floor((gaussian[X] - gaussian[EXTENT_X] - 0.5) / TILE)
    end = math.floor((gaussian[X] + gaussian[EXTENT_X] - 0.5) / TILE) + 1
    return max(first, 0), min(end, across)


@njit(parallel=True, cache=True, nogil=True, error_model="numpy")
def count_pairs(table, width, height):
    """Counts [V] pairs per Gaussian and [SLICES, tiles] pairs per slice and tile."""
    across, down = (width + TILE - 1) // TILE, (height + TILE - 1) // TILE
    per_gaussian = np.zeros(len(table), np.int64)
    per_tile = np.zeros((SLICES, across * down), np.int64)
    for part in prange(SLICES):
        for rank in range(part * len(table) // SLICES, (part + 1) * len(table) // SLICES):
            begin, stop = strip_range(table[rank], across)
            for strip in range(begin, stop):
                first, end = rows_in_strip(table[rank], strip * TILE, height)
                if first < end:
                    for tile_row in range(first // TILE, (end - 1) // TILE + 1):
                        per_tile[part, tile_row * across + strip] += 1
                        per_gaussian[rank] += 1
    return per_gaussian, per_tile


@njit(parallel=True, cache=True, nogil=True, error_model="numpy")
def write_pairs(table, width, height, slots, places, pairs):
    """Fills `pairs` [P, 4], grouped by tile and sorted by depth within each.

    `slots` [V] is where each Gaussian's own list starts; `places` [SLICES, tiles] is where the
    next pair of a slice and tile goes, and is moved on.
    """
    across = (width + TILE - 1) // TILE
    for part in prange(SLICES):
        for rank in range(part * len(table) // SLICES, (part + 1) * len(table) // SLICES):
            slot = slots[rank]
            begin, stop = strip_range(table[rank], across)
            for strip in range(begin, stop):
                first, end = rows_in_strip(table[rank], strip * TILE, height)
                if first < end:
                    for tile_row in range(first // TILE, (end - 1) // TILE + 1):
                        tile = tile_row * across + strip
                        place = places[part, tile]
                        places[part, tile] = place + 1
                        pairs[place, RANK] = rank
                        pairs[place, SLOT] = slot
                        pairs[place, FIRST_ROW] = max(first - tile_row * TILE, 0)
                        pairs[place, END_ROW] = min(end - tile_row * TILE, TILE)
                        slot += 1


def bin_gaussians(
    table: np.ndarray, width: int, height: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pairs of the depth-sorted `table` [V, COLUMNS] and the tiles of a picture.

    Returns the pairs [P, 4] grouped by tile (row-major) and sorted by depth; where each tile's
    pairs start, [tiles + 1]; and where each Gaussian's own slots start, [V + 1].
    """
    per_gaussian, per_tile = count_pairs(table, width, height)
    gaussian_starts = np.zeros(len(table) + 1, np.int64)
    np.cumsum(per_gaussian, out=gaussian_starts[1:])
    ends = np.cumsum(per_tile.T).reshape(per_tile.T.shape)  # tile by tile, slice by slice
    tile_starts = np.concatenate([np.zeros(1, np.int64), ends[:, -1]])
    places = np.ascontiguousarray(ends.T - per_tile)
    pairs = np.empty((int(gaussian_starts[-1]), 4), np.int32)
    write_pairs(table, width, height, gaussian_starts, places, pairs)
    return pairs, tile_starts, gaussian_starts
