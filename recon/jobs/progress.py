"""What a person sees of a job's way: its ten steps, the time left, the last lines of its log."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TypedDict

from django.db.models import Q

from recon.models import Job, StageRun
from recon.pipeline.config import from_dict
from recon.pipeline.progress import STARTS_AT, WORKING_STEPS, Step, overall_percent

LABELS: dict[Step, str] = {
    Step.QUEUED: "Wait in the queue",
    Step.PREFLIGHT: "Prepare photos",
    Step.COLMAP_FEAT: "Find features",
    Step.COLMAP_MATCH: "Match photos",
    Step.COLMAP_MAP: "Place cameras",
    Step.COLMAP_UNDIST: "Straighten photos",
    Step.GS_TRAIN: "Train the scene",
    Step.EVALUATION: "Measure quality",
    Step.EXPORT_PLY: "Write the scene",
    Step.DONE: "Done",
}

#: Finished jobs that the time left is learnt from.
_HISTORY = 10

#: How much of the log's end is read for its last lines, bytes.
_TAIL_BYTES = 16_384

_CLOSED_WELL = (StageRun.Outcome.DONE, StageRun.Outcome.REUSED)


class StepRow(TypedDict):
    """One line of the step list."""

    step: str
    label: str
    starts_at: int  # overall per cent
    state: str  # done, now, todo or failed
    seconds: float | None  # how long it took, when it is over


def step_rows(job: Job) -> list[StepRow]:
    """The ten steps with their states. A cancelled job has no step that is `now`."""
    seconds = _seconds_of(job)
    return [
        StepRow(
            step=step.value,
            label=LABELS[step],
            starts_at=STARTS_AT[step],
            state=_state(job, step),
            seconds=seconds.get(step),
        )
        for step in Step
    ]


def eta(job: Job) -> tuple[float, float] | None:
    """Seconds left, low and high, learnt from this site's finished jobs of the same preset.

    Each step's past seconds are scaled by the number of photos, except training, whose steps are
    counted by the preset. None while the job waits and where there is no history: a number
    from nowhere would be worse than none.
    """
    if not job.is_processing or job.step == Step.DONE:
        return None
    totals = sorted(_remaining(job, past) for past in _history(job))
    if not totals:
        return None
    low, high = totals[len(totals) // 5], totals[-1 - len(totals) // 5]
    # Two runs on one machine differ by about this much.
    return 0.85 * low, 1.15 * high


def log_tail(job: Job, lines: int = 12) -> list[str]:
    """The last lines of the job's log, without the inside of tracebacks: those are for staff."""
    shown = [line for line in _end_of(job.workspace.log) if not _INSIDE_TRACEBACK.match(line)]
    return shown[-lines:] if lines > 0 else []


_INSIDE_TRACEBACK = re.compile(
    r"^(\d\d:\d\d:\d\d )?(\s|Traceback \(|The above exception|During handling)|^\d\d:\d\d:\d\d $"
)


def _end_of(path: Path) -> list[str]:
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - _TAIL_BYTES))
            lines = file.read().decode("utf-8", "replace").splitlines()
    except FileNotFoundError:
        return []
    return lines[1:] if size > _TAIL_BYTES else lines


def _state(job: Job, step: Step) -> str:
    if job.is_completed:
        return "done"
    steps = list(Step)
    here, at = steps.index(Step(job.step)), steps.index(step)
    if at != here:
        return "done" if at < here else "todo"
    if job.is_failed:
        return "failed"
    return "todo" if job.has_ended else "now"


def _seconds_of(job: Job) -> dict[Step, float]:
    runs = job.stage_runs.filter(attempt=job.attempt, outcome__in=_CLOSED_WELL)
    seconds = {Step(run.step): run.seconds for run in runs if run.seconds is not None}
    if job.started_at is not None and job.attempt == 1:
        seconds[Step.QUEUED] = (job.started_at - job.created_at).total_seconds()
    return seconds


def _history(job: Job) -> list[dict[Step, float]]:
    """Seconds per step of the last finished jobs like this one, scaled to its photos."""
    photos = job.photos.count()
    # Holding out each photo means several trainings.
    wish = from_dict({"preset": job.preset, "evaluate": job.config.get("evaluate", {})})
    folds = Q(protocol=Job.Protocol.CROSS_VALIDATION)
    past = Job.objects.filter(
        folds if wish.cross_validates(photos) else ~folds,
        status=Job.Status.COMPLETED,
        preset=job.preset,
        original_resolution=job.original_resolution,
    ).prefetch_related("stage_runs", "photos")[:_HISTORY]
    histories = []
    for other in past:
        scale = photos / max(1, len(other.photos.all()))
        runs = {
            Step(run.step): run.seconds * (1.0 if run.step == Step.GS_TRAIN else scale)
            for run in other.stage_runs.all()
            if run.outcome == StageRun.Outcome.DONE and run.seconds is not None
        }
        if set(runs) == set(WORKING_STEPS):
            histories.append(runs)
    return histories


def _remaining(job: Job, past: Mapping[Step, float]) -> float:
    """Seconds that the steps ahead took then, and what is left of the present one."""
    steps = list(WORKING_STEPS)
    if job.step == Step.QUEUED:
        return sum(past.values())
    here = steps.index(Step(job.step))
    ahead = sum(past[step] for step in steps[here + 1 :])
    return ahead + past[steps[here]] * (1.0 - _fraction(job))


def _fraction(job: Job) -> float:
    """How much of its present step the job has done, 0 to 1."""
    step = Step(job.step)
    begin, end = STARTS_AT[step], overall_percent(step, 1.0)
    return min(max((job.percent - begin) / (end - begin), 0.0), 1.0)
