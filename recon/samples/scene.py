"""What stands where: a sunny corner of a courtyard, with a rug, a crate and a few things."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recon.samples import lighting, materials
from recon.samples.surfaces import Array, Cylinder, Quad, Shape, Sphere, box, vector

SEED = 2024
TEXELS_PER_METRE = 150
MAX_TEXELS = 1800

#: Where the photographer looks.
CENTRE = vector(0.0, 0.25, 0.72)

WOOD = [(92, 58, 34), (150, 102, 60), (186, 136, 84), (122, 80, 48)]
PALE_WOOD = [(176, 142, 100), (206, 176, 132), (224, 198, 156), (190, 158, 114)]
SEA = [(24, 84, 122), (44, 132, 152), (120, 186, 182), (232, 226, 204), (226, 140, 84)]
SPICE = [(178, 60, 44), (224, 124, 56), (242, 190, 92), (250, 232, 196), (70, 84, 110)]
BERRY = [(112, 40, 86), (178, 68, 104), (232, 148, 150), (246, 222, 196), (52, 70, 116)]


@dataclass(frozen=True)
class Surface:
    """A shape and its lit texture."""

    shape: Shape
    texture: NDArray[np.uint8]  # [H, W, 3] sRGB


def build() -> list[Surface]:
    """The whole scene, lit. The same every time; takes a second or two."""
    rng = np.random.default_rng(SEED)
    return lit([*_courtyard(rng), *_furniture(rng), *_plant_and_balls(rng)])


Piece = tuple[Shape, Array]


def lit(pieces: Sequence[Piece]) -> list[Surface]:
    """Shapes with their textures [H, W, 3], sRGB 0 to 1, in each other's shadow."""
    shapes = [shape for shape, _ in pieces]
    return [Surface(shape, lighting.bake(shape, shapes, albedo)) for shape, albedo in pieces]


def texels(shape: Shape, per_metre: float = TEXELS_PER_METRE) -> tuple[int, int]:
    """Texture size (rows, columns) for a shape."""
    across, down = (int(np.clip(s * per_metre, 16, MAX_TEXELS)) for s in shape.size())
    return down, across


def _courtyard(rng: np.random.Generator) -> list[Piece]:
    ground = Quad(vector(-6.5, 5, 0), vector(13, 0, 0), vector(0, -9.5, 0))
    left = Quad(vector(-6.0, -1.2, 5.4), vector(5.4, 5.4, 0), vector(0, 0, -5.4))
    right = Quad(vector(-0.6, 4.2, 5.4), vector(6.6, -6.6, 0), vector(0, 0, -5.4))
    rug = Quad(vector(-2.15, 1.25, 0.012), vector(4.1, 0.5, 0), vector(0.34, -2.8, 0))
    pieces: list[Piece] = [
        (ground, materials.paving(rng, texels(ground), 15)),
        (left, materials.bricks(rng, texels(left), 30)),
        (right, materials.plaster(rng, texels(right))),
        (rug, materials.rug(rng, texels(rug))),
    ]
    for start, width, top, height, colours in (
        (1.5, 1.5, 2.75, 1.15, SPICE),
        (3.6, 1.1, 2.95, 1.5, SEA),
        (5.3, 1.6, 2.6, 1.2, BERRY),
    ):
        along = vector(1, -1, 0) / np.sqrt(np.float32(2))
        out = vector(-1, -1, 0) * np.float32(0.03)
        corner = vector(-0.6, 4.2, top) + along * start + out
        picture = Quad(corner, along * width, vector(0, 0, -height))
        pieces.append((picture, materials.painting(rng, texels(picture), colours)))
    return pieces


def _furniture(rng: np.random.Generator) -> list[Piece]:
    pieces: list[Piece] = []
    for face in box((-0.95, 0.62), 0.0, (1.25, 1.0, 0.95), 18):
        pieces.append((face, materials.planks(rng, texels(face), 5, WOOD)))
    for face in box((-1.12, 0.72), 0.95, (0.62, 0.52, 0.42), -14):
        pieces.append((face, materials.painting(rng, texels(face), BERRY)))
    for face in box((-0.72, 0.42), 0.95, (0.30, 0.30, 0.30), 33):
        pieces.append((face, materials.mosaic(rng, texels(face), 5, SEA)))
    for face in box((0.28, 1.75), 0.0, (0.9, 0.7, 0.5), -24):
        pieces.append((face, materials.planks(rng, texels(face), 3, PALE_WOOD)))
    for centre, z, side, turn, colours in (
        ((-0.62, -0.72), 0.0, 0.40, 12, SPICE),
        ((-0.16, -0.86), 0.0, 0.34, -20, SEA),
        ((-0.42, -0.76), 0.40, 0.31, 38, BERRY),
    ):
        for face in box(centre, z, (side, side, side), turn):
            pieces.append((face, materials.painting(rng, texels(face), colours)))
    return pieces


def _plant_and_balls(rng: np.random.Generator) -> list[Piece]:
    pot = Cylinder(vector(1.25, 0.72, 0), 0.30, 0.62, 0.12)
    soil = Quad(vector(0.83, 1.14, 0.615), vector(0.84, 0, 0), vector(0, -0.84, 0), round=True)
    bush = Sphere(vector(1.25, 0.72, 1.12), 0.60)
    column = Cylinder(vector(0.28, 1.75, 0.5), 0.24, 0.95)
    lid = Quad(vector(0.04, 1.99, 1.45), vector(0.48, 0, 0), vector(0, -0.48, 0), round=True)
    globe = Sphere(vector(0.28, 1.75, 1.71), 0.27)
    ball = Sphere(vector(0.62, -0.42, 0.36), 0.36)
    small = Sphere(vector(1.42, -0.32, 0.21), 0.21)
    tiles = [(196, 96, 62), (214, 128, 84), (232, 206, 168), (64, 98, 118)]
    return [
        (pot, materials.mosaic(rng, texels(pot), 20, tiles)),
        (
            soil,
            materials.mosaic(rng, texels(soil), 14, [(62, 46, 36), (92, 70, 52), (120, 96, 70)]),
        ),
        (bush, materials.on_sphere(rng, texels(bush), "leaves")),
        (column, materials.mosaic(rng, texels(column), 16, SEA)),
        (lid, materials.mosaic(rng, texels(lid), 6, SEA)),
        (globe, materials.on_sphere(rng, texels(globe), "marble")),
        (ball, materials.on_sphere(rng, texels(ball), "stripes")),
        (small, materials.on_sphere(rng, texels(small), "marble")),
    ]
