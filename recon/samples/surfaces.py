"""Shapes that rays hit, each with texture coordinates u, v from 0 to 1."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np

from recon.samples.noise import Array

#: Nearer hits are the surface that the ray started on.
EPSILON = 1e-3


class Shape(Protocol):
    """What the renderer and the light need to know."""

    def hit(self, origins: Array, directions: Array) -> tuple[Array, Array, Array]:
        """Ray parameters t (inf where missed), u and v, for rays [..., 3]; origins broadcast."""

    def points(self, u: Array, v: Array) -> tuple[Array, Array]:
        """Places on the surface and its outward normals there, [..., 3] each."""

    def bounds(self) -> Array:
        """Corners, [C, 3], whose convex hull holds it."""

    def size(self) -> tuple[float, float]:
        """Metres along u and along v."""


def vector(*values: float) -> Array:
    return np.array(values, np.float32)


@dataclass(frozen=True)
class Quad:
    """A rectangle, or the disc inside it; its normal points at where it is seen from."""

    corner: Array  # [3], where u = v = 0: top left as seen from the front
    across: Array  # [3], the edge along u
    down: Array  # [3], the edge along v, perpendicular to `across`
    round: bool = False  # only the disc that fits inside

    @cached_property
    def normal(self) -> Array:
        normal = np.cross(self.down, self.across)
        return (normal / np.linalg.norm(normal)).astype(np.float32)

    @cached_property
    def per_metre(self) -> tuple[Array, Array]:
        """What a vector in the plane is multiplied by to give its u and its v."""
        return self.across / (self.across @ self.across), self.down / (self.down @ self.down)

    def hit(self, origins: Array, directions: Array) -> tuple[Array, Array, Array]:
        slope = directions @ self.normal
        height = (origins - self.corner) @ self.normal
        with np.errstate(divide="ignore", invalid="ignore"):
            t = -height / slope
        # The place in the plane, without building the points themselves.
        along_u, along_v = self.per_metre
        start = origins - self.corner
        u = start @ along_u + t * (directions @ along_u)
        v = start @ along_v + t * (directions @ along_v)
        inside = (u >= 0) & (u <= 1) & (v >= 0) & (v <= 1)
        if self.round:
            inside &= (u - 0.5) ** 2 + (v - 0.5) ** 2 <= 0.25
        return np.where(inside & (t > EPSILON), t, np.float32(np.inf)), u, v

    def points(self, u: Array, v: Array) -> tuple[Array, Array]:
        places = self.corner + u[..., None] * self.across + v[..., None] * self.down
        return places, np.broadcast_to(self.normal, places.shape)

    def bounds(self) -> Array:
        a, b = self.across, self.down
        return np.stack([self.corner, self.corner + a, self.corner + b, self.corner + a + b])

    def size(self) -> tuple[float, float]:
        return float(np.linalg.norm(self.across)), float(np.linalg.norm(self.down))


@dataclass(frozen=True)
class Sphere:
    """u runs around from behind (+y), v from the top down."""

    centre: Array  # [3]
    radius: float

    def hit(self, origins: Array, directions: Array) -> tuple[Array, Array, Array]:
        offset = origins - self.centre
        a = np.einsum("...i,...i", directions, directions)
        b = np.einsum("...i,...i", directions, offset)
        c = np.einsum("...i,...i", offset, offset) - self.radius**2
        root = b * b - a * c
        t = (-b - np.sqrt(np.maximum(root, 0))) / a
        t = np.where((root > 0) & (t > EPSILON), t, np.float32(np.inf))
        reached = np.where(np.isfinite(t), t, 0)[..., None]
        normal = (offset + reached * directions) / self.radius
        v = np.arccos(np.clip(normal[..., 2], -1, 1)) / np.float32(np.pi)
        return t, _turn(normal), v

    def points(self, u: Array, v: Array) -> tuple[Array, Array]:
        turn, fall = u * 2 * np.pi, v * np.pi
        normal = np.stack(
            [np.sin(fall) * np.sin(turn), np.sin(fall) * np.cos(turn), np.cos(fall)], axis=-1
        ).astype(np.float32)
        return self.centre + self.radius * normal, normal

    def bounds(self) -> Array:
        return _box(self.centre - self.radius, self.centre + self.radius)

    def size(self) -> tuple[float, float]:
        return 2 * np.pi * self.radius, np.pi * self.radius


@dataclass(frozen=True)
class Cylinder:
    """The side of an upright cylinder or cone's stump; u as for the sphere, v from the top down."""

    base: Array  # [3], the centre of its foot
    radius: float  # at the foot
    height: float
    flare: float = 0.0  # how much wider the top is

    def hit(self, origins: Array, directions: Array) -> tuple[Array, Array, Array]:
        offset = origins - self.base
        slope = self.flare / self.height
        widths, growth = self.radius + slope * offset[..., 2], slope * directions[..., 2]
        a = directions[..., 0] ** 2 + directions[..., 1] ** 2 - growth**2
        b = (
            directions[..., 0] * offset[..., 0]
            + directions[..., 1] * offset[..., 1]
            - growth * widths
        )
        c = offset[..., 0] ** 2 + offset[..., 1] ** 2 - widths**2
        root = b * b - a * c
        with np.errstate(divide="ignore", invalid="ignore"):
            t = (-b - np.sqrt(np.maximum(root, 0))) / a
        z = offset[..., 2] + t * directions[..., 2]
        inside = (root > 0) & (t > EPSILON) & (z >= 0) & (z <= self.height)
        t = np.where(inside, t, np.float32(np.inf))
        place = offset + np.where(inside, t, 0)[..., None] * directions
        return t, _turn(place), np.clip(1 - z / self.height, 0, 1)

    def points(self, u: Array, v: Array) -> tuple[Array, Array]:
        turn = u * 2 * np.pi
        out = np.stack([np.sin(turn), np.cos(turn), np.zeros_like(turn)], -1).astype(np.float32)
        z = (1 - v) * self.height
        places = self.base + out * (self.radius + self.flare * (1 - v))[..., None]
        return places + z[..., None] * vector(0, 0, 1), out

    def bounds(self) -> Array:
        reach = self.radius + max(self.flare, 0.0)
        low = self.base - vector(reach, reach, 0)
        return _box(low, self.base + vector(reach, reach, self.height))

    def size(self) -> tuple[float, float]:
        return 2 * np.pi * self.radius, self.height


def box(
    centre: tuple[float, float], z: float, size: tuple[float, float, float], turn: float
) -> list[Quad]:
    """The five visible faces of an upright box standing at height `z`: front (towards -y), right,
    back, left, top. `size` is its x, y and z extent, `turn` in degrees about z."""
    angle = np.radians(turn)
    x_axis = vector(np.cos(angle), np.sin(angle), 0)
    y_axis = vector(-np.sin(angle), np.cos(angle), 0)
    up = vector(0, 0, size[2])
    middle = vector(*centre, z)
    faces = []
    sideways, forwards = x_axis * size[0], y_axis * size[1]
    for across, inwards in (
        (sideways, forwards),
        (forwards, -sideways),
        (-sideways, -forwards),
        (-forwards, sideways),
    ):
        faces.append(Quad(middle - across / 2 - inwards / 2 + up, across, -up))
    faces.append(Quad(middle - sideways / 2 + forwards / 2 + up, sideways, -forwards))
    return faces


def _turn(directions: Array) -> Array:
    """The angle about z from +y, as a part of the whole turn, 0 to 1."""
    angle = np.arctan2(directions[..., 0], directions[..., 1])
    return (angle / np.float32(2 * np.pi)) % np.float32(1)


def _box(low: Array, high: Array) -> Array:
    corners = [np.where(choice, high, low) for choice in np.ndindex(2, 2, 2)]
    return np.stack(corners).astype(np.float32)
