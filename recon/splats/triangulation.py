"""Positions of points from their observations in known cameras."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recon.splats.gaussians import Camera

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Tracks:
    """T observations of M points, in any order."""

    points: Integers  # [T] which point, 0 to M - 1
    views: Integers  # [T] which photo
    xys: Floats  # [T, 2] px, in that photo

    @property
    def point_count(self) -> int:
        return int(self.points.max()) + 1 if len(self.points) else 0


def triangulate(
    tracks: Tracks, cameras: list[Camera], *, iterations: int = 5
) -> tuple[Floats, Floats]:
    """Positions [M, 3] in the world and mean reprojection errors [M] in px of the tracks' points.

    Linear (DLT) first, then Gauss-Newton on the reprojection error. The error is infinite where
    a point has no finite position or lies behind a camera that observed it.
    """
    poses = np.stack([c.viewmat.numpy().astype(float)[:3] for c in cameras])  # [V, 3, 4]
    projections = np.stack([c.K.numpy().astype(float) for c in cameras]) @ poses
    matrices = projections[tracks.views]  # [T, 3, 4]
    means = _linear(tracks, matrices)
    for _ in range(iterations):
        residuals, jacobians, _ = _reproject(tracks, matrices, means)
        normal = _sum(tracks, np.einsum("tij,tik->tjk", jacobians, jacobians))
        gradient = _sum(tracks, np.einsum("tij,ti->tj", jacobians, residuals))
        damping = 1e-9 * np.trace(normal, axis1=1, axis2=2)[:, None, None] + 1e-12
        step = np.linalg.solve(normal + damping * np.eye(3), gradient[..., None])[..., 0]
        means = means - np.nan_to_num(step)
    residuals, _, depths = _reproject(tracks, matrices, means)
    lengths = np.where(depths > 0, np.linalg.norm(residuals, axis=1), np.inf)
    counts = np.bincount(tracks.points, minlength=len(means))
    errors = _sum(tracks, lengths) / np.maximum(counts, 1)
    return means, np.where(np.isfinite(means).all(1), errors, np.inf)


def _linear(tracks: Tracks, matrices: Floats) -> Floats:
    """Direct linear transform: the null vector of each point's stacked equations, [M, 3]."""
    rows = tracks.xys[:, :, None] * matrices[:, 2:3] - matrices[:, :2]  # [T, 2, 4]
    # Equations in pixels of unlike photos weigh alike once each has length one.
    rows = rows / np.linalg.norm(rows[..., :3], axis=-1, keepdims=True)
    normal = _sum(tracks, np.einsum("tij,tik->tjk", rows, rows))  # [M, 4, 4]
    homogeneous = np.linalg.eigh(normal)[1][..., 0]
    w = homogeneous[:, 3:]
    return homogeneous[:, :3] / np.where(np.abs(w) < 1e-12, 1e-12, w)


def _reproject(tracks: Tracks, matrices: Floats, means: Floats) -> tuple[Floats, Floats, Floats]:
    """Residuals [T, 2] px, their Jacobians by position [T, 2, 3], and depths [T]."""
    points = means[tracks.points]
    projected = np.einsum("tij,tj->ti", matrices[..., :3], points) + matrices[..., 3]
    depths = projected[:, 2]
    safe = np.where(np.abs(depths) < 1e-12, 1e-12, depths)[:, None]
    xys = projected[:, :2] / safe
    jacobians = (matrices[:, :2, :3] - xys[..., None] * matrices[:, 2:3, :3]) / safe[..., None]
    return xys - tracks.xys, jacobians, depths


def _sum(tracks: Tracks, values: Floats) -> Floats:
    """The sums [M, ...] of the observations' `values` [T, ...] over each point."""
    total = np.zeros((tracks.point_count, *values.shape[1:]))
    np.add.at(total, tracks.points, values)
    return total


def point_colours(tracks: Tracks, images: list[NDArray[np.uint8]], sizes: Floats) -> Floats:
    """The mean colour [M, 3], 0 to 1, of each point in the photos that observed it.

    `images` may be smaller than the photos: `sizes` [V, 2] are the photos' (width, height) in the
    pixels of the tracks.
    """
    colours = np.empty((len(tracks.points), 3))
    for view, image in enumerate(images):
        here = tracks.views == view
        rows, columns = pixels_of(tracks.xys[here], image, sizes[view])
        colours[here] = image[rows, columns] / 255
    counts = np.bincount(tracks.points, minlength=tracks.point_count)
    return _sum(tracks, colours) / np.maximum(counts, 1)[:, None]


def pixels_of(xys: Floats, image: NDArray[np.generic], size: Floats) -> tuple[Integers, Integers]:
    """Rows and columns [T] in `image` [H, W, ...] of the places `xys` [T, 2], px, in its photo.

    `image` may be smaller than the photo, whose (width, height) is `size`.
    """
    height, width = image.shape[:2]
    columns, rows = (xys * np.array([width, height]) / size).astype(np.int64).T
    return np.clip(rows, 0, height - 1), np.clip(columns, 0, width - 1)
