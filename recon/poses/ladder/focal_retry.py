"""A rung's matches again, without the focal lengths from the metadata.

Where those are wrong (cropped photos, a converter, a false entry) a good model looks doubtful and
is rejected, or holding to the metadata's bends the model. Where photos say too little, on the other
hand, the metadata know better: so they are dropped only if

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

from recon.poses.colmap.mapping import MapperVariant, incremental_mapping
from recon.poses.ladder import focal_hints
from recon.poses.ladder.candidates import Candidate, best_of
from recon.poses.ladder.focal_hints import STARTS, Misfit
from recon.poses.ladder.rungs import Rung
from recon.poses.ladder.screening import screen
from recon.poses.ladder.sources import Work
from recon.poses.ladder.state import LadderState
from recon.poses.pair_graph import TRIED
from recon.reporting import Progress, part, within

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


def is_due(rung: Rung, state: LadderState, at_odds: Candidate | None) -> bool:
    """Whether to look again: where a model is at odds with the metadata, and where no rung of these
    matches has won, once."""
    if not state.work.focal_priors:
        return False
    return at_odds is not None or not (state.won or rung.source.name in state.looked_again)


def map_without_focals(matches: Matches, state: LadderState, report: Progress) -> None:
    """Maps without the metadata's focal lengths, and drops those that the photos speak against.

    What is better than the best model by now takes its place.
    """
    began = time.monotonic()
    work, rung = state.work, matches.rung
    state.looked_again.add(rung.source.name)
    again = replace(rung, name=f"{rung.name}_free", title=f"{rung.title}, {WITHOUT}")
    witnesses, agreed = _witnesses(matches, work, report)
    if agreed is not None:
        why = "the focal lengths are those in the files"
        state.note_model(again, agreed, why, time.monotonic() - began)
        state.offer(again, agreed)
        return
    trust = _why_trust_files(witnesses, matches, work, report)
    seconds = time.monotonic() - began
    best = best_of(witnesses)
    if trust is None and best is not None:
        _trust_photos(best, again, state, matches, seconds)
    else:
        state.note(again, TRIED, str(trust), seconds)


def _witnesses(
    matches: Matches, work: Work, report: Progress
) -> tuple[list[Candidate], Candidate | None]:
    """Firm models from several starts, all at odds with the metadata; or one that is not.

    First with the cameras that the metadata tell apart. Where that leaves photos out, each gets a
    camera of its own: a converter or a crop may be in some photos only.
    """
    best: list[Candidate] = []
    for shared in (True, False):
        found = [] if matches.at_odds is None or not shared else [matches.at_odds]
        for start in STARTS:
            free = _map_with_free_focals(matches, work, start, report, shared=shared)
            if free is None:
                break
            if _misfit(free, work) is None:
                return [], free
            found.append(free)
            if len(found) >= ENOUGH:
                break
        if len(found) >= ENOUGH and (not best or found[-1].worth > best[-1].worth):
            best = found
        if best and len(best[-1].names) == len(work.names):
            break
    return best, None


def _why_trust_files(
    witnesses: Sequence[Candidate], matches: Matches, work: Work, report: Progress
) -> str | None:
    """Why the photos say too little, a clause; None if they contradict the metadata."""
    if len(witnesses) < ENOUGH:
        return "no firm model"
    if not focal_hints.same_focals(witnesses):
        return "other starts lead to other focal lengths"
    held = _map_with_held_focals(matches, work, report)
    if not all(focal_hints.explains_more(one, held) for one in witnesses):
        return "the focal lengths in the files explain as much"
    return None


def _trust_photos(
    best: Candidate, again: Rung, state: LadderState, matches: Matches, seconds: float
) -> None:
    """Uses `best` instead of what was made with the metadata's focal lengths, and goes on without
    those that it contradicts.
    """
    misfit = _misfit(best, state.work)
    if misfit is None:
        raise ValueError("a model that agrees with the metadata speaks against nothing")
    state.note_model(again, best, misfit.in_words, seconds)
    state.misfit = misfit
    state.best, state.best_rung = best, again.name
    work = state.work.without_focals(misfit.names)
    state.work = replace(work, database=_change_cameras(state.work.database, work, matches))


def _map_with_free_focals(
    matches: Matches, work: Work, start: float, report: Progress, *, shared: bool
) -> Candidate | None:
    """The best firm model from the matches without the focal lengths in doubt: those that
    `at_odds` contradicts, else all."""
    known = work.focal_priors
    doubted = None if matches.at_odds is None else _misfit(matches.at_odds, work)
    mapped = work.without_focals(known if doubted is None else doubted.names)
    if not shared:
        mapped = mapped.with_own_cameras()
    database = _change_cameras(matches.database, mapped, matches, start)
    variant = MapperVariant(relaxed=matches.rung.mapper is not incremental_mapping)
    found = _map_variant(matches, database, work.without_focals(known), variant, report)
    return found if found is not None and found.firm else None


def _change_cameras(database: Path, work: Work, matches: Matches, start: float = STARTS[0]) -> Path:
    """A copy of `database` with the cameras of `work`."""
    place = Path(tempfile.mkdtemp(dir=matches.folder)) / "database.db"
    focal_hints.with_cameras(database, place, work.photos, work.groups, start)
    return place


def _map_with_held_focals(matches: Matches, work: Work, report: Progress) -> Candidate | None:
    """The best model that keeps the metadata's focal lengths as they are."""
    return _map_variant(
        matches, matches.database, work, MapperVariant(relaxed=True, hold_focal=True), report
    )


def _map_variant(
    matches: Matches, database: Path, work: Work, variant: MapperVariant, report: Progress
) -> Candidate | None:
    report = part(within(report, "without_file_focals"), 1.0, 1.0)
    with tempfile.TemporaryDirectory(dir=matches.folder, ignore_cleanup_errors=True) as scratch:
        models = incremental_mapping(
            database, work.photos, Path(scratch), seed=work.seed, variant=variant, report=report
        )
    return best_of(screen(model, database, work).candidate for model in models)


def _misfit(candidate: Candidate, work: Work) -> Misfit | None:
    return focal_hints.misfit(candidate, work.focal_priors, work.config.max_focal_change)
