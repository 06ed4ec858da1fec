"""How far the ladder has been climbed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from recon.poses.colmap.pairs import Pair
from recon.poses.groups import groups_by_any_pair
from recon.poses.ladder.candidates import Candidate, wins
from recon.poses.ladder.diagnosis import Diagnosis
from recon.poses.ladder.focal_hints import Misfit
from recon.poses.ladder.rungs import Rung
from recon.poses.ladder.sources import Source, Work
from recon.poses.pair_graph import TRIED, RungRecord

Log = Callable[[str], None]


@dataclass
class LadderState:
    """What the rungs tried so far have found."""

    work: Work
    log: Log
    best: Candidate | None = None
    best_rung: str | None = None
    pairs: dict[str, list[Pair]] = field(default_factory=dict)  # by source, of those built
    records: list[RungRecord] = field(default_factory=list)
    diagnosis: Diagnosis | None = None
    most_registered: int = 0  # photos, of the largest model that was turned down for its size
    misfit: Misfit | None = None  # focal lengths in the files that were dropped
    looked_again: set[str] = field(default_factory=set)  # sources, mapped without the files' focals

    @property
    def won(self) -> bool:
        return self.best is not None and wins(self.best, len(self.work.names))

    def joins(self, source: Source) -> int | None:
        """How many photos the source's pairs join in one; None where it wasn't asked yet."""
        pairs = self.pairs.get(source.name)
        return None if pairs is None else len(groups_by_any_pair(self.work.names, pairs)[0])

    def note(self, rung: Rung, outcome: str, why: str, seconds: float = 0.0, **model: Any) -> None:
        """Records how `rung` ended; `model` are the fields of the record about its best one."""
        record = RungRecord(rung.name, rung.title, outcome, why, round(seconds, 2), **model)
        self.records.append(record)
        self.log(f"{rung.title}: {outcome}, {why}")

    def note_model(self, rung: Rung, found: Candidate, why: str, seconds: float) -> None:
        """Records that `rung` ended with the model `found`."""
        total, facts = len(self.work.names), found.facts
        said = f"{facts.registered} of {total} photos, {facts.in_words}"
        said = f"{said}; {why}" if why else said
        self.note(rung, TRIED, said, seconds, registered=facts.registered, facts=facts)

    def offer(self, rung: Rung, found: Candidate) -> None:
        """Takes `found` if it beats the best model so far."""
        if found.beats(self.best):
            self.best, self.best_rung = found, rung.name
