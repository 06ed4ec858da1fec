"""The filter against floaters: statistical outlier removal, then DBSCAN (Ester et al. 1996)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import DBSCAN
from sklearn.neighbors import NearestNeighbors

Floats = NDArray[np.floating]
Mask = NDArray[np.bool_]

_MIN_SAMPLES = 10  # neighbours that make a point the core of a cluster (DBSCAN's parameter)
_EPS_QUANTILE = 0.95  # this share of the points are to be cores
_MAX_CLUSTERED = 50_000  # points; DBSCAN's memory grows with every pair closer than eps
_CHUNK = 20_000  # points searched for between two calls of `tick`


def keep_mask(
    means: Floats,
    *,
    k_neighbors: int,
    std_threshold: float,
    min_cluster_ratio: float,
    tick: Callable[[], None] = lambda: None,
) -> Mask:
    """Which of the points [N, 3] are no outliers, [N]. Deterministic; never drops all of them.

    A point goes if its mean distance to its `k_neighbors` nearest others is more than
    `std_threshold` standard deviations over the average, or if it is then left in a cluster of
    fewer than `min_cluster_ratio` of all points. `tick` is called several times a second.
    """
    keep: Mask = np.asarray(np.isfinite(means).all(axis=1))
    keep[keep] = _near_others(means[keep], k_neighbors, std_threshold, tick)
    clustered = keep.copy()
    clustered[keep] = _in_large_cluster(means[keep], min_cluster_ratio, tick)
    return clustered if clustered.any() else keep


def _near_others(
    means: Floats, k_neighbors: int, std_threshold: float, tick: Callable[[], None]
) -> Mask:
    if len(means) <= k_neighbors:
        return np.ones(len(means), bool)
    distances = _neighbour_distances(means, k_neighbors, tick).mean(axis=1)
    return distances <= distances.mean() + std_threshold * distances.std()


def _in_large_cluster(means: Floats, min_cluster_ratio: float, tick: Callable[[], None]) -> Mask:
    """Clusters an even sample of the points; the others go with their nearest sampled one."""
    if len(means) <= _MIN_SAMPLES:
        return np.ones(len(means), bool)
    every = -(-len(means) // _MAX_CLUSTERED)
    sample = means[::every]
    labels = _clusters(sample, tick)
    if every > 1:
        nearest = NearestNeighbors(n_neighbors=1).fit(sample)
        labels = labels[nearest.kneighbors(means, return_distance=False)[:, 0]]
    sizes = np.bincount(labels[labels >= 0], minlength=1)
    large = sizes >= min_cluster_ratio * len(means)
    return (labels >= 0) & large[labels]


def _clusters(sample: Floats, tick: Callable[[], None]) -> NDArray[np.int64]:
    """DBSCAN's labels [S], -1 for noise; its radius from how far apart the points are."""
    if len(sample) <= _MIN_SAMPLES:
        return np.zeros(len(sample), np.int64)
    reach = _neighbour_distances(sample, _MIN_SAMPLES, tick)[:, -1]
    eps = max(float(np.quantile(reach, _EPS_QUANTILE)), float(np.finfo(np.float32).tiny))
    # Where points crowd, one in a radius that suits the sparse parts has thousands of
    # neighbours: count each of the crowd, but look at one per cell.
    cells, crowd = np.unique(
        np.floor((sample - sample.min(axis=0)) / (eps / 2)).astype(np.int64),
        axis=0,
        return_inverse=True,
    )
    counts = np.bincount(crowd, minlength=len(cells))
    centres = np.stack(
        [np.bincount(crowd, sample[:, i], len(cells)) / counts for i in range(3)], axis=1
    )
    clustering = DBSCAN(eps=eps, min_samples=_MIN_SAMPLES)
    return clustering.fit(centres, sample_weight=counts).labels_[crowd]


def _neighbour_distances(points: Floats, k: int, tick: Callable[[], None]) -> Floats:
    """Distances [N, k] to the k nearest others, nearest first."""
    tree = NearestNeighbors(n_neighbors=k + 1, algorithm="kd_tree", n_jobs=-1).fit(points)
    found = []
    for first in range(0, len(points), _CHUNK):
        found.append(tree.kneighbors(points[first : first + _CHUNK])[0][:, 1:])
        tick()
    return np.concatenate(found)
