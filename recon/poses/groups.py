"""Which photos hang together: the connected groups of the pair graph.

A pair with many verified matches joins two groups by itself. One with few may be chance, or one
poster that hangs in two rooms; such pairs join groups only where there are two of them
(docs/POSES.md has the figures).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from recon.poses.pairs import Pair

#: Verified matches with which one pair is enough. Below, `WEAK_PAIRS` are needed.
SOLID_INLIERS = 25
WEAK_PAIRS = 2


def connected(names: Iterable[str], pairs: Sequence[Pair]) -> list[list[str]]:
    """The groups, the one with most photos first (then with most matches); names sorted within.

    A photo that hangs together with no other is a group of its own.
    """
    groups = joined(names, (p for p in pairs if p.inliers >= SOLID_INLIERS))
    weak = [p for p in pairs if p.inliers < SOLID_INLIERS]
    while merged := _merged(groups, weak):
        groups = merged
    matches = {tuple(g): sum(p.inliers for p in pairs if p.a in g and p.b in g) for g in groups}
    return sorted(groups, key=lambda g: (-len(g), -matches[tuple(g)], g))


def joined(names: Iterable[str], pairs: Iterable[Pair]) -> list[list[str]]:
    """The groups where every pair counts, the largest first."""
    group_of = {name: {name} for name in names}
    for pair in pairs:
        a, b = group_of[pair.a], group_of[pair.b]
        if a is not b:
            a |= b
            group_of.update(dict.fromkeys(b, a))
    distinct = {id(group): sorted(group) for group in group_of.values()}
    return sorted(distinct.values(), key=lambda g: (-len(g), g))


def _merged(groups: list[list[str]], weak: list[Pair]) -> list[list[str]] | None:
    """`groups` with the first two made one that `WEAK_PAIRS` weak pairs join; None without any."""
    place = {name: index for index, group in enumerate(groups) for name in group}
    between: dict[tuple[int, int], int] = defaultdict(int)
    for pair in weak:
        a, b = sorted((place[pair.a], place[pair.b]))
        if a != b:
            between[a, b] += 1
    for (a, b), count in sorted(between.items()):
        if count >= WEAK_PAIRS:
            rest = [g for i, g in enumerate(groups) if i not in (a, b)]
            return [sorted(groups[a] + groups[b]), *rest]
    return None
