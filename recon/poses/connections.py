"""Which photos are connected: the connected parts of a graph whose edges are pairs of photos.

Every process of a site loads this module and hardly any looks for connections, so scipy comes late.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from scipy.sparse import coo_array

Edge = tuple[str, str]


def connected_components(names: Sequence[str], edges: Iterable[Edge]) -> list[list[str]]:
    """The connected photos, largest group first; singles are groups of one. Orders as `names`."""
    from scipy.sparse import csgraph

    graph = _graph(names, dict.fromkeys(edges, 1))
    _, labels = csgraph.connected_components(graph, directed=False)
    parts: dict[int, list[str]] = {}
    for name, label in zip(names, labels.tolist(), strict=True):
        parts.setdefault(label, []).append(name)
    return sorted(parts.values(), key=len, reverse=True)


def spanning_tree(names: Sequence[str], strengths: Mapping[Edge, float]) -> list[Edge]:
    """The strongest edges that hold each group together without a cycle, strongest first: the
    maximum spanning forest, among equals the first by name.

    Its weakest edge is the strongest link that the group has between its two halves.
    """
    from scipy.sparse import csgraph

    ordered = sorted(strengths, key=lambda edge: (-strengths[edge], edge))
    ranks = {edge: rank for rank, edge in enumerate(ordered, 1)}  # distinct, so there is one forest
    chosen = csgraph.minimum_spanning_tree(_graph(names, ranks)).data.astype(int)
    return [ordered[rank - 1] for rank in sorted(chosen.tolist())]


def _graph(names: Sequence[str], weights: Mapping[Edge, int]) -> coo_array:
    """The weights as a sparse [N, N] matrix, by the positions of the photos in `names`."""
    from scipy.sparse import coo_array

    index = {name: number for number, name in enumerate(names)}
    rows = [index[a] for a, _ in weights]
    columns = [index[b] for _, b in weights]
    values = np.array(list(weights.values()), dtype=float)
    return coo_array((values, (rows, columns)), shape=(len(names), len(names)))
