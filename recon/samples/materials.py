"""Textures: what the things in the scene are made of. Each is [H, W, 3] sRGB, 0 to 1.

All of them carry structure at several scales, down to a few texels, and nothing repeats: that is
what features can be told apart by.
"""

from __future__ import annotations

import numpy as np

from recon.samples import noise
from recon.samples.surfaces import Array, vector

Shape2 = tuple[int, int]


def grid(shape: Shape2) -> tuple[Array, Array]:
    """Texel centres as u, v from 0 to 1, each [H, W]."""
    height, width = shape
    u = (np.arange(width, dtype=np.float32) + 0.5) / width
    v = (np.arange(height, dtype=np.float32) + 0.5) / height
    across, down = np.meshgrid(u, v)
    return across, down


def grain(rng: np.random.Generator, colour: Array, strength: float = 0.16) -> Array:
    """`colour` with fine speckle and broad stains, as real surfaces have."""
    shape = colour.shape[:2]
    fine = noise.plane(rng, shape, shape[1] / 5, 2) - 0.5
    broad = noise.plane(rng, shape, 5, 4) - 0.5
    return np.clip(colour * (1 + strength * fine + strength * broad)[..., None], 0, 1)


def paving(rng: np.random.Generator, shape: Shape2, across: float) -> Array:
    """Irregular stone slabs; `across` is how many lie side by side."""
    u, v = grid(shape)
    scale = np.float32(across)
    warp = (noise.plane(rng, shape, 9, 3) - 0.5) * 0.35
    owner, border = noise.cells(rng, u * scale + warp + 0.5, v * scale * shape[0] / shape[1] + 0.5)
    stones = noise.pick(
        rng,
        owner,
        [(196, 182, 160), (178, 166, 150), (205, 190, 165), (160, 152, 142), (188, 168, 140)],
    )
    joint = np.clip((border - 0.035) / 0.05, 0, 1)[..., None]
    moss = noise.ramp(noise.plane(rng, shape, 14, 4), [(62, 66, 48), (112, 112, 74), (90, 82, 66)])
    return grain(rng, moss * (1 - joint) + stones * joint, 0.2)


def bricks(rng: np.random.Generator, shape: Shape2, rows: int) -> Array:
    """A brick wall, every brick burnt a little differently."""
    u, v = grid(shape)
    y = v * rows
    row = np.floor(y)
    x = u * rows * shape[1] / shape[0] / 2.6 + 0.5 * (row % 2)
    column = np.floor(x)
    owner = (row * (column.max() + 1) + column).astype(np.intp)
    colours = [
        (178, 92, 66),
        (160, 78, 60),
        (196, 112, 78),
        (142, 74, 62),
        (204, 132, 96),
        (170, 100, 82),
    ]
    burnt = noise.pick(rng, owner, colours)
    edge = np.minimum(
        np.minimum(x - column, column + 1 - x) * 2.6, np.minimum(y - row, row + 1 - y)
    )
    edge += (noise.plane(rng, shape, 90, 3) - 0.5) * 0.08
    solid = np.clip((edge - 0.05) / 0.05, 0, 1)[..., None]
    mortar = vector(0.78, 0.74, 0.68)
    return grain(rng, mortar * (1 - solid) + burnt * solid, 0.24)


def plaster(rng: np.random.Generator, shape: Shape2) -> Array:
    """Old painted plaster, worn down to an ochre coat in places."""
    coat = noise.ramp(
        noise.plane(rng, shape, 7, 6), [(74, 128, 132), (102, 154, 152), (140, 180, 170)]
    )
    under = noise.ramp(noise.plane(rng, shape, 30, 4), [(204, 158, 96), (226, 196, 146)])
    worn = np.clip((noise.plane(rng, shape, 11, 6) - 0.60) * 30, 0, 1)[..., None]
    return grain(rng, coat * (1 - worn) + under * worn, 0.2)


def planks(rng: np.random.Generator, shape: Shape2, count: int, colours: noise.Colours) -> Array:
    """Boards one above the other, with a frame of two uprights."""
    u, v = grid(shape)
    board = np.floor(v * count).astype(np.intp)
    shift = rng.random(count + 1, np.float32)[board]
    fibres = noise.plane(rng, shape, 3, 3)
    lines = noise.plane(rng, (shape[0], shape[1]), 2, 2)
    rings = np.sin((v * count * 9 + fibres * 7 + lines * 4 + shift * 20) * 3.1) * 0.5 + 0.5
    wood = noise.ramp(np.clip(rings * 0.7 + shift * 0.3, 0, 1), colours)
    gap = np.clip(np.abs(v * count - np.round(v * count)) / 0.05, 0.25, 1)
    frame = (np.abs(u - 0.5) > 0.40) | (np.abs(v - 0.5) > 0.44)
    wood = np.where(frame[..., None], wood[:, ::-1] * 0.82, wood * gap[..., None])
    edge = np.abs(np.maximum(np.abs(u - 0.5) / 0.40, np.abs(v - 0.5) / 0.44) - 1) < 0.025
    return grain(rng, np.where(edge[..., None], wood * 0.4, wood), 0.2)


def mosaic(rng: np.random.Generator, shape: Shape2, across: float, colours: noise.Colours) -> Array:
    """Small glazed pieces in the given colours."""
    u, v = grid(shape)
    scale = np.float32(across)
    owner, border = noise.cells(rng, u * scale + 0.5, v * scale * shape[0] / shape[1] + 0.5, 0.6)
    pieces = noise.pick(rng, owner, colours)
    solid = np.clip((border - 0.05) / 0.06, 0, 1)[..., None]
    return grain(rng, pieces * solid + vector(0.86, 0.83, 0.78) * (1 - solid), 0.14)


def painting(rng: np.random.Generator, shape: Shape2, colours: noise.Colours) -> Array:
    """An abstract picture: flowing bands under a handful of discs, in a dark frame."""
    u, v = grid(shape)
    flow = noise.plane(rng, shape, 3, 5)
    picture = noise.ramp((np.sin((v * 2 + flow * 3) * 6) * 0.5 + 0.5), colours)
    for _ in range(14):
        x, y, radius = rng.random(), rng.random(), 0.03 + 0.1 * rng.random()
        disc = np.hypot(u - x, (v - y) * shape[0] / shape[1])
        colour = vector(*colours[int(rng.integers(len(colours)))]) / 255
        ring = (disc < radius) & (disc > radius * rng.choice([0.0, 0.55]))
        picture = np.where(ring[..., None], colour, picture)
    border = np.minimum(np.minimum(u, 1 - u), np.minimum(v, 1 - v) * shape[0] / shape[1])
    picture = np.where((border < 0.07)[..., None], vector(0.93, 0.90, 0.84), picture)
    picture = np.where((border < 0.035)[..., None], vector(0.25, 0.17, 0.12), picture)
    return grain(rng, picture, 0.14)


def rug(rng: np.random.Generator, shape: Shape2) -> Array:
    """A woven rug: motifs in two borders and a field, each knotted in its own colours."""
    u, v = grid(shape)
    columns, rows = 14, round(14 * shape[0] / shape[1])
    x, y = u * columns, v * rows
    owner = (np.floor(y) * columns + np.floor(x)).astype(np.intp)
    warm = [
        (156, 44, 48),
        (196, 84, 52),
        (222, 160, 72),
        (236, 214, 170),
        (62, 74, 116),
        (38, 84, 98),
    ]
    field, motif = noise.pick(rng, owner, warm), noise.pick(rng, owner, warm[::-1])
    diamond = np.abs(x % 1 - 0.5) + np.abs(y % 1 - 0.5)
    kind = rng.integers(3, size=owner.max() + 1)[owner]
    inner = np.where(kind == 0, diamond < 0.36, np.where(kind == 1, (diamond * 5) % 1 < 0.5, False))
    cross = np.minimum(np.abs(x % 1 - 0.5), np.abs(y % 1 - 0.5)) < 0.13
    woven = np.where((inner | ((kind == 2) & cross))[..., None], motif, field)
    border = np.minimum(np.minimum(x, columns - x), np.minimum(y, rows - y))
    band = ((border > 0.2) & (border < 0.42)) | ((border > 1.9) & (border < 2.06))
    woven = np.where(band[..., None], vector(0.92, 0.84, 0.66), woven)
    threads = 1 + 0.1 * np.sin(v * shape[0] * 1.6) * np.sin(u * shape[1] * 0.8)
    return grain(rng, woven * threads[..., None].astype(np.float32), 0.22)


def on_sphere(rng: np.random.Generator, shape: Shape2, kind: str) -> Array:
    """A ball's texture, without seams or pinched poles: "leaves", "marble" or "stripes"."""
    u, v = grid(shape)
    turn, fall = u * 2 * np.pi, v * np.pi
    points = np.stack(
        [np.sin(fall) * np.sin(turn), np.sin(fall) * np.cos(turn), np.cos(fall)], axis=-1
    ).astype(np.float32)
    fine = noise.space(rng, points, 22, 3)
    if kind == "leaves":
        clumps = noise.space(rng, points, 9, 3)
        depth = np.clip(fine * 1.5 + clumps * 0.9 - 0.75, 0, 1)
        colours = [(22, 44, 24), (46, 88, 38), (86, 134, 52), (148, 182, 82), (206, 214, 130)]
        return noise.ramp(depth, colours)
    bent = points + 0.35 * (noise.space(rng, points, 4, 3) - 0.5)[..., None].astype(np.float32)
    swirl = noise.space(rng, np.clip(bent, -1, 1), 5, 5)
    if kind == "marble":
        veins = np.sin(swirl * 34) * 0.5 + 0.5
        colours = [(20, 42, 92), (38, 92, 150), (120, 178, 200), (240, 236, 222), (214, 164, 82)]
        return np.clip(noise.ramp(veins, colours) * (0.85 + 0.3 * fine[..., None]), 0, 1)
    sector = np.floor((u + (swirl - 0.5) * 0.06) * 8).astype(np.intp) % 8
    colours = [(216, 72, 58), (244, 236, 220), (240, 178, 56), (244, 236, 220)] * 2
    panels = np.array(colours, np.float32)[sector] / 255
    dots = (np.sin(swirl * 60) > 0.75)[..., None]
    return np.clip(np.where(dots, panels * 0.72, panels) * (0.8 + 0.4 * fine[..., None]), 0, 1)
