"""From what a mapper made to a candidate: doubtful parts are removed, the rest is checked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from recon.poses.ladder.candidates import Candidate, candidate
from recon.poses.ladder.diagnosis import diagnose
from recon.poses.ladder.sources import Work
from recon.poses.models import checks, weak_joins
from recon.poses.models.agreement import Agreement, agreements

if TYPE_CHECKING:
    from pycolmap import Reconstruction


@dataclass(frozen=True)
class ScreenedModel:
    """What became of one model."""

    facts: checks.ModelFacts
    candidate: Candidate | None  # None for a model that can't be trusted
    notes: tuple[str, ...]  # what was taken out of it, and why it can't be trusted
    at_odds: Candidate | None = None  # a model to trust, but for the metadata

    @property
    def in_words(self) -> str:
        return "; ".join([f"{self.facts.registered} photos, {self.facts.in_words}", *self.notes])


def screen(model: Reconstruction, database: Path, work: Work) -> ScreenedModel:
    """Removes weak photos and parts joined by chance from `model`, in place, and checks the rest.

    `database` is the one that the pycolmap reconstruction `model` was made from.
    """
    config = work.config
    fit = agreements(model, database)
    notes = []
    while True:
        weak = checks.drop_weak_photos(model, fit, config)
        if weak:
            notes.append(f"seeing too few points to be placed: {', '.join(weak)}")
        broken = _broken(model, fit)
        if broken is None:
            break
        images = [model.images[i] for i in broken.smaller]
        gone = checks.take_out(model, images)
        notes.append(f"not one piece, {broken.in_words}: without {', '.join(gone)}")
    facts = checks.measure(model, fit, work.focal_priors)
    doubts = checks.problems(facts, config)
    names = [model.images[i].name for i in model.reg_image_ids()]
    if not doubts and len(names) < len(work.names):  # of all together the ladder has asked already
        diagnosis = diagnose(database, names, config.min_registered)
        doubts = [] if diagnosis is None else [diagnosis.why]
    contradiction = checks.contradiction(facts, config)
    whole = None if doubts else candidate(model, facts, config.solid_points_per_photo)
    if contradiction is not None:
        doubts.append(contradiction)
    if doubts:
        notes.append(f"not a model to trust: {', '.join(doubts)}")
    if contradiction is not None:
        return ScreenedModel(facts, None, tuple(notes), at_odds=whole)
    return ScreenedModel(facts, whole, tuple(notes))


def _broken(model: Reconstruction, fit: Sequence[Agreement]) -> weak_joins.Join | None:
    return next((join for join in weak_joins.joins(model, fit) if not join.holds), None)
