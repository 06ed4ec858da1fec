"""The rungs of the ladder, cheapest first. To add one, add a line; to reorder, move one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from recon.poses.colmap.mapping import global_mapping, incremental_mapping
from recon.poses.ladder.attempts import relaxed_mapping
from recon.poses.ladder.sources import GUIDED, LEARNED, PLAIN, STRONG, Source
from recon.reporting import Progress

if TYPE_CHECKING:
    from pycolmap import Reconstruction


class Mapper(Protocol):
    """A function that makes models, best first, of a database's verified pairs."""

    def __call__(
        self, database: Path, photos: Path, scratch: Path, *, seed: int, report: Progress
    ) -> list[Reconstruction]: ...


@dataclass(frozen=True)
class Rung:
    """One strategy: matches from a source, and a mapper that makes a model of them."""

    name: str
    title: str  # for the log and the pair graph
    source: Source
    mapper: Mapper
    share: float  # of the ladder's progress

    @property
    def code(self) -> str:
        """What it tells people: see `recon.pipeline.words.progress_texts`."""
        return f"rung_{self.name}"


RUNGS: tuple[Rung, ...] = (
    Rung("incremental", "SIFT, one photo after the other", PLAIN, incremental_mapping, 0.50),
    Rung("relaxed", "SIFT, one after the other, with looser limits", PLAIN, relaxed_mapping, 0.05),
    Rung("global", "SIFT, all photos at once", PLAIN, global_mapping, 0.05),
    Rung("guided", "SIFT matched again, with looser limits", GUIDED, relaxed_mapping, 0.05),
    Rung("strong_sift", "stronger SIFT, with looser limits", STRONG, relaxed_mapping, 0.15),
    Rung("learned", "learned features, with looser limits", LEARNED, relaxed_mapping, 0.15),
    Rung("learned_global", "learned features, all photos at once", LEARNED, global_mapping, 0.05),
)


def up_to(last: str, *, gpu: bool = False) -> tuple[Rung, ...]:
    """The rungs of the table up to the one named `last`, all for an empty name, as they are tried.

    A GPU finds learned features in seconds, where stronger SIFT keeps all cores busy for longer:
    there they come first. Raises ValueError for an unknown name.
    """
    names = [rung.name for rung in RUNGS]
    if last and last not in names:
        raise ValueError(f"no rung is called {last!r}; there are {', '.join(names)}")
    rungs = RUNGS[: names.index(last) + 1] if last else RUNGS
    return tuple(sorted(rungs, key=lambda rung: rung.source is STRONG)) if gpu else rungs
