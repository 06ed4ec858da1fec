"""Whether two photos may show the same place, by their colours alone.

Weak evidence, and the only one where no common points are found: photos of one place share their
colours from almost anywhere, photos of two places seldom do.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

#: A distance; above, two photos look like different places (docs/develop/photo-check.md).
UNLIKE = 0.53

THUMBNAIL = 64  # px, each side
BINS = 8  # along each axis of CIELAB
_GREY_STEP, _COLOUR_STEP, _COLOUR_RANGE = 32, 12, 48


def histogram(picture: Image.Image) -> NDArray[np.float32]:
    """Square roots of the shares of `picture`'s pixels in each cell of CIELAB, [BINS ** 3]."""
    thumbnail = picture.convert("RGB").resize((THUMBNAIL, THUMBNAIL), Image.Resampling.BOX)
    lab = np.asarray(thumbnail.convert("LAB"))
    grey = lab[..., 0].astype(int) // _GREY_STEP
    # Pillow keeps a* and b* as signed bytes.
    a, b = ((lab[..., i].view(np.int8).astype(int) + _COLOUR_RANGE) // _COLOUR_STEP for i in (1, 2))
    cells = (grey * BINS + np.clip(a, 0, BINS - 1)) * BINS + np.clip(b, 0, BINS - 1)
    shares = np.bincount(cells.ravel(), minlength=BINS**3) / cells.size
    return np.sqrt(shares).astype(np.float32)


def distance(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    """Hellinger distance of two histograms: 0 for the same colours, 1 for none in common."""
    return float(np.sqrt(max(0.0, 1.0 - float(a @ b))))
