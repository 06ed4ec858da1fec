"""Random structure: value noise in the plane and in space, cells, colour ramps.

Every function takes its own `numpy.random.Generator`, so that the scene is the same every time.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Array = NDArray[Any]  # of float32, unless said
Colours = Sequence[Sequence[float]]  # RGB


def plane(
    rng: np.random.Generator, shape: tuple[int, int], cells: float, octaves: int = 5
) -> Array:
    """Fractal value noise [H, W], about 0 to 1; `cells` is its coarsest period's count across."""
    height, width = shape
    total = np.zeros(shape, np.float32)
    weight, sum_of_weights = 1.0, 0.0
    for _ in range(octaves):
        columns = max(2, min(round(cells) + 1, width))
        rows = max(2, min(round(cells * height / width) + 1, height))
        lattice = Image.fromarray(rng.random((rows, columns), np.float32))
        total += weight * np.asarray(lattice.resize((width, height), Image.Resampling.BICUBIC))
        sum_of_weights += weight
        weight *= 0.6
        cells *= 2.1
    return total / np.float32(sum_of_weights)


def space(rng: np.random.Generator, points: Array, cells: float, octaves: int = 4) -> Array:
    """Fractal value noise at `points` [..., 3] within [-1, 1]; returns [...], about 0 to 1."""
    total = np.zeros(points.shape[:-1], np.float32)
    weight, sum_of_weights = 1.0, 0.0
    for _ in range(octaves):
        lattice = rng.random((int(cells) + 3,) * 3, np.float32)
        total += weight * _trilinear(lattice, (points * 0.5 + 0.5) * int(cells))
        sum_of_weights += weight
        weight *= 0.6
        cells *= 2.1
    return total / np.float32(sum_of_weights)


def _trilinear(lattice: Array, points: Array) -> Array:
    low = np.floor(points).astype(np.intp)
    part = points - low
    part = part * part * (3 - 2 * part)
    x, y, z = low[..., 0], low[..., 1], low[..., 2]
    total = np.zeros(points.shape[:-1], np.float32)
    for dx, dy, dz in np.ndindex(2, 2, 2):
        near = [
            part[..., axis] if d else 1 - part[..., axis] for axis, d in enumerate((dx, dy, dz))
        ]
        total += near[0] * near[1] * near[2] * lattice[x + dx, y + dy, z + dz]
    return total


def cells(
    rng: np.random.Generator, u: Array, v: Array, jitter: float = 0.75
) -> tuple[NDArray[np.intp], Array]:
    """Worley's cells over coordinates in cell units: each place's cell number, and how far it is
    from the border with the next cell (0 on it)."""
    columns, rows = int(u.max()) + 3, int(v.max()) + 3
    seeds = rng.random((rows, columns, 2), np.float32) * jitter + (1 - jitter) / 2
    column, row = np.floor(u).astype(np.intp), np.floor(v).astype(np.intp)
    nearest = np.full(u.shape, np.inf, np.float32)
    second = nearest.copy()
    owner = np.zeros(u.shape, np.intp)
    for dr, dc in np.ndindex(3, 3):
        r = np.clip(row + dr, 0, rows - 1)
        c = np.clip(column + dc, 0, columns - 1)
        seed = seeds[r, c]
        distance = np.hypot(c - 1 + seed[..., 0] - u, r - 1 + seed[..., 1] - v)
        closer = distance < nearest
        second = np.where(closer, nearest, np.minimum(second, distance))
        nearest = np.where(closer, distance, nearest)
        owner = np.where(closer, r * columns + c, owner)
    return owner, second - nearest


def ramp(values: Array, colours: Colours) -> Array:
    """`values` (0 to 1) through evenly spaced colours (RGB, 0 to 255): [..., 3], 0 to 1."""
    stops = np.linspace(0, 1, len(colours))
    table = np.asarray(colours, np.float32) / 255
    channels = [np.interp(values, stops, table[:, channel]) for channel in range(3)]
    return np.stack(channels, axis=-1).astype(np.float32)


def pick(rng: np.random.Generator, owner: NDArray[np.intp], colours: Colours) -> Array:
    """One of `colours` (RGB, 0 to 255) for each cell number, slightly varied: [..., 3], 0 to 1."""
    count = int(owner.max()) + 1
    table = np.asarray(colours, np.float32)[rng.integers(len(colours), size=count)] / 255
    table *= 1 + 0.16 * (rng.random((count, 1), np.float32) - 0.5)
    return table[owner]
