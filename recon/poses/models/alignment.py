"""Where one model's world lies in another's, when both were made from the same photos.

Structure from motion is free to choose its origin, axes and unit, so two runs on the same photos
differ by a similarity.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

#: A photo that lies further off than so many times the middle one's error is left out.
_WRONG = 3.0
#: Beyond these the two models are not the same place: share of the cameras' spread, degrees.
_FAR, _TURNED = 0.1, 5.0


@dataclass(frozen=True)
class Similarity:
    """x in the first world is `scale * rotation @ x + translation` in the second."""

    scale: float
    rotation: NDArray[np.float64]  # [3, 3]
    translation: NDArray[np.float64]  # [3]

    def apply(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """[N, 3] of the first world, in the second."""
        return self.scale * points @ self.rotation.T + self.translation


def align(first: NDArray[np.float64], second: NDArray[np.float64]) -> Similarity | None:
    """The similarity between two models' worlds.

    `first` and `second` are [N, 3, 4]: the same photos' camera-from-world poses [R | t] in each.
    None with fewer than three photos, cameras all in one place, or models that don't agree.
    The rotation is the chordal mean over photos (Hartley et al., Rotation Averaging, IJCV 2013),
    so cameras in one line are enough; scale and translation are least squares over the centres.
    Photos that one of the models has wrong are left out.
    """
    if len(first) < 3 or len(first) != len(second):
        return None
    good = np.ones(len(first), bool)
    for _ in range(2):
        found = _fit(first[good], second[good])
        if found is None:
            return None
        distances, angles = _errors(found, first, second)
        good = (distances <= _WRONG * np.median(distances) + 1e-9) & (
            angles <= _WRONG * np.median(angles) + 1e-6
        )
        if good.sum() < 3:
            return None
    spread = _spread(_centres(second))
    agrees = np.median(distances) <= _FAR * spread and np.median(angles) <= np.radians(_TURNED)
    return found if agrees else None


def _fit(first: NDArray[np.float64], second: NDArray[np.float64]) -> Similarity | None:
    turns = np.einsum("nji,njk->ik", second[:, :, :3], first[:, :, :3])  # sum of R2^T R1
    u, _, vt = np.linalg.svd(turns)
    rotation = u @ np.diag([1.0, 1.0, np.linalg.det(u @ vt)]) @ vt
    here, there = _centres(first) @ rotation.T, _centres(second)
    from_middle = here - here.mean(axis=0)
    size = float((from_middle**2).sum())
    if size < 1e-18:
        return None
    scale = float((from_middle * (there - there.mean(axis=0))).sum()) / size
    if scale <= 0:
        return None
    return Similarity(scale, rotation, there.mean(axis=0) - scale * here.mean(axis=0))


def _errors(
    found: Similarity, first: NDArray[np.float64], second: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Per photo: how far the centre is off in the second world's unit, and the turn in radians."""
    distances = np.linalg.norm(found.apply(_centres(first)) - _centres(second), axis=1)
    turned = np.einsum("nij,kj,nlk->nil", first[:, :, :3], found.rotation, second[:, :, :3])
    traces = np.trace(turned, axis1=1, axis2=2)
    return distances, np.arccos(np.clip((traces - 1) / 2, -1, 1))


def _centres(poses: NDArray[np.float64]) -> NDArray[np.float64]:
    """[N, 3]: where the cameras are, from camera-from-world poses."""
    return -np.einsum("nji,nj->ni", poses[:, :, :3], poses[:, :, 3])


def _spread(centres: NDArray[np.float64]) -> float:
    """Median distance from the median place."""
    return float(np.median(np.linalg.norm(centres - np.median(centres, axis=0), axis=1)))
