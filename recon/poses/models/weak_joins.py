"""Is a model one piece, or two that are joined by chance?

Photos of two places that look alike in one spot (a poster, a kind of window) can end up in one
model, joined by the few points that both seem to see, or in a place that most of the matches
between them contradict. Such a model is wrong where it joins.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components, minimum_spanning_tree

from recon.poses.models.agreement import Agreement

if TYPE_CHECKING:
    from pycolmap import Reconstruction

#: The join between two parts, each of two photos or more, must have so many points, ...
MIN_SHARED_POINTS = 12
#: ... this part of the points that the poorer of the two parts has to itself, ...
MIN_SHARED_PART = 0.04
#: ... and this part of the verified matches across it must fit the model.
MIN_AGREEING = 0.3


@dataclass(frozen=True)
class Join:
    """What holds two parts of a model together."""

    larger: tuple[int, ...]  # image ids of the part with more photos
    smaller: tuple[int, ...]
    shared: int  # points seen from both
    own: int  # points that only one part sees, of the part that has fewer
    agreeing: float  # part of the verified matches across that fit the model

    @property
    def strength(self) -> float:
        return self.shared / max(self.own, 1)

    @property
    def holds(self) -> bool:
        return (
            self.shared >= MIN_SHARED_POINTS
            and self.strength >= MIN_SHARED_PART
            and self.agreeing >= MIN_AGREEING
        )

    @property
    def in_words(self) -> str:
        return (
            f"parts of {len(self.larger)} and {len(self.smaller)} photos share {self.shared} "
            f"points beside {self.own} of their own, and {self.agreeing:.0%} of the matches "
            "between them fit"
        )


def joins(model: Reconstruction, agreements: Sequence[Agreement]) -> list[Join]:
    """The joins of the pycolmap reconstruction `model`, weakest first; none below four photos.

    They are where the maximum spanning tree of the photos' shared points can be cut: a cut with
    few shared points has no strong link across, so some edge of the tree is its strongest.
    """
    ids, sees = _incidence(model)
    found = []
    for side in _cuts(sees.astype(np.int64) @ sees.T.astype(np.int64)):
        if min(side.sum(), (~side).sum()) >= 2:
            found.append(_join(ids, sees, side, agreements))
    return sorted(found, key=lambda join: join.strength)


def _join(
    ids: NDArray[np.int64],
    sees: NDArray[np.bool_],
    side: NDArray[np.bool_],
    agreements: Sequence[Agreement],
) -> Join:
    here, there = sees[side].any(axis=0), sees[~side].any(axis=0)
    smaller, larger = sorted((tuple(map(int, ids[s])) for s in (side, ~side)), key=len)
    across = [a for a in agreements if (a.image_a in smaller) != (a.image_b in smaller)]
    matches = sum(a.matches for a in across)
    return Join(
        larger,
        smaller,
        shared=int((here & there).sum()),
        own=min(int((here & ~there).sum()), int((there & ~here).sum())),
        agreeing=sum(a.fitting for a in across) / matches if matches else 0.0,
    )


def _incidence(model: Reconstruction) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """The registered image ids [N], and which of them see which points: [N, P]."""
    ids = np.array(sorted(model.reg_image_ids()), dtype=np.int64)
    row = {int(image_id): index for index, image_id in enumerate(ids)}
    sees = np.zeros((len(ids), model.num_points3D()), dtype=bool)
    for column, point in enumerate(model.points3D.values()):
        for element in point.track.elements:
            sees[row[element.image_id], column] = True
    return ids, sees


def _cuts(weights: NDArray[np.int64]) -> Iterator[NDArray[np.bool_]]:
    """For each edge of the maximum spanning tree of `weights` [N, N]: the nodes that it cuts off
    from node 0, [N]."""
    a, b = np.triu_indices(len(weights), k=1)
    ranks = np.empty(len(a))
    ranks[np.argsort(-weights[a, b], kind="stable")] = np.arange(1, len(a) + 1)
    tree = minimum_spanning_tree(coo_array((ranks, (a, b)), shape=weights.shape)).tocoo()
    for cut in range(tree.nnz):
        others = np.arange(tree.nnz) != cut
        rest = coo_array(
            (tree.data[others], (tree.row[others], tree.col[others])), shape=weights.shape
        )
        _, labels = connected_components(rest, directed=False)
        yield labels != labels[0]
