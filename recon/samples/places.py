"""Places beside the courtyard: a thing on a table, a wall in relief, a room's corner, a bare wall.

Each function returns lit surfaces, the same every time. They take a second or two, and are kept.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from recon.samples import materials
from recon.samples.scene import (
    BERRY,
    PALE_WOOD,
    SEA,
    SPICE,
    WOOD,
    Piece,
    Surface,
    lit,
    texels,
)
from recon.samples.surfaces import Cylinder, Quad, Shape, Sphere, box, vector

FINE = 700  # texels a metre, on small things

TABLE_CENTRE = (0.0, 0.0, 0.10)
WALL_CENTRE = (0.0, 0.0, 1.5)
CORNER_CENTRE = (0.0, 1.0, 0.75)


@cache
def table() -> list[Surface]:
    """A few small things on a cloth, 40 cm across: a box, a pot and a ball to walk around."""
    rng = np.random.default_rng(71)
    cloth = Quad(vector(-0.75, 0.75, 0), vector(1.5, 0, 0), vector(0, -1.5, 0))
    floor = Quad(vector(-4, 4, -0.75), vector(8, 0, 0), vector(0, -8, 0))
    pot = Cylinder(vector(0.12, 0.08, 0), 0.07, 0.16, 0.02)
    ball = Sphere(vector(-0.10, -0.12, 0.06), 0.06)
    globe = Sphere(vector(0.12, 0.08, 0.20), 0.075)
    pieces: list[Piece] = [
        (cloth, materials.rug(rng, texels(cloth, FINE))),
        (floor, materials.paving(rng, texels(floor), 20)),
        (pot, materials.mosaic(rng, texels(pot, FINE), 18, SPICE)),
        (ball, materials.on_sphere(rng, texels(ball, FINE), "stripes")),
        (globe, materials.on_sphere(rng, texels(globe, FINE), "marble")),
    ]
    for centre, size, turn, colours in (
        ((-0.09, 0.07), (0.16, 0.10, 0.22), 20, SEA),
        ((0.10, -0.13), (0.12, 0.09, 0.07), -25, BERRY),
    ):
        for face in box(centre, 0.0, size, turn):
            pieces.append((face, materials.painting(rng, texels(face, FINE), colours)))
    return lit(pieces)


@cache
def relief() -> list[Surface]:
    """A brick wall, seen from the front, with blocks, a shelf and balls that stand out of it."""
    rng = np.random.default_rng(72)
    wall = Quad(vector(-4.5, 0, 4.5), vector(9, 0, 0), vector(0, 0, -6))
    pieces: list[Piece] = [(wall, materials.bricks(rng, texels(wall), 34))]
    for x, z, size, turn, colours in (
        (-1.15, 1.65, (0.7, 0.5, 0.6), 0, SEA),
        (0.95, 1.75, (0.8, 0.9, 0.5), 8, SPICE),
        (-0.1, 0.55, (1.5, 0.35, 0.3), 0, BERRY),
        (-1.4, 0.7, (0.4, 0.7, 0.4), -10, SPICE),
        (1.4, 0.75, (0.5, 0.4, 0.5), 14, SEA),
        (0.1, 2.2, (0.5, 0.3, 0.35), 0, BERRY),
    ):
        for face in box((x, -size[1] / 2), z, size, turn):
            pieces.append((face, materials.painting(rng, texels(face, 300), colours)))
    for x, z, radius, kind in ((-0.15, 1.35, 0.28, "marble"), (0.3, 1.05, 0.18, "stripes")):
        ball = Sphere(vector(x, -0.25, z), radius)
        pieces.append((ball, materials.on_sphere(rng, texels(ball, 300), kind)))
    return lit(pieces)


@cache
def corner() -> list[Surface]:
    """Two walls and a floor that meet, with a chest, a stool, a rug and pictures."""
    rng = np.random.default_rng(73)
    floor = Quad(vector(-4, 2.6, 0), vector(8, 0, 0), vector(0, -8, 0))
    left = Quad(vector(-4.2, -2.0, 3.2), vector(4.2, 4.2, 0), vector(0, 0, -3.2))
    right = Quad(vector(0, 2.2, 3.2), vector(4.2, -4.2, 0), vector(0, 0, -3.2))
    rug = Quad(vector(-1.0, 0.5, 0.01), vector(2.1, 0.2, 0), vector(0.14, -1.5, 0))
    pieces: list[Piece] = [
        (floor, materials.paving(rng, texels(floor), 22)),
        (left, materials.plaster(rng, texels(left))),
        (right, materials.bricks(rng, texels(right), 30)),
        (rug, materials.rug(rng, texels(rug, 300))),
        *_pictures(rng),
    ]
    for centre, z, size, turn, kind in (
        ((-0.75, 0.75), 0.0, (1.1, 0.5, 0.7), 45, WOOD),
        ((0.95, 0.65), 0.0, (0.6, 0.5, 0.45), -35, PALE_WOOD),
    ):
        for face in box(centre, z, size, turn):
            pieces.append((face, materials.planks(rng, texels(face, 300), 4, kind)))
    for centre, z, side, turn, colours in (
        ((-0.95, 0.55), 0.70, 0.32, 20, SPICE),
        ((0.2, 1.2), 0.0, 0.42, 10, BERRY),
    ):
        for face in box(centre, z, (side, side, side), turn):
            pieces.append((face, materials.painting(rng, texels(face, 300), colours)))
    for place, radius, on in (
        ((-0.5, 0.95, 0.90), 0.20, "marble"),
        ((1.0, 0.6, 0.63), 0.18, "stripes"),
    ):
        ball = Sphere(vector(*place), radius)
        pieces.append((ball, materials.on_sphere(rng, texels(ball, 300), on)))
    return lit(pieces)


def _pictures(rng: np.random.Generator) -> list[Piece]:
    """On the corner's walls, 3 cm before them."""
    pieces: list[Piece] = []
    for start, rightwards, width, top, height, colours in (
        (vector(-2.6, -0.4, 0), vector(1, 1, 0), 1.0, 2.3, 0.8, SEA),
        (vector(-1.2, 1.0, 0), vector(1, 1, 0), 0.9, 2.1, 0.6, SPICE),
        (vector(0.7, 1.5, 0), vector(1, -1, 0), 1.1, 2.2, 0.9, BERRY),
    ):
        across = rightwards / np.sqrt(np.float32(2)) * width
        off = vector(rightwards[1], -1, 0) * np.float32(0.03)
        picture = Quad(start + off + vector(0, 0, top), across, vector(0, 0, -height))
        pieces.append((picture, materials.painting(rng, texels(picture, 300), colours)))
    return pieces


@cache
def bare_wall() -> list[Surface]:
    """A freshly painted wall: one colour, and nothing that a feature could be found on."""
    wall: Shape = Quad(vector(-30, 0, 20), vector(60, 0, 0), vector(0, 0, -40))
    return lit([(wall, np.broadcast_to(vector(0.80, 0.77, 0.70), (*texels(wall, 2), 3)))])
