"""The ladder: from matches to the best model possible, the cheap ways first.

A rung whose model has all photos, firmly placed and past all checks, wins, and nothing after it
is tried. Otherwise the best model of all rungs is used, or none: a wrong one would be worse.
"""

from __future__ import annotations

import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from recon.poses import pair_graph
from recon.poses.colmap.mapping import MapperFailed
from recon.poses.colmap.pairs import read_verified_pairs
from recon.poses.ladder import focal_retry
from recon.poses.ladder.ahead import MatchesAhead
from recon.poses.ladder.candidates import Candidate, best_of
from recon.poses.ladder.diagnosis import diagnose
from recon.poses.ladder.rungs import Rung, up_to
from recon.poses.ladder.screening import screen
from recon.poses.ladder.skip_reasons import why_skip
from recon.poses.ladder.sources import Work
from recon.poses.ladder.state import LadderState
from recon.poses.learned import networks
from recon.poses.pair_graph import BEST, FAILED, SKIPPED, TRIED, WON, PairGraph
from recon.reporting import Progress, Report, part, within

if TYPE_CHECKING:
    from pycolmap import Reconstruction

_MATCHED = 0.7  # of a rung's progress, where its matches must be made first


class OutOfTime(Exception):
    """A rung took longer than it may."""


def climb(work: Work, *, report: Report, keep: Callable[[PairGraph], None]) -> LadderState:
    """Tries the rungs in order until one wins. `keep` is given the graph after each of them.

    Raises what `report` raises, and ValueError where the config names a last rung that isn't one.
    """
    state = LadderState(work, report.log)
    state.diagnosis = diagnose(work.database, work.names, work.config.min_registered)
    rungs = up_to(work.config.last_rung, gpu=networks.on_gpu())
    with _scratch(work) as folder, closing(MatchesAhead()) as ahead:
        for rung in rungs:
            skip = why_skip(rung, state)
            if skip is not None:
                state.note(rung, SKIPPED, skip)
            else:
                share = _share(report, rung, rungs)
                share(0.0, rung.code)
                # The first is what a person expects; the others say what they do.
                inner = share if rung is rungs[0] else within(share, rung.code)
                ahead.begin(rung, rungs, state)
                _try(rung, state, ahead, folder, inner)
            keep(graph_of(state))
            if state.won:
                report.log(f"{rung.title}: won")
                break
    return state


def graph_of(state: LadderState) -> PairGraph:
    """What is known so far, for people."""
    best, names = state.best, state.work.names
    final = WON if state.won else BEST
    rungs = [
        replace(record, outcome=final) if record.name == state.best_rung else record
        for record in state.records
    ]
    return pair_graph.make_pair_graph(
        names,
        pair_graph.strongest_pairs(state.pairs.values()),
        registered=() if best is None else best.names,
        rung=state.best_rung,
        rungs=rungs,
        model=None if best is None else best.facts,
    )


def _try(
    rung: Rung, state: LadderState, ahead: MatchesAhead, folder: Path, report: Progress
) -> None:
    began = time.monotonic()
    report = _limit_time(report, began, state.work.config.rung_seconds)
    try:
        database, models = _models(rung, state, ahead, report)
        at_odds = _choose(rung, state, database, models, began)
        if focal_retry.is_due(rung, state, at_odds):
            matches = focal_retry.Matches(rung, database, at_odds, folder)
            focal_retry.map_without_focals(matches, state, report)
        return
    except OutOfTime:
        why = f"took longer than {state.work.config.rung_seconds:.0f} s"
    except sqlite3.DatabaseError as damage:
        why = f"its matches came out damaged: {damage}"
    except MapperFailed as failure:
        why = f"the mapper gave up: {failure}"
    state.note(rung, FAILED, why, time.monotonic() - began)


def _models(
    rung: Rung, state: LadderState, ahead: MatchesAhead, report: Progress
) -> tuple[Path, list[Reconstruction]]:
    """The rung's database and the models that its mapper makes of it."""
    work, source = state.work, rung.source
    matched = _MATCHED if source.build is not None and source.name not in state.pairs else 0.0
    database = ahead.database_of(source, work, part(report, 0.0, matched))
    state.pairs[source.name] = read_verified_pairs(database)
    with _scratch(work) as scratch:
        rest = part(report, matched, 1.0)
        models = rung.mapper(database, work.photos, scratch, seed=work.seed, report=rest)
    return database, models


@contextmanager
def _scratch(work: Work) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(
        dir=work.folder, prefix=".scratch-", ignore_cleanup_errors=True
    ) as folder:
        yield Path(folder)


def _choose(
    rung: Rung, state: LadderState, database: Path, models: list[Reconstruction], began: float
) -> Candidate | None:
    """Judges `models` and keeps the best of them where it beats what there is.

    Returns the best firm one that only the metadata contradict, if there is one.
    """
    screened = [screen(model, database, state.work) for model in models]
    for one in screened:
        state.log(f"{rung.name}: {one.in_words}")
        if one.candidate is None:
            too_small = one.facts.registered < state.work.config.min_registered
            placed = one.facts.registered if too_small else 0
            state.most_registered = max(state.most_registered, placed)
    chosen = best_of(one.candidate for one in screened)
    seconds = time.monotonic() - began
    if chosen is None:
        why = screened[0].in_words if screened else "no two photos could be the start of a model"
        state.note(rung, TRIED, why, seconds)
    else:
        state.note_model(rung, chosen, "", seconds)
        state.offer(rung, chosen)
    at_odds = best_of(one.at_odds for one in screened)
    return at_odds if at_odds is not None and at_odds.firm else None


def _limit_time(report: Progress, began: float, seconds: float) -> Progress:
    """`report` that raises OutOfTime once the time is up."""

    def limited(fraction: float, code: str = "", /, **facts: object) -> None:
        report(fraction, code, **facts)
        if time.monotonic() - began > seconds:
            raise OutOfTime

    return limited


def _share(report: Progress, rung: Rung, rungs: Sequence[Rung]) -> Progress:
    """`report` for one rung, within its share of the whole ladder's progress."""
    whole = sum(r.share for r in rungs)
    before = sum(r.share for r in rungs[: rungs.index(rung)])
    return part(report, before / whole, (before + rung.share) / whole)
