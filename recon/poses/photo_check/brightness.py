"""How bright a photo is, and how much of it is lost in black or white."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: Grey levels from 0 to 255 beyond which a pixel holds no detail.
BLACK, WHITE = 5, 250

_GAMMA = 2.2  # near enough to sRGB's curve for comparing photos


@dataclass(frozen=True)
class Brightness:
    """What one photo's grey levels say."""

    level: float  # log2 of the mean light, full white is 0: exposure steps (EV)
    black: float  # share of the pixels without detail because they are too dark
    white: float  # share of the pixels without detail because they are too bright
    highlights: float  # grey level that only one pixel in twenty exceeds, 0 to 255


def measure(luminance: NDArray[np.uint8]) -> Brightness:
    """The brightness of `luminance` [H, W]."""
    counts = np.bincount(luminance.ravel(), minlength=256) / luminance.size
    levels = np.arange(256)
    light: Any = counts @ (levels / 255) ** _GAMMA
    return Brightness(
        level=float(np.log2(light + 1e-4)),
        black=float(counts[: BLACK + 1].sum()),
        white=float(counts[WHITE:].sum()),
        highlights=float(np.searchsorted(np.cumsum(counts), 0.95)),
    )
