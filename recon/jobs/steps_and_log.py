"""What a person sees of a job's progress: its ten steps and the last lines of its log."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

from django.utils.translation import gettext_lazy as _

from recon.jobs.folder import mirror
from recon.models import Job, StageRun
from recon.pipeline.forecast.time_left import Forecast
from recon.pipeline.progress import STARTS_AT, Step

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

LABELS: dict[Step, StrOrPromise] = {
    Step.QUEUED: _("Wait in the queue"),
    Step.PREFLIGHT: _("Prepare photos"),
    Step.COLMAP_FEAT: _("Find features"),
    Step.COLMAP_MATCH: _("Match photos"),
    Step.COLMAP_MAP: _("Place cameras"),
    Step.COLMAP_UNDIST: _("Correct lens distortion"),
    Step.GS_TRAIN: _("Train the scene"),
    Step.EVALUATION: _("Measure quality"),
    Step.EXPORT_PLY: _("Save the scene"),
    Step.DONE: _("Done"),
}

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
    expected: float | None  # how long it should still take, when it is not


def step_rows(job: Job, told: Forecast | None = None) -> list[StepRow]:
    """The ten steps with their states. A cancelled job has no step that is `now`."""
    seconds = _seconds_of(job)
    ahead = told.steps if told else {}
    return [
        StepRow(
            step=step.value,
            label=str(LABELS[step]),
            starts_at=STARTS_AT[step],
            state=_state(job, step),
            seconds=seconds.get(step),
            expected=ahead.get(step),
        )
        for step in Step
    ]


def log_tail(job: Job, lines: int = 12) -> list[str]:
    """The last lines of the job's log, without the body of tracebacks: that is for staff."""
    mirror.pull(job, mirror.path_of(job, job.workspace.log))
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
    seconds = {
        Step(run.step): run.seconds
        for run in job.stage_runs.all()
        if run.attempt == job.attempt and run.outcome in _CLOSED_WELL and run.seconds is not None
    }
    if job.started_at is not None and job.attempt == 1:
        seconds[Step.QUEUED] = (job.started_at - job.created_at).total_seconds()
    return seconds
