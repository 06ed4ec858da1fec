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


@dataclass(frozen=True, kw_only=True)
class CheckLimits:
    """The limits from which something is worth mentioning. docs/develop/photo-check.md has the
    figures.
    """

    # One photo.
    blurred: float = -0.9  # log2 of fine detail against the siblings' median
    darker: float = -1.5  # EV against the siblings' median
    brighter: float = 1.3  # EV against the siblings' median
    dark_highlights: float = 60.0  # grey level; below, a photo is dark whatever its siblings are
    whiter: float = 0.3  # share of pixels without detail in white, against the siblings' median
    white: float = 0.5  # share of pixels without detail; above, a photo is too bright
    small_longest: int = 640  # px; smaller photos hold few points
    small_shortest: int = 480  # px
    strip: float = 4.0  # longest over shortest side; above, hardly anything is seen across it
    few_features: int = 60  # in the small photo; fewer give nothing to hold on to
    # Two photos.
    linked: float = -3.0  # log10 chance; at or below, two photos show something in common
    strong: float = -10.0  # log10 chance; at or below, beyond doubt
    dense: float = 0.5  # share of a group's pairs that are linked where the quick look works well
    thin_inliers: int = 20  # fewer common points are a thin link between two parts of a set
    duplicate_flat: float = 0.8  # share of common points that one homography explains
    duplicate_overlap: float = 0.75  # share of each photo that is in the other
    duplicate_overlap_turned: float = 0.95  # the same where the camera turned on the spot
    duplicate_inliers: int = 20
    unlike: float = colours.UNLIKE  # above, two photos look like different places
    # The set.
    turned_flat: float = 0.9  # share of a pair's points that a turn on the spot must explain
    turned_pairs: float = 0.8  # share of the linked pairs that it must explain
    turned_error: float = 0.05  # how far their homographies may be from rotations
    most_thin: int = 3  # thin links named at most


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
