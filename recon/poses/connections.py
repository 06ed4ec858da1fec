"""Which photos hang together: the connected parts of a graph whose lines are pairs of photos."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

Edge = tuple[str, str]


def groups(names: Sequence[str], edges: Iterable[Edge]) -> list[list[str]]:
    """The connected photos, largest group first; singles are groups of one. Orders as `names`."""
    leader = {name: name for name in names}

    def find(name: str) -> str:
        while leader[name] != name:
            leader[name] = leader[leader[name]]
            name = leader[name]
        return name

    for a, b in edges:
        leader[find(b)] = find(a)
    parts: dict[str, list[str]] = {}
    for name in names:
        parts.setdefault(find(name), []).append(name)
    return sorted(parts.values(), key=len, reverse=True)


def backbone(names: Sequence[str], strengths: Mapping[Edge, float]) -> list[Edge]:
    """The strongest lines that hold each group together without a circle (Kruskal 1956).

    Its weakest line is the best that a group has to offer between its two halves.
    """
    chosen: list[Edge] = []
    part = {name: index for index, name in enumerate(names)}
    for a, b in sorted(strengths, key=lambda edge: (-strengths[edge], edge)):
        if part[a] != part[b]:
            old, new = part[b], part[a]
            part = {name: new if number == old else number for name, number in part.items()}
            chosen.append((a, b))
    return chosen
