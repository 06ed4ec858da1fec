"""What is told of a job's progress: its ten steps and the last lines of its log for people; what
happened, and the log in parts, for programs."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
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
    shown = [line for line in _end_of(job.workspace.log) if not INSIDE_TRACEBACK.match(line)]
    return shown[-lines:] if lines > 0 else []


INSIDE_TRACEBACK = re.compile(
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


# --- For programs ---


@dataclass(frozen=True, kw_only=True)
class Event:
    """`kind` is created, started, step (began, or ended where there are `seconds`) or ended."""

    kind: str
    at: datetime
    attempt: int
    step: str | None = None
    outcome: str | None = None
    seconds: float | None = None


@dataclass(frozen=True)
class LogPart:
    """Bytes `offset` to `next_offset` of a log of `size` bytes, without what is for staff."""

    offset: int
    next_offset: int
    size: int
    text: str


def events_of(job: Job) -> list[Event]:
    """The earliest first. Only the last attempt's start is known."""
    events = [Event(kind="created", at=job.draft_made_at or job.created_at, attempt=1)]
    if not job.is_draft:
        events.append(Event(kind="queued", at=job.created_at, attempt=1))
    if job.started_at is not None:
        events.append(Event(kind="started", at=job.started_at, attempt=job.attempt))
    for run in job.stage_runs.all():
        events.append(_event_of(run))
    if job.completed_at is not None:
        events.append(
            Event(
                kind="ended", at=job.completed_at, attempt=job.attempt, outcome=job.status.lower()
            )
        )
    return sorted(events, key=lambda event: event.at)


def _event_of(run: StageRun) -> Event:
    return Event(
        kind="step",
        at=run.ended_at or run.started_at,
        attempt=run.attempt,
        step=run.step,
        outcome=run.outcome,
        seconds=run.seconds,
    )


def seconds_by_step(job: Job) -> dict[str, float]:
    """What each step of the last attempt took; those that were taken over took nothing."""
    return {
        run.step: run.seconds
        for run in job.stage_runs.all()
        if run.attempt == job.attempt and run.seconds is not None
    }


def log_part(job: Job, offset: int, limit: int) -> LogPart:
    """Whole lines from `offset` on, at most `limit` bytes; one longer than that comes in pieces.

    The body of tracebacks is for staff: its lines are left out, and count as read.
    """
    mirror.pull(job, mirror.path_of(job, job.workspace.log))
    try:
        with job.workspace.log.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(min(offset, size))
            read = file.read(limit)
    except FileNotFoundError:
        return LogPart(0, 0, 0, "")
    offset = min(offset, size)
    whole = read if offset + len(read) == size and job.has_ended else _whole_lines(read, limit)
    lines = whole.decode("utf-8", "replace").splitlines(keepends=True)
    text = "".join(line for line in lines if not INSIDE_TRACEBACK.match(line.rstrip("\r\n")))
    return LogPart(offset, offset + len(whole), size, text)


def _whole_lines(read: bytes, limit: int) -> bytes:
    end = read.rfind(b"\n") + 1
    return read[:end] if end or len(read) < limit else read
