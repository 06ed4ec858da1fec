"""The ladder's decisions in plain words, for `--explain` and `manage.py explain_job`."""

from __future__ import annotations

from collections.abc import Iterator

from recon.poses.pair_graph import BEST, FAILED, SKIPPED, WON, PairGraph, RungRecord

_SAID = {WON: "won", BEST: "the best there was", FAILED: "failed", SKIPPED: "skipped"}


def explain(graph: PairGraph) -> str:
    """What is connected, what was tried in which order and how it ended, as lines of text."""
    return "\n".join([*_matches(graph), "", *_rungs(graph), "", *_result(graph)])


def _matches(graph: PairGraph) -> Iterator[str]:
    total = len(graph.photos)
    possible = total * (total - 1) // 2
    yield f"{total} photos; {len(graph.pairs)} of {possible} pairs verifiably share something."
    if len(graph.groups) == 1:
        yield "All photos are connected."
        return
    yield f"They fall into {len(graph.groups)} groups that share too little with one another:"
    for group in graph.groups:
        what = "photo alone" if len(group) == 1 else "photos"
        yield f"  {len(group)} {what}: {', '.join(group)}"


def _rungs(graph: PairGraph) -> Iterator[str]:
    if not graph.rungs:
        yield "They were not mapped yet."
        return
    yield "Tried, in this order:"
    for number, record in enumerate(graph.rungs, start=1):
        yield f"  {number}. {record.title}: {_outcome(record)}"
        yield f"     {record.why}"


def _outcome(record: RungRecord) -> str:
    if record.outcome == SKIPPED:
        return _SAID[SKIPPED]
    return f"{_SAID.get(record.outcome, 'not enough')}, {record.seconds:.1f} s"


def _result(graph: PairGraph) -> Iterator[str]:
    if graph.model is None:
        if graph.rungs:
            yield "No model can be trusted: a wrong one would be worse than none."
        return
    title = next(record.title for record in graph.rungs if record.name == graph.rung)
    model = graph.model
    yield f"The model is that of “{title}”: {model.registered} of {len(graph.photos)} photos,"
    yield (
        f"  {model.points} points, {model.points_per_photo:.0f} a photo, medians: "
        f"reprojection error {model.median_reprojection_error:.2f} px, "
        f"triangulation angle {model.median_triangulation_angle:.1f}°."
    )
    left_out = [photo.name for photo in graph.photos if not photo.registered]
    if left_out:
        yield f"  Left out: {', '.join(left_out)}."
