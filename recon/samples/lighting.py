"""Soft light, baked: a low sun with soft shadows, a blue sky, and the ground's warm bounce.

Every surface is Lambertian, so that what a place looks like does not depend on who looks: the
light is computed once on a coarse grid a surface, and multiplied into its texture.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import compress

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from recon.samples.surfaces import Array, Shape, vector

SUN = vector(-0.52, -0.62, 0.78)  # towards it
SUN_COLOUR = vector(1.62, 1.42, 1.14)
SUN_WIDTH = 0.09  # radius of its disc at distance 1: soft shadow edges
SKY_COLOUR = vector(0.66, 0.78, 0.98)
BOUNCE_COLOUR = vector(0.24, 0.19, 0.15)
SUN_RAYS = 16
SKY_RAYS = 28
TEXELS_PER_METRE = 11
LIFT = 4e-3  # metres off the surface, so that it does not shadow itself
MAX_TEXELS = 100  # across one surface
MARGIN = 0.01  # metres that rounding can't reach, around what could cast a shadow


def bake(shape: Shape, scene: Sequence[Shape], albedo: Array) -> NDArray[np.uint8]:
    """The texture `albedo` ([H, W, 3] sRGB, 0 to 1) as lit in `scene`, sRGB from 0 to 255."""
    height, width = albedo.shape[:2]
    light = _irradiance(shape, scene)
    channels = [
        np.asarray(Image.fromarray(light[..., c]).resize((width, height), Image.Resampling.BICUBIC))
        for c in range(3)
    ]
    linear = albedo**2.2 * np.maximum(np.stack(channels, axis=-1), 0.02)
    shown = linear * (1 + linear / 6) / (1 + linear * 0.55)  # holds the highlights back
    return (np.clip(shown, 0, 1) ** (1 / 2.2) * 255 + 0.5).astype(np.uint8)


def _irradiance(shape: Shape, scene: Sequence[Shape]) -> Array:
    """Light that arrives at the surface, [h, w, 3], on a coarse grid over it."""
    across, down = (int(np.clip(s * TEXELS_PER_METRE, 6, MAX_TEXELS)) for s in shape.size())
    u = (np.arange(across, dtype=np.float32) + 0.5) / across
    v = (np.arange(down, dtype=np.float32) + 0.5) / down
    places, normals = shape.points(*np.meshgrid(u, v))
    places = places + normals * LIFT
    ball, balls = _ball(places.reshape(-1, 3)), np.stack([_ball(o.bounds()) for o in scene])

    def lit_from(direction: Array) -> Array:
        facing = np.maximum(normals @ direction, 0)
        others = list(compress(scene, _in_the_way(ball, direction, balls)))
        return facing * ~_is_blocked(places, direction, others) if facing.any() else facing

    sun = np.zeros(places.shape[:2], np.float32)
    for direction in _sun_rays():
        sun += lit_from(direction)
    sky = np.zeros_like(sun)
    whole = np.float32(0)
    for direction in _sky_rays():
        sky += lit_from(direction)
        whole += max(float(direction[2]), 0.0)
    bounce = np.clip(0.5 - 0.5 * normals[..., 2], 0, 1)
    return (
        sun[..., None] / SUN_RAYS * SUN_COLOUR
        + sky[..., None] / whole * SKY_COLOUR
        + bounce[..., None] * BOUNCE_COLOUR
        + np.float32(0.035)
    ).astype(np.float32)


def _is_blocked(places: Array, direction: Array, scene: Sequence[Shape]) -> NDArray[np.bool_]:
    """Whether anything stands between the places [..., 3] and far away in `direction` [3]."""
    blocked = np.zeros(places.shape[:-1], bool)
    directions = direction.reshape((1,) * (places.ndim - 1) + (3,))
    for shape in scene:
        blocked |= np.isfinite(shape.hit(places, directions)[0])
    return blocked


def _in_the_way(ball: Array, direction: Array, balls: Array) -> NDArray[np.bool_]:
    """Which of `balls` [S, 4] could shadow anything in `ball` [4] from `direction` [3], unit long.

    Few can, and asking every shape was most of the time that building a scene took.
    """
    offsets, room = balls[:, :3] - ball[:3], balls[:, 3] + ball[3] + MARGIN
    along = offsets @ direction
    aside = (offsets**2).sum(axis=1) - along**2
    return (along >= -room) & (aside <= room**2)


def _ball(points: Array) -> Array:
    """A ball that holds the points [N, 3]: its centre and its radius, [4]."""
    centre = (points.min(axis=0) + points.max(axis=0)) / 2
    return np.append(centre, np.linalg.norm(points - centre, axis=1).max())


def _sun_rays() -> Array:
    """Directions [R, 3] to places spread evenly over the sun's disc (Vogel's spiral)."""
    centre = SUN / np.linalg.norm(SUN)
    side = np.cross(centre, vector(0, 0, 1))
    side /= np.linalg.norm(side)
    up = np.cross(side, centre)
    k = np.arange(SUN_RAYS, dtype=np.float32)
    radius, turn = SUN_WIDTH * np.sqrt((k + 0.5) / SUN_RAYS), k * 2.399963
    rays = centre + (radius * np.cos(turn))[:, None] * side + (radius * np.sin(turn))[:, None] * up
    return (rays / np.linalg.norm(rays, axis=1, keepdims=True)).astype(np.float32)


def _sky_rays() -> Array:
    """Directions [R, 3] spread evenly over the upper half of the sphere (Fibonacci's)."""
    k = np.arange(SKY_RAYS, dtype=np.float32)
    z, turn = (k + 0.5) / SKY_RAYS, k * 2.399963
    flat = np.sqrt(1 - z * z)
    return np.stack([flat * np.cos(turn), flat * np.sin(turn), z], axis=1).astype(np.float32)
