"""Was the camera only turned? Then every pair of photos is a homography K R K^-1, and there is
no depth to be had (Hartley and Zisserman 2004, section 8.4.2).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from recon.poses.connections import Edge
from recon.poses.photo_check.check_limits import CheckLimits
from recon.poses.photo_check.photo_look import PhotoLook
from recon.poses.photo_check.quick_pairs import PairFacts

#: Focal lengths tried where none is known, as parts of the longest side.
FOCALS = np.geomspace(0.4, 3.0, 25)


def is_turn(
    looks: Mapping[str, PhotoLook], linked: Mapping[Edge, PairFacts], limits: CheckLimits
) -> bool:
    """Whether the linked pairs are explained by a camera that stood still and turned."""
    turns = [
        (edge, facts)
        for edge, facts in linked.items()
        if facts.homography
        and facts.flat >= limits.turned_flat
        # A copy of a photo also fits, and says nothing of how the others were taken.
        and facts.overlap < limits.duplicate_overlap
    ]
    other = sum(facts.flat < limits.turned_flat for facts in linked.values())
    if len(turns) < 2 or len(turns) < limits.turned_pairs * (len(turns) + other):
        return False
    # The metadata's focal lengths are hints: a cropped photo's are the whole one's.
    return any(
        _least_error(looks, turns, hinted=hinted) <= limits.turned_error for hinted in (True, False)
    )


def _least_error(
    looks: Mapping[str, PhotoLook], turns: Sequence[tuple[Edge, PairFacts]], *, hinted: bool
) -> float:
    """How far the pairs are from turns in the median, with the focal length that suits them best;
    `hinted`: with the metadata's where they say one."""
    errors = np.array(
        [
            [_rotation_error(looks[a], looks[b], facts, focal, hinted) for focal in FOCALS]
            for (a, b), facts in turns
        ]
    )
    return float(np.median(errors, axis=0).min())


def _rotation_error(
    a: PhotoLook, b: PhotoLook, facts: PairFacts, focal: float, hinted: bool
) -> float:
    """How far K_b^-1 H K_a is from a rotation: its singular values' largest distance from 1."""
    matrix = np.array(facts.homography).reshape(3, 3)
    turned = np.linalg.inv(_intrinsics(b, focal, hinted)) @ matrix @ _intrinsics(a, focal, hinted)
    turned /= np.cbrt(np.linalg.det(turned))
    return float(np.abs(np.linalg.svd(turned, compute_uv=False) - 1).max())


def _intrinsics(look: PhotoLook, focal: float, hinted: bool) -> NDArray[np.float64]:
    """K [3, 3] in px of the small photo."""
    width, height = look.features.width, look.features.height
    f = ((hinted and look.focal) or focal) * max(width, height)
    return np.array([[f, 0, width / 2], [0, f, height / 2], [0, 0, 1]])
