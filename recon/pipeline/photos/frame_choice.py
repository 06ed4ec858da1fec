"""Which frames of a video become photos: sharp, spread over time, no two nearly the same.

The frames looked at are sorted by sharpness: how far each falls short of those around it in time
(`recon.poses.photo_check.sharpness`), in the direction where it is worst, which is the one that the
hand moved in. From the sharpest on, a frame is taken if it lies at least a gap away from all that
were taken before and is no near-duplicate of one of them. The gap is the widest with which the
wanted number is found. So in each stretch of the video the sharpest frame wins, no stretch longer
than twice the gap is left without one, and where the camera rests only one frame is taken.

docs/develop/video.md has the figures behind the constants.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recon.poses.photo_check.check_limits import CheckLimits
from recon.poses.photo_check.sharpness import below

#: Frames this close in time, as a part of the whole, are those that a frame's sharpness is compared
#: with.
NEIGHBOURHOOD = 0.25

#: log2 of fine detail against the neighbours' median; a frame below is blurred, and left out.
BLURRED = CheckLimits().blurred

#: Correlation of two frames' small pictures above which they are nearly the same.
SAME = 0.85

#: The gap is found by halving so often.
_HALVINGS = 12

Array = NDArray[np.float32]


@dataclass(frozen=True)
class Candidate:
    """What is known of one frame that was looked at."""

    seconds: float  # from the video's start
    pts: int  # the same in the stream's own unit
    detail: NDArray[np.float64]  # [4], see `sharpness.overall`
    small: Array  # [h, w], see `small_picture`


def choose(candidates: Sequence[Candidate], wanted: int) -> list[Candidate]:
    """At most `wanted` of the candidates, in the order of time."""
    if not candidates or wanted < 1:
        return []
    order = _sharpest_first(candidates)
    alike = _alike(candidates)
    whole = max(c.seconds for c in candidates) - min(c.seconds for c in candidates)
    low, high = 0.0, whole
    chosen = _pick(candidates, order, alike, low)
    for _ in range(_HALVINGS):
        gap = (low + high) / 2
        found = _pick(candidates, order, alike, gap)
        if len(found) >= wanted:
            low, chosen = gap, found
        else:
            high = gap
    return [candidates[index] for index in sorted(chosen[:wanted])]


def small_picture(grey: Array) -> Array:
    """What two frames are compared by: `grey` [h, w] without what changes slowly across it, of
    mean zero and length one, so that the product of two such pictures is their correlation."""
    padded = np.pad(grey.astype(np.float32), 2, "edge")
    height, width = grey.shape
    around = sum(padded[i : i + height, j : j + width] for i in range(5) for j in range(5))
    detail = grey - np.asarray(around, np.float32) / 25
    detail -= detail.mean()
    small: Array = detail / (np.linalg.norm(detail) + np.float32(1e-6))
    return small


def _sharpest_first(candidates: Sequence[Candidate]) -> list[int]:
    """Indices, without the blurred ones as long as others are left."""
    shortfall = sharpness(candidates)
    order = sorted(range(len(candidates)), key=lambda index: -shortfall[index])
    return [index for index in order if shortfall[index] >= BLURRED] or order


def sharpness(candidates: Sequence[Candidate]) -> list[float]:
    """log2 of each frame's fine detail against its neighbours' in time; 0 is like them."""
    details = np.stack([c.detail for c in candidates])
    times = np.array([c.seconds for c in candidates])
    reach = NEIGHBOURHOOD / 2 * (times.max() - times.min())
    shortfalls = []
    for index, own in enumerate(details):
        near = np.abs(times - times[index]) <= reach
        near[index] = False
        shortfalls.append(below(own, details[near]))
    return shortfalls


def _alike(candidates: Sequence[Candidate]) -> NDArray[np.bool_]:
    """[N, N]: which two are nearly the same."""
    flat = np.stack([c.small.ravel() for c in candidates])
    return np.asarray(flat @ flat.T > SAME, bool)


def _pick(
    candidates: Sequence[Candidate], order: Sequence[int], alike: NDArray[np.bool_], gap: float
) -> list[int]:
    """From the sharpest on, whatever is `gap` seconds from all before and like none of them."""
    chosen: list[int] = []
    for index in order:
        own = candidates[index].seconds
        apart = all(abs(own - candidates[other].seconds) >= gap for other in chosen)
        if apart and not alike[index, chosen].any():
            chosen.append(index)
    return chosen
