"""Which photos are connected: the connected groups of the pair graph.

Photos of different places verify against each other by chance now and then, with 15 to 20 matches
of SIFT (rendered walls of one kind of stone: 7 of 85 pairs) and 15 to 27 of learned features (8 of
108 pairs of `fern`, `cake` and `sceaux`), and one such pair would make one group of two. So a pair
counts only with `SOLID_INLIERS`; photos that mapping has placed in one model are connected whatever
the counts. docs/develop/poses.md has the figures.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from recon.poses import connections
from recon.poses.colmap.pairs import Pair

#: Verified matches that no pair has by chance.
SOLID_INLIERS = 30


def connected_groups(
    names: Iterable[str], pairs: Sequence[Pair], placed: Sequence[str] = ()
) -> list[list[str]]:
    """The groups, the one with most photos first (then with most matches); names sorted within.

    `placed` are photos known to be of one place. A photo connected to no other is a group of its
    own.
    """
    solid = [p for p in pairs if p.inliers >= SOLID_INLIERS]
    known = [Pair(placed[0], other, SOLID_INLIERS) for other in placed[1:]]
    groups = groups_by_any_pair(names, [*solid, *known])
    matches = {tuple(g): sum(p.inliers for p in solid if p.a in g) for g in groups}
    return sorted(groups, key=lambda g: (-len(g), -matches[tuple(g)], g))


def groups_by_any_pair(names: Iterable[str], pairs: Iterable[Pair]) -> list[list[str]]:
    """The groups where every pair counts, the largest first; names sorted within."""
    return connections.connected_components(sorted(names), ((pair.a, pair.b) for pair in pairs))
