"""What happened to a job, for programs: each step of each attempt, and its log in parts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from recon.jobs.folder import mirror
from recon.jobs.steps_and_log import INSIDE_TRACEBACK
from recon.models import Job, StageRun


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
