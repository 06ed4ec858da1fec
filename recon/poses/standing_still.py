"""Things that stand still in the pictures while the rest moves: a wall behind a turntable, a frame
around a screenshot, a watermark, a dashboard.

Their matches all say that the camera did not move. If there are more of them than of the rest,
every pair is verified as a copy, and no pose can be found; so they are separated first. In a copy
the matches that don't move are everywhere where there are features; beside a thing that turns, or
under an overlay, there are features without any. docs/develop/poses.md has the figures behind the
limits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

#: A match stands still that moves by less than this part of the longest side.
_STILL = 0.001
#: Once something is known to stand still, matches that move by less than this go with it: at the
#: edge of what stands still, features see a little of what moves.
_NEARLY_STILL = 0.003
_CELLS = 16  # along a photo's longest side
_FEATURES = 3  # in a cell, from which on there is something to match
#: So many still matches of a pair can make a geometry of their own.
_TELLING = 10
#: In so large a part of the pairs, and in so many, something must stand still.
_PAIRS, _FEWEST_PAIRS = 0.4, 3
#: Still matches in so large a part of the cells with features: one photo and its copy.
COPIES = 0.95

Array = NDArray[np.float64]


@dataclass(frozen=True)
class StillMatches:
    """What stands still between two photos."""

    count: int  # matches
    cover: float  # of the parts of the picture that hold features, the part where they are


NONE = StillMatches(0, 0.0)


def normalise(xy: NDArray[np.floating], width: int, height: int) -> Array:
    """Where the features at `xy` [N, 2] px of a photo lie: [N, 2] from its centre, in parts of its
    longest side, so that photos of one shape in two sizes can be compared."""
    centred = np.asarray(xy, float).reshape(-1, 2) - [width / 2, height / 2]
    return np.asarray(centred / max(width, height))


def find_still_matches(a: Array, b: Array, matches: NDArray[np.integer]) -> StillMatches:
    """What stands still between two photos whose features are `normalise` at `a` and `b`.

    `matches` [M, 2] are rows of these, as the descriptors alone have them: not yet verified.
    """
    still = displacements(a, b, matches) < _STILL
    if not still.any():
        return NONE
    covers = [
        _cover(features, features[matches[still, side]]) for side, features in enumerate((a, b))
    ]
    return StillMatches(int(still.sum()), min(covers))


def nearly_still(a: Array, b: Array, matches: NDArray[np.integer]) -> NDArray[np.bool_]:
    """Which of the matches go where something is known to stand still: [M]."""
    return displacements(a, b, matches) < _NEARLY_STILL


def still_share(pairs: Sequence[StillMatches]) -> float | None:
    """The part of the picture in which something stands still, 0 to 1; None where nothing does.

    `pairs` are all of the set between photos of one shape, also those without still matches.
    Copies say nothing of it, nor do photos taken from one spot a moment apart.
    """
    others = [pair for pair in pairs if pair.cover < COPIES]
    still = [pair.cover for pair in others if pair.count >= _TELLING]
    if len(still) < max(_FEWEST_PAIRS, _PAIRS * len(others)):
        return None
    return float(np.median(still))


def displacements(a: Array, b: Array, matches: NDArray[np.integer]) -> Array:
    """How far each match moves, in parts of the longest side: [M]."""
    distances: Array = np.linalg.norm(a[matches[:, 0]] - b[matches[:, 1]], axis=1)
    return distances


def _cover(features: Array, still: Array) -> float:
    held = np.bincount(_cell(features), minlength=_CELLS**2) >= _FEATURES
    covered = np.bincount(_cell(still), minlength=_CELLS**2) > 0
    return float((covered & held).sum() / max(held.sum(), 1))


def _cell(at: Array) -> NDArray[np.intp]:
    columns, rows = (np.clip((at + 0.5) * _CELLS, 0, _CELLS - 1)).astype(np.intp).T
    return rows * _CELLS + columns
