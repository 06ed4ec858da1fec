"""The ladder: from matches to the best model that can be had, the cheap ways first.

A rung whose model has all photos, firmly placed and past all checks, wins, and nothing after it
is tried. Otherwise the best model of all rungs is used, or none: a wrong one is worse.
"""

from __future__ import annotations

import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from recon.poses import pair_graph
from recon.poses.colmap.mapping import MapperFailed
from recon.poses.colmap.pairs import verified
from recon.poses.ladder import second_look
from recon.poses.ladder.choosing import Candidate, best_of
from recon.poses.ladder.diagnosis import diagnose
from recon.poses.ladder.judging import judge
from recon.poses.ladder.rungs import Rung, up_to
from recon.poses.ladder.skipping import why_skip
from recon.poses.ladder.sources import Work, database_of
from recon.poses.ladder.state import Log, SoFar
from recon.poses.native import Tick
from recon.poses.pair_graph import BEST, FAILED, SKIPPED, TRIED, WON, PairGraph

if TYPE_CHECKING:
    from pycolmap import Reconstruction

_MATCHED = 0.7  # of a rung's progress, where its matches must be made first


class OutOfTime(Exception):
    """A rung took longer than it may."""


def climb(work: Work, *, tick: Tick, log: Log, keep: Callable[[PairGraph], None]) -> SoFar:
    """Tries the rungs in order until one wins. `keep` is given the graph after each of them.

    Raises what `tick` raises, and ValueError where the config names a last rung that isn't one.
    """
    so_far = SoFar(work, log)
    so_far.diagnosis = diagnose(work.database, work.names, work.config.min_registered)
    rungs = up_to(work.config.last_rung)
    reached = 0.0
    with _scratch(work) as folder:
        for rung in rungs:
            skip = why_skip(rung, so_far)
            if skip is not None:
                so_far.note(rung, SKIPPED, skip)
            else:
                _try(rung, so_far, folder, _part(tick, reached, rung, rungs))
            reached += rung.share
            keep(graph_of(so_far))
            if so_far.won:
                log(f"{rung.title}: won")
                break
    return so_far


def graph_of(so_far: SoFar) -> PairGraph:
    """What is known by now, for people."""
    best, names = so_far.best, so_far.work.names
    final = WON if so_far.won else BEST
    rungs = [
        replace(record, outcome=final) if record.name == so_far.best_rung else record
        for record in so_far.records
    ]
    return pair_graph.of(
        names,
        pair_graph.strongest(so_far.pairs.values()),
        registered=() if best is None else best.names,
        rung=so_far.best_rung,
        rungs=rungs,
        model=None if best is None else best.facts,
    )


def _try(rung: Rung, so_far: SoFar, folder: Path, tick: Tick) -> None:
    began = time.monotonic()
    ticking = _limited(tick, began, so_far.work.config.rung_seconds)
    try:
        database, models = _models(rung, so_far, ticking)
        at_odds = _choose(rung, so_far, database, models, began)
        if second_look.due(rung, so_far, at_odds):
            matches = second_look.Matches(rung, database, at_odds, folder)
            second_look.look_again(matches, so_far, ticking)
        return
    except OutOfTime:
        why = f"took longer than {so_far.work.config.rung_seconds:.0f} s"
    except sqlite3.DatabaseError as damage:
        why = f"its matches came out damaged: {damage}"
    except MapperFailed as failure:
        why = f"the mapper gave up: {failure}"
    so_far.note(rung, FAILED, why, time.monotonic() - began)


def _models(rung: Rung, so_far: SoFar, tick: Tick) -> tuple[Path, list[Reconstruction]]:
    """The rung's database and the models that its mapper makes of it."""
    work, source = so_far.work, rung.source
    matched = _MATCHED if source.build is not None and source.name not in so_far.pairs else 0.0
    tick(0.0, rung.title)
    database = database_of(source, work, lambda done, said: tick(matched * done, said))
    so_far.pairs[source.name] = verified(database)
    with _scratch(work) as scratch:
        models = rung.mapper(
            database, work.photos, scratch, seed=work.seed,
            tick=lambda done, said: tick(matched + (1 - matched) * done, said),
        )  # fmt: skip
    return database, models


@contextmanager
def _scratch(work: Work) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(
        dir=work.kept, prefix=".scratch-", ignore_cleanup_errors=True
    ) as folder:
        yield Path(folder)


def _choose(
    rung: Rung, so_far: SoFar, database: Path, models: list[Reconstruction], began: float
) -> Candidate | None:
    """Judges `models` and keeps the best of them where it beats what there is.

    Returns the best firm one that only the metadata speak against, if there is one.
    """
    verdicts = [judge(model, database, so_far.work) for model in models]
    for verdict in verdicts:
        so_far.log(f"{rung.name}: {verdict.in_words}")
        if verdict.candidate is None:
            too_small = verdict.facts.registered < so_far.work.config.min_registered
            placed = verdict.facts.registered if too_small else 0
            so_far.most_registered = max(so_far.most_registered, placed)
    chosen = best_of(verdict.candidate for verdict in verdicts)
    seconds = time.monotonic() - began
    if chosen is None:
        why = verdicts[0].in_words if verdicts else "no two photos could be the start of a model"
        so_far.note(rung, TRIED, why, seconds)
    else:
        so_far.note_model(rung, chosen, "", seconds)
        so_far.offer(rung, chosen)
    at_odds = best_of(verdict.at_odds for verdict in verdicts)
    return at_odds if at_odds is not None and at_odds.firm else None


def _limited(tick: Tick, began: float, seconds: float) -> Tick:
    """`tick` that raises OutOfTime once the time is up."""

    def limited(fraction: float, message: str) -> None:
        tick(fraction, message)
        if time.monotonic() - began > seconds:
            raise OutOfTime

    return limited


def _part(tick: Tick, reached: float, rung: Rung, rungs: Sequence[Rung]) -> Tick:
    """`tick` for one rung, within its share of the whole ladder's progress."""
    whole = sum(r.share for r in rungs)

    def part(fraction: float, message: str) -> None:
        said = message if rung is rungs[0] else f"{rung.title}: {message}"
        tick((reached + rung.share * min(fraction, 1.0)) / whole, said)

    return part
