"""What photos are taken with: lenses that may bend, and what a camera writes into its files."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from recon.samples.noise import Array

FULL_FRAME_DIAGONAL = 43.27  # mm
FOCAL_35MM = 28  # mm on 35 mm film, as EXIF has it: whole numbers

EXIF_MAKE, EXIF_MODEL, EXIF_ORIENTATION, EXIF_IFD = 0x010F, 0x0110, 0x0112, 0x8769
EXIF_FOCAL, EXIF_FOCAL_35MM = 0x920A, 0xA405
HELD_UPRIGHT = 6  # EXIF's word for: turn a quarter to the right to see it as it was

#: Rays are looked up between these angles from the axis; none is seen beyond the last.
_ANGLES = np.radians(np.linspace(0.0, 86.0, 20_001))


@dataclass(frozen=True)
class Lens:
    """A lens that bends about its axis only, in COLMAP's terms.

    A ray at the tangent r from the axis arrives at `bend(r)` focal lengths from the principal
    point: r for PINHOLE, r (1 + k1 r² + k2 r⁴) for RADIAL, θ (1 + k1 θ² + ...) with θ = atan r for
    OPENCV_FISHEYE.
    """

    model: str = "PINHOLE"
    distortion: tuple[float, ...] = ()

    def bend(self, r: Array) -> Array:
        """Distances in the picture, in focal lengths, of rays at the tangents `r`."""
        base = np.arctan(r) if self.model == "OPENCV_FISHEYE" else r
        square = base * base
        factor = sum((k * square ** (i + 1) for i, k in enumerate(self.distortion)), 1.0)
        return np.asarray(base * factor)

    def straighten(self, bent: Array) -> Array:
        """The tangents of the rays that arrive at the distances `bent`.

        Raises ValueError where no ray arrives there.
        """
        tangents = np.tan(_ANGLES)
        arriving = self.bend(tangents)
        falls = np.flatnonzero(np.diff(arriving) <= 0)
        end = int(falls[0]) + 1 if len(falls) else len(arriving)
        if bent.max() > arriving[end - 1]:
            raise ValueError(f"{self} has no ray that arrives at {bent.max():.2f} focal lengths")
        return np.interp(bent, arriving[:end], tangents[:end])


STRAIGHT = Lens()


@dataclass(frozen=True)
class Camera:
    """What a photo is taken with, and what that writes into the file."""

    focal_35mm: int = FOCAL_35MM  # mm
    lens: Lens = STRAIGHT
    model: str = "Sample camera"
    tells_focal: bool = True
    tells_model: bool = True
    upright: bool = False  # held upright: stored lying, with an orientation, as phones do it
    more: dict[int, object] = field(default_factory=dict)  # other tags of the EXIF directory

    def size(self, size: tuple[int, int]) -> tuple[int, int]:
        """Width and height in px of a picture by a sensor of `size`, as it is looked at."""
        return (size[1], size[0]) if self.upright else size

    def stored(self, picture: Image.Image) -> Image.Image:
        """`picture` as it lies in the file."""
        return picture.transpose(Image.Transpose.ROTATE_90) if self.upright else picture

    def exif(self) -> Image.Exif:
        exif = Image.Exif()
        if self.tells_model:
            exif[EXIF_MAKE], exif[EXIF_MODEL] = "InstaRecon3D", self.model
        if self.upright:
            exif[EXIF_ORIENTATION] = HELD_UPRIGHT
        tags = dict(self.more)
        if self.tells_focal:
            tags |= {EXIF_FOCAL: float(self.focal_35mm), EXIF_FOCAL_35MM: self.focal_35mm}
        if tags:
            exif.get_ifd(EXIF_IFD).update(tags)
        return exif


def intrinsics(size: tuple[int, int], focal_35mm: float = FOCAL_35MM) -> NDArray[np.float64]:
    """K for photos of `size` (width, height in px): principal point in the middle."""
    width, height = size
    focal = focal_35mm / FULL_FRAME_DIAGONAL * float(np.hypot(width, height))
    return np.array([[focal, 0, width / 2], [0, focal, height / 2], [0, 0, 1]])
