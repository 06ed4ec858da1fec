"""Tiny scenes that have nothing in common: painted walls with a box in front of them."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import numpy as np

from recon.samples import lighting, materials, photos, scene
from recon.samples.surfaces import Quad, Shape, box, vector


def write_wall(folder: Path, seed: int, count: int, size: tuple[int, int] = (480, 360)) -> None:
    """Writes `count` neighbouring photos of wall number `seed` into `folder`, without EXIF."""
    _write(folder, seed, size, [photos.pose(4 + index, 12) for index in range(count)])


def write_bursts(folder: Path, seed: int, spots: int, size: tuple[int, int] = (480, 360)) -> None:
    """Writes two photos from each of several neighbouring places: between the two, the hand has
    moved by 4 cm, a hundredth of the distance to the wall."""
    moved = np.array([[0.04], [0.01], [0.0]])
    poses = [photos.pose(4 + index, 12) for index in range(spots)]
    pairs = [(pose, np.hstack([pose[:, :3], pose[:, 3:] + moved])) for pose in poses]
    _write(folder, seed, size, [pose for pair in pairs for pose in pair])


def write_panorama(folder: Path, seed: int, count: int, size: tuple[int, int] = (480, 360)) -> None:
    """Writes `count` photos of that wall, all from one spot: the camera only turns."""
    eye = np.array([0.0, -4.5, 1.6])
    poses = []
    for angle in np.radians(np.linspace(-24, 24, count)):
        cos, sin = np.cos(angle), np.sin(angle)
        # x right, y down, z forward in a world where z is up.
        rotation = np.array([[cos, -sin, 0], [0, 0, -1], [sin, cos, 0]])
        poses.append(np.hstack([rotation, -(rotation @ eye)[:, None]]))
    _write(folder, seed, size, poses)


@functools.cache
def _surfaces(seed: int) -> list[scene.Surface]:
    """The wall and its box, lit."""
    rng = np.random.default_rng(seed)
    colours = rng.integers(20, 240, size=(5, 3)).tolist()
    wall = Quad(vector(-8, 2, 7), vector(16, 0, 0), vector(0, 0, -12))
    shapes: list[Shape] = [wall, *box((0.3, 0.2), 0.0, (1.4, 1.0, 1.2), 25)]
    albedos = [
        materials.mosaic(rng, (600, 800), 60, colours),
        *(materials.painting(rng, (200, 240), colours) for _ in shapes[1:]),
    ]
    return [
        scene.Surface(shape, lighting.bake(shape, shapes, albedo))
        for shape, albedo in zip(shapes, albedos, strict=True)
    ]


def _write(folder: Path, seed: int, size: tuple[int, int], poses: list[Any]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for index, pose in enumerate(poses):
        view = photos.SamplePhoto("", pose, photos.intrinsics(size))
        picture = photos.render(_surfaces(seed), view, size)
        picture.save(folder / f"wall{seed}_{index}.jpg", quality=92)
