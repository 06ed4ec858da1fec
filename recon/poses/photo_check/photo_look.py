"""A quick look at photos while they arrive: what would be wrong with each, and with the set.

`look` sees one photo, `quick_pairs.compare` two, `set_check.check_set` all of them. The check
advises; it never turns a photo down.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from recon.poses.cameras import exif_focal
from recon.poses.photo_check import brightness, colours, copies, quick_pairs, sharpness
from recon.poses.photo_check.brightness import Brightness
from recon.poses.photo_check.quick_pairs import QuickFeatures

#: px, longest side at which sharpness and brightness are judged: as large as photos are trained
#: on, since blur that is gone there harms nobody.
WORKING_SIZE = 1600

#: px, shortest side that is looked at: less shows nothing.
SHORTEST = 16


@dataclass(frozen=True)
class PhotoLook:
    """What one look at a photo found."""

    width: int  # px, upright, as sent
    height: int  # px
    focal: float | None  # as a part of the longest side, from the metadata
    detail: NDArray[np.float64]  # [4], see `sharpness.overall`
    brightness: Brightness
    colours: NDArray[np.float32]  # see `colours.histogram`
    features: QuickFeatures
    small: NDArray[np.uint8]  # see `copies.small`


def look(image: Image.Image, path: Path, *, size: tuple[int, int]) -> PhotoLook:
    """Looks at the loaded, upright photo `image` of the file `path`.

    `size` is the photo's own, in px; the image may have been decoded at a part of it, with at
    least `WORKING_SIZE` px on its longest side where the photo has as many.
    """
    grey = shrunk(image.convert("L"), WORKING_SIZE)
    luminance = np.asarray(grey)
    detail = sharpness.measure(luminance.astype(np.float32))
    features = quick_pairs.extract(np.asarray(shrunk(grey, quick_pairs.LONGEST)))
    sharp_at = sharpness.at(detail, features.points * (grey.width / features.width))
    return PhotoLook(
        *size,
        focal=_focal(path),
        detail=sharpness.overall(detail),
        brightness=brightness.measure(luminance),
        colours=colours.histogram(image),
        features=replace(features, detail=sharp_at),
        small=copies.small(image),
    )


def _focal(path: Path) -> float | None:
    """The focal length as a part of the longest side, from the metadata."""
    try:
        with Image.open(path) as stored:
            focal = exif_focal(path, stored)
            return None if focal is None else focal / max(stored.size)
    except Exception:  # metadata that keeps Pillow from opening what `decode` could
        return None


def shrunk(image: Image.Image, longest: int) -> Image.Image:
    """`image` with at most `longest` px on its longest side; never enlarged. Of a strip as much is
    left as leaves `SHORTEST` px on the other side."""
    factor = max(longest / max(image.size), SHORTEST / min(image.size))
    if factor >= 1:
        return image
    width, height = (max(1, round(side * factor)) for side in image.size)
    return image.resize((width, height), Image.Resampling.LANCZOS)
