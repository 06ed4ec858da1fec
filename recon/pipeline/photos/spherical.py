"""Whether a picture is a 360-degree photo: everything around in one picture, which no camera model
here fits.

Three signs, each enough. The metadata says so (Google's panorama schema, which cameras and
stitchers write as XMP). A picture twice as wide as high claims a focal length that no flat picture
has. Or it looks like one: its left edge continues where its right edge ends, and its first and last
row show one point each, whatever messengers have done to the metadata.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from recon.poses import exif

_SCHEMA = re.compile(rb"ns\.google\.com/photos/1\.0/panorama|GPano:", re.IGNORECASE)
_PROJECTION = re.compile(rb"ProjectionType\s*(?:=\s*[\"']|>)\s*([A-Za-z_-]+)")
_FLAT = (b"rectilinear", b"perspective", b"flat", b"none")
_XMP_READ = 2**20  # bytes

#: Width over height of a picture of everything around, and how far stitchers are from it.
_AROUND, _TOLERANCE = 2.0, 0.01

#: Below these nothing flat is taken: mm on 35 mm film (a flat picture as wide as that shows 130
#: degrees), and mm of a lens whose equivalent is not said (phones' widest have 1.5).
_SHORTEST_EQUIVALENT, _SHORTEST = 10.0, 1.4
_FOCAL_LENGTH, _FOCAL_LENGTH_IN_35MM_FILM = 0x920A, 0xA405

#: The look is taken at this size, px. Measured on rendered 360-degree photos, also saved at a JPEG
#: quality of 40, and on 850 crops of ordinary photos at 2:1:
_LOOK = (512, 256)
_MOST_STEP = 1.3  # across the seam, of the usual one between columns: 1.04 and less; 1.74 and more
_NOISE = 5.0  # grey levels that compression adds to that step; 18 and more in ordinary photos
_LEAST_CORRELATION = 0.55  # of the fine detail at both edges: 0.69 and more; 0.42 and less
_LEAST_DETAIL = 3.0  # grey levels, of that detail: plain walls go on anywhere
_MOST_AT_POLES = 0.5  # spread along the first and last row, of the usual one: 0.33 and less
_FINE = 15  # rows; detail is what differs from the mean of so many


def says_spherical(image: Image.Image) -> bool:
    """Whether the metadata of the opened `image` says so, or makes sense in no other way."""
    found = _PROJECTION.search(xmp := _xmp(image))
    if found is not None and _SCHEMA.search(xmp) and found.group(1).lower() not in _FLAT:
        return True
    return has_shape(image.size) and _has_no_sense(exif.details_of(image))


def looks_spherical(image: Image.Image) -> bool:
    """Whether the pixels of the loaded `image` go all around."""
    if not has_shape(image.size):
        return False
    small = image.convert("RGB").resize(_LOOK, Image.Resampling.BOX)
    pixels = np.asarray(small, np.float32)  # [H, W, 3]
    height = len(pixels)
    step = np.abs(pixels[:, 0] - pixels[:, -1]).mean()
    usual = np.abs(np.diff(pixels, axis=1)).mean()
    poles = max(_spread(pixels[:1]), _spread(pixels[-1:]))
    if step > _MOST_STEP * usual + _NOISE or poles > _MOST_AT_POLES * _spread(
        pixels[height // 4 : -height // 4]
    ):
        return False
    # A horizon lies at the same height everywhere: what all columns share says nothing.
    own = pixels - pixels.mean(axis=1, keepdims=True)
    left, right = _fine(own[:, 0]), _fine(own[:, -1])
    sizes = np.linalg.norm(left), np.linalg.norm(right)
    if min(sizes) < _LEAST_DETAIL * left.size**0.5:
        return False
    return bool((left * right).sum() >= _LEAST_CORRELATION * sizes[0] * sizes[1])


def has_shape(size: tuple[int, int]) -> bool:
    """Whether a picture of `size` (px) could show everything around."""
    width, height = size
    return abs(width / height / _AROUND - 1) <= _TOLERANCE


def _xmp(image: Image.Image) -> bytes:
    said = image.info.get("xmp") or image.info.get("XML:com.adobe.xmp") or b""
    content = said.encode("utf-8", "replace") if isinstance(said, str) else said
    return content[:_XMP_READ] if isinstance(content, bytes) else b""


def _has_no_sense(details: Mapping[int, object]) -> bool:
    equivalent = exif.number(details.get(_FOCAL_LENGTH_IN_35MM_FILM))
    if equivalent:
        return 0 < equivalent < _SHORTEST_EQUIVALENT
    focal = exif.number(details.get(_FOCAL_LENGTH))
    return focal is not None and 0 < focal < _SHORTEST


def _spread(lines: NDArray[np.float32]) -> float:
    """Mean standard deviation along lines [N, L, 3] of pixels."""
    return float(lines.std(axis=1).mean())


def _fine(column: NDArray[np.float32]) -> NDArray[np.float32]:
    """What in a column [H, 3] of pixels differs from its surroundings."""
    padded = np.pad(column, ((_FINE // 2, _FINE // 2), (0, 0)), "edge")
    around = np.lib.stride_tricks.sliding_window_view(padded, _FINE, axis=0).mean(axis=-1)
    return np.asarray(column - around, np.float32)
