"""What matching and mapping found out, for people: `colmap/pairs.json`.

COLMAP_MATCH writes it, COLMAP_MAP completes it, also where no model came out of it. `read` is how
the pages, the API and `explain` get at it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from recon.poses.groups import connected
from recon.poses.pairs import Pair

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
    facts: dict[str, Any] = field(default_factory=dict)  # of that model, as ModelFacts


@dataclass(frozen=True)
class PairGraph:
    """All of `pairs.json`."""

    photos: tuple[GraphPhoto, ...]
    pairs: tuple[Pair, ...]  # by name; the most inliers that any rung's features found
    groups: tuple[tuple[str, ...], ...]  # largest first
    rung: str | None = None  # the name of the one whose model is used
    rungs: tuple[RungRecord, ...] = ()  # in the order tried
    model: dict[str, Any] | None = None  # facts of the model used, and "total" photos

    def to_dict(self) -> dict[str, Any]:
        return {
            "photos": [asdict(photo) for photo in self.photos],
            "pairs": [pair.to_dict() for pair in self.pairs],
            "groups": [list(group) for group in self.groups],
            "rung": self.rung,
            "rungs": [_flat(record) for record in self.rungs],
            "model": self.model,
        }


def of(
    names: Iterable[str], pairs: Sequence[Pair], *, registered: Iterable[str] | None = None,
    rung: str | None = None, rungs: Sequence[RungRecord] = (), model: dict[str, Any] | None = None,
) -> PairGraph:  # fmt: skip
    """The graph of the photos `names`; `registered` is None before mapping."""
    ordered = sorted(names)
    placed = None if registered is None else sorted(registered)
    groups = connected(ordered, pairs, placed or ())
    group_of = {name: index for index, group in enumerate(groups) for name in group}
    photos = (
        GraphPhoto(name, None if placed is None else name in placed, group_of[name])
        for name in ordered
    )
    return PairGraph(
        tuple(photos), tuple(pairs), tuple(map(tuple, groups)), rung, tuple(rungs), model
    )


def read(path: Path) -> PairGraph:
    """The graph in the file `path`. Raises FileNotFoundError, and ValueError for another format."""
    data = json.loads(path.read_text())
    try:
        return PairGraph(
            photos=tuple(GraphPhoto(**photo) for photo in data["photos"]),
            pairs=tuple(Pair(**pair) for pair in data["pairs"]),
            groups=tuple(tuple(group) for group in data["groups"]),
            rung=data["rung"],
            rungs=tuple(_record(record) for record in data["rungs"]),
            model=data["model"],
        )
    except (KeyError, TypeError) as error:
        raise ValueError(f"{path} is not a pair graph of this version") from error


def strongest(graphs: Iterable[Iterable[Pair]]) -> list[Pair]:
    """Every pair of `graphs` once, with the most inliers it has in any, by name."""
    best: dict[tuple[str, str], Pair] = {}
    for pair in (pair for graph in graphs for pair in graph):
        known = best.get((pair.a, pair.b))
        if known is None or pair.inliers > known.inliers:
            best[pair.a, pair.b] = pair
    return [best[key] for key in sorted(best)]


def _flat(record: RungRecord) -> dict[str, Any]:
    whole = asdict(record)
    return {**whole.pop("facts"), **whole}


def _record(data: Mapping[str, Any]) -> RungRecord:
    own = {k: data[k] for k in ("name", "title", "outcome", "why", "seconds", "registered")}
    return RungRecord(**own, facts={k: v for k, v in data.items() if k not in own})
