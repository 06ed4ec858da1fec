"""Was the camera only turned? Then every pair of photos is a homography K R K^-1, and there is
no depth to be had (Hartley and Zisserman 2004, section 8.4.2).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from recon.poses.connections import Edge
from recon.poses.photo_check import CheckLimits, PhotoLook
from recon.poses.quick_pairs import PairFacts

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
    errors = np.array(
        [
            [_rotation_error(looks[a], looks[b], facts, focal) for focal in FOCALS]
            for (a, b), facts in turns
        ]
    )
    return bool(np.median(errors, axis=0).min() <= limits.turned_error)


def _rotation_error(a: PhotoLook, b: PhotoLook, facts: PairFacts, focal: float) -> float:
    """How far K_b^-1 H K_a is from a rotation: its singular values' largest distance from 1."""
    matrix = np.array(facts.homography).reshape(3, 3)
    turned = np.linalg.inv(_intrinsics(b, focal)) @ matrix @ _intrinsics(a, focal)
    turned /= np.cbrt(np.linalg.det(turned))
    return float(np.abs(np.linalg.svd(turned, compute_uv=False) - 1).max())


def _intrinsics(look: PhotoLook, focal: float) -> NDArray[np.float64]:
    """K [3, 3] in px of the small photo."""
    width, height = look.features.width, look.features.height
    f = (look.focal or focal) * max(width, height)
    return np.array([[f, 0, width / 2], [0, f, height / 2], [0, 0, 1]])
