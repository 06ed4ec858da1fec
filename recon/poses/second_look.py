"""A rung's matches once more, without the focal lengths that the metadata say.

Where those are wrong (cropped photos, a converter, a false entry) a good model looks doubtful and
is turned down, or the metadata's is held and bends the model. Where photos say too little, on the
other hand, the metadata know better: so they are dropped only where

- a firm model has other focal lengths, and all else about it is right,
- a run that begins elsewhere arrives at the same ones, and
- with the metadata's held, the photos are explained clearly worse.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from recon.poses import focal_hints
from recon.poses.choosing import Candidate, best_of
from recon.poses.focal_hints import STARTS, Misfit
from recon.poses.judging import judge
from recon.poses.mapping import Manner, incremental
from recon.poses.native import Tick
from recon.poses.pair_graph import TRIED
from recon.poses.rungs import Rung
from recon.poses.so_far import SoFar
from recon.poses.sources import Work

WITHOUT = "without the focal lengths in the files"

#: So many models from different starts with the same focal lengths speak against others.
ENOUGH = 2


@dataclass(frozen=True)
class Matches:
    """What is looked at again."""

    rung: Rung
    database: Path  # its matches
    at_odds: Candidate | None  # the firm model that it found, whose focal lengths are others
    folder: Path  # empty; stays while the ladder is climbed


def due(rung: Rung, so_far: SoFar, at_odds: Candidate | None) -> bool:
    """Whether to look again: where a model is at odds with the metadata, and where no rung of these
    matches has won, once."""
    if not so_far.work.focal_priors:
        return False
    return at_odds is not None or not (so_far.won or rung.source.name in so_far.looked_again)


def look_again(matches: Matches, so_far: SoFar, tick: Tick) -> None:
    """Maps without the metadata's focal lengths, and drops those that the photos speak against.

    What is better than the best model by now takes its place.
    """
    began = time.monotonic()
    work, rung = so_far.work, matches.rung
    so_far.looked_again.add(rung.source.name)
    again = replace(rung, name=f"{rung.name}_free", title=f"{rung.title}, {WITHOUT}")
    witnesses = [] if matches.at_odds is None else [matches.at_odds]
    for number, start in enumerate(STARTS):
        found = _free(matches, work, start, number, tick)
        if found is None:
            so_far.note(again, TRIED, "no firm model", time.monotonic() - began)
            return
        if _misfit(found, work) is None:
            why = "the focal lengths are those in the files"
            so_far.note_model(again, found, why, time.monotonic() - began)
            so_far.offer(again, found)
            return
        witnesses.append(found)
        if len(witnesses) >= ENOUGH:
            break
    trust = _why_believe_the_files(witnesses, matches, work, tick)
    seconds = time.monotonic() - began
    best = best_of(witnesses)
    if trust is None and best is not None:
        _believe_the_photos(best, again, so_far, matches, seconds)
    else:
        so_far.note(again, TRIED, trust or "no firm model", seconds)


def _why_believe_the_files(
    witnesses: Sequence[Candidate], matches: Matches, work: Work, tick: Tick
) -> str | None:
    """Why the photos say too little, a clause; None where they speak against the metadata."""
    if not focal_hints.same_focals(witnesses):
        return "other starts lead to other focal lengths"
    held = _held(matches, work, tick)
    if not all(focal_hints.explains_more(one, held) for one in witnesses):
        return "the focal lengths in the files explain as much"
    return None


def _believe_the_photos(
    best: Candidate, again: Rung, so_far: SoFar, matches: Matches, seconds: float
) -> None:
    """Takes `best` instead of whatever was made with the metadata's focal lengths, and goes on
    without those that it is at odds with."""
    work = so_far.work
    misfit = _misfit(best, work)
    if misfit is None:
        raise ValueError("a model that agrees with the metadata speaks against nothing")
    so_far.note_model(again, best, misfit.in_words, seconds)
    so_far.misfit = misfit
    so_far.best, so_far.best_rung = best, again.name
    place = matches.folder / f"without-{again.name}.db"
    focal_hints.drop(work.database, place, misfit.names)
    so_far.work = replace(work.without_focals(misfit.names), database=place)


def _free(matches: Matches, work: Work, start: float, number: int, tick: Tick) -> Candidate | None:
    """The best firm model from the matches without the focal lengths in doubt."""
    known = work.focal_priors
    doubted = None if matches.at_odds is None else _misfit(matches.at_odds, work)
    names = known if doubted is None else doubted.names
    database = matches.folder / f"{matches.rung.name}-{number}.db"
    focal_hints.drop(matches.database, database, names, start)
    manner = Manner(relaxed=matches.rung.mapper is not incremental)
    found = _mapped(matches, database, work.without_focals(known), manner, tick)
    return found if found is not None and found.firm else None


def _held(matches: Matches, work: Work, tick: Tick) -> Candidate | None:
    """The best model that keeps the metadata's focal lengths as they are."""
    return _mapped(matches, matches.database, work, Manner(relaxed=True, hold_focal=True), tick)


def _mapped(
    matches: Matches, database: Path, work: Work, manner: Manner, tick: Tick
) -> Candidate | None:
    with tempfile.TemporaryDirectory(dir=matches.folder, ignore_cleanup_errors=True) as scratch:
        models = incremental(
            database, work.photos, Path(scratch), seed=work.seed, manner=manner,
            tick=lambda done, said: tick(1.0, f"{WITHOUT}: {said}"),
        )  # fmt: skip
    return best_of(judge(model, database, work).candidate for model in models)


def _misfit(candidate: Candidate, work: Work) -> Misfit | None:
    return focal_hints.misfit(candidate, work.focal_priors, work.config.max_focal_change)
