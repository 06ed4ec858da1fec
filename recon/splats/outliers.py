"""The filter against floaters: statistical outlier removal, then DBSCAN (Ester et al. 1996).

Both look at the gaps between Gaussians, not at the distances between their centres. The few large
Gaussians that make up a background have far neighbours and yet touch them: taken for points they
would be outliers, and losing them costs a forward-facing scene 11 dB
(docs/measurements/recipe.md).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix, csr_matrix
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from recon.reporting import Progress, silent

Floats = NDArray[np.floating]
Integers = NDArray[np.integer]
Mask = NDArray[np.bool_]

_REACH = 2.0  # standard deviations along its longest axis that a Gaussian is taken to fill
_MIN_SAMPLES = 10  # neighbours that make a Gaussian the core of a cluster (DBSCAN's parameter)
_EPS_QUANTILE = 0.95  # this share of the Gaussians are to be cores
_CHUNK = 20_000  # Gaussians searched for between two calls of `report`


def keep_mask(
    means: Floats,
    scales: Floats,
    *,
    k_neighbors: int,
    std_threshold: float,
    min_cluster_ratio: float,
    report: Progress = silent,
) -> Mask:
    """Which of the Gaussians are not outliers, [N]. Deterministic; never drops all of them.

    `means` [N, 3] and `scales` [N, 3] (standard deviations) are in world units. A Gaussian goes
    if its mean gap to its `k_neighbors` nearest others is more than `std_threshold` standard
    deviations over the average, or if it is then left in a cluster of fewer than
    `min_cluster_ratio` of all. `report` is called several times a second.
    """
    keep: Mask = np.asarray(np.isfinite(means).all(axis=1) & np.isfinite(scales).all(axis=1))
    if keep.sum() <= max(k_neighbors, _MIN_SAMPLES):
        return keep
    gaps, neighbours = _gaps(means[keep], _REACH * scales[keep].max(axis=1), k_neighbors, report)
    mean_gaps = gaps.mean(axis=1)
    near = mean_gaps <= mean_gaps.mean() + std_threshold * mean_gaps.std()
    together = near.copy()
    graph = _graph(gaps, neighbours)[near][:, near]
    together[near] = _in_large_cluster(gaps[near], graph, min_cluster_ratio)
    keep[keep] = together if together.any() else near
    return keep


def _gaps(means: Floats, reach: Floats, k: int, report: Progress) -> tuple[Floats, Integers]:
    """Gaps [N, k] to the k others whose centres are nearest, 0 where they touch; their indices."""
    tree = cKDTree(means)
    gaps, neighbours = np.empty((len(means), k)), np.empty((len(means), k), np.int64)
    for first in range(0, len(means), _CHUNK):
        here = slice(first, first + _CHUNK)
        distances, found = tree.query(means[here], k + 1, workers=-1)
        neighbours[here] = found[:, 1:]  # the first is the Gaussian itself, or one at its place
        theirs = reach[neighbours[here]]
        # A floater as large as a wall touches everything, but nothing as large touches it.
        ours = np.minimum(reach[here, None], theirs.max(axis=1, keepdims=True))
        gaps[here] = distances[:, 1:] - ours - theirs
        report(min(here.stop / len(means), 1.0))
    return np.maximum(gaps, 0.0), neighbours


def _graph(gaps: Floats, neighbours: Integers) -> csr_matrix:
    """The gaps [N, k] as a symmetric sparse graph [N, N]."""
    count, k = gaps.shape
    # A zero is no edge to scipy, so that those that touch are a hair apart.
    edges = np.maximum(gaps, np.finfo(np.float32).tiny).ravel()
    graph = csr_matrix((edges, neighbours.ravel(), np.arange(0, count * k + 1, k)), (count, count))
    return graph.maximum(graph.T)


def _in_large_cluster(gaps: Floats, graph: csr_matrix, min_cluster_ratio: float) -> Mask:
    """Whom DBSCAN puts into a cluster of at least this share of the graph's nodes.

    Its radius comes from the data: nearly all of them are to be cores.
    """
    enough = min(_MIN_SAMPLES, gaps.shape[1])
    nth_gaps = np.partition(gaps, enough - 1, axis=1)[:, enough - 1]
    eps = max(float(np.quantile(nth_gaps, _EPS_QUANTILE)), float(np.finfo(np.float32).tiny))
    labels = dbscan(graph, eps, enough)
    sizes = np.bincount(labels[labels >= 0], minlength=1)
    large = sizes >= min_cluster_ratio * len(gaps)
    return (labels >= 0) & large[labels]


def dbscan(graph: csr_matrix, eps: float, min_samples: int) -> Integers:
    """DBSCAN's clusters on a symmetric graph of distances [N, N]: labels [N], -1 is in none.

    The same clusters as scikit-learn's, whose lists of neighbours in Python take half of the
    filter's time. A core is one of at least `min_samples` that lie within `eps` of it, itself
    counted. Cores so near to each other are one cluster; who is near to cores of two belongs to
    the first.
    """
    count = graph.shape[0]
    near = graph.data <= eps
    rows = np.repeat(np.arange(count), np.diff(graph.indptr))[near]
    columns = graph.indices[near]
    core = np.bincount(rows, minlength=count) + 1 >= min_samples
    inner = core[rows] & core[columns]
    edges = (np.ones(inner.sum(), np.bool_), (rows[inner], columns[inner]))
    _, labels = connected_components(coo_matrix(edges, (count, count)))
    labels = np.where(core, labels, count)
    border = ~core[rows] & core[columns]
    np.minimum.at(labels, rows[border], labels[columns[border]])
    return np.where(labels < count, labels, -1)
