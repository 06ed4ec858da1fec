"""Where a run ends that would deliver no scene, as early as that is certain.

Called after a step has left its done marker: whoever wants the scene all the same lets the run go
on from there, and no step is made twice. A false alarm is worse than a poor scene delivered, so
each rule asks for several signs at once; docs/measurements/grade.md has what they were tried on.
"""

from __future__ import annotations

from collections.abc import Mapping

from recon.pipeline.config import PipelineConfig
from recon.pipeline.errors import UserError
from recon.pipeline.outcome import Summary
from recon.pipeline.progress import Step
from recon.pipeline.quality import NOT_A_SCENE

CODE = NOT_A_SCENE

#: Poses are no scene's where all of these fall short: most photos were left out, and those that
#: were placed share few points, seen under narrow angles.
MIN_PLACED = 0.5  # share of the photos
MIN_POINTS = 60.0  # observations per placed photo, mean
MIN_ANGLE = 4.0  # degrees, median over the points of each one's widest


def stop_where_there_is_no_scene(
    step: Step, facts: Mapping[str, object], summary: Summary, config: PipelineConfig
) -> None:
    """`facts` are those of `step`, which has just ended. Raises UserError("not_a_scene")."""
    if config.make_anyway:
        return
    hopeless = step == Step.COLMAP_MAP and poses_are_hopeless(facts)
    fog = step == Step.EVALUATION and summary.word == NOT_A_SCENE
    if hopeless or fog:
        raise UserError(CODE, registered=summary.registered, total=summary.total)


def poses_are_hopeless(facts: Mapping[str, object]) -> bool:
    """By the facts of COLMAP_MAP: `ModelFacts`, and the `total` of photos."""
    found = {name: facts.get(name) for name in _NEEDED}
    numbers = {n: float(v) for n, v in found.items() if isinstance(v, int | float)}
    if len(numbers) < len(_NEEDED):
        return False
    return (
        numbers["registered"] < MIN_PLACED * numbers["total"]
        and numbers["points_per_photo"] < MIN_POINTS
        and numbers["median_triangulation_angle"] < MIN_ANGLE
    )


_NEEDED = ("registered", "total", "points_per_photo", "median_triangulation_angle")
