"""The rule by which people take turns. No Django: benchmarks/queue_sim.py applies it, too."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Sequence


def place_of(owner: Hashable, waiting: Sequence[Hashable], running: Iterable[Hashable]) -> int:
    """Where among those that wait a new one of `owner` belongs. Both are named by their owners."""
    ranks = Counter(running)
    mine = ranks[owner] + list(waiting).count(owner)
    for place, one in enumerate(waiting):
        if ranks[one] > mine:
            return place
        ranks[one] += 1
    return len(waiting)
