"""What matching and mapping found out, for people: `colmap/pairs.json`.

COLMAP_MATCH writes it, COLMAP_MAP completes it, also where no model came out of it.
`recon.pipeline.outcome` reads and writes it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from recon.poses.colmap.pairs import Pair
from recon.poses.connections import Edge
from recon.poses.groups import connected_groups
from recon.poses.models.checks import ModelFacts

#: How a rung may end.
WON, BEST, TRIED, SKIPPED, FAILED = "won", "best", "tried", "skipped", "failed"


@dataclass(frozen=True)
class GraphPhoto:
    """A photo of the graph."""

    name: str  # in work/photos
    registered: bool | None  # None: not known yet
    group: int  # index into `PairGraph.groups`


@dataclass(frozen=True)
class RungRecord:
    """How one rung of the ladder ended."""

    name: str
    title: str
    outcome: str  # WON, BEST (of the partial ones), TRIED, SKIPPED or FAILED (ran into trouble)
    why: str  # a sentence
    seconds: float = 0.0
    registered: int = 0  # photos, of its best model
    facts: ModelFacts | None = None  # of that model


@dataclass(frozen=True)
class PairGraph:
    """All of `pairs.json`."""

    photos: tuple[GraphPhoto, ...]
    pairs: tuple[Pair, ...]  # by name; the most inliers that any rung's features found
    groups: tuple[tuple[str, ...], ...]  # largest first
    rung: str | None = None  # the name of the one whose model is used
    rungs: tuple[RungRecord, ...] = ()  # in the order tried
    model: ModelFacts | None = None  # of the model used

    @property
    def strengths(self) -> dict[Edge, float]:
        """Inliers by pair, without those that join two groups: so few matches come by chance."""
        group_of = {photo.name: photo.group for photo in self.photos}
        return {
            (pair.a, pair.b): float(pair.inliers)
            for pair in self.pairs
            if group_of[pair.a] == group_of[pair.b]
        }

    @property
    def left_out(self) -> list[str]:
        """The photos that found no place, by name; none before mapping."""
        return [photo.name for photo in self.photos if photo.registered is False]

    def rename(self, names: Mapping[str, str]) -> PairGraph:
        """The same graph of photos under other names. Raises KeyError for a photo without one."""
        photos = (replace(photo, name=names[photo.name]) for photo in self.photos)
        return replace(
            self,
            photos=tuple(sorted(photos, key=lambda photo: photo.name)),
            pairs=tuple(replace(one, a=names[one.a], b=names[one.b]) for one in self.pairs),
            groups=tuple(tuple(names[name] for name in group) for group in self.groups),
        )


def make_pair_graph(
    names: Iterable[str], pairs: Sequence[Pair], *, registered: Iterable[str] | None = None,
    rung: str | None = None, rungs: Sequence[RungRecord] = (), model: ModelFacts | None = None,
) -> PairGraph:  # fmt: skip
    """The graph of the photos `names`; `registered` is None before mapping."""
    ordered = sorted(names)
    placed = None if registered is None else sorted(registered)
    groups = connected_groups(ordered, pairs, placed or ())
    group_of = {name: index for index, group in enumerate(groups) for name in group}
    photos = (
        GraphPhoto(name, None if placed is None else name in placed, group_of[name])
        for name in ordered
    )
    return PairGraph(
        tuple(photos), tuple(pairs), tuple(map(tuple, groups)), rung, tuple(rungs), model
    )


def strongest_pairs(graphs: Iterable[Iterable[Pair]]) -> list[Pair]:
    """Every pair of `graphs` once, with the most inliers it has in any, by name."""
    best: dict[tuple[str, str], Pair] = {}
    for pair in (pair for graph in graphs for pair in graph):
        known = best.get((pair.a, pair.b))
        if known is None or pair.inliers > known.inliers:
            best[pair.a, pair.b] = pair
    return [best[key] for key in sorted(best)]
