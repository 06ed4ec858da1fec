"""Tells the database how a running attempt goes, and the pipeline when it is not wanted."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from django.db import InterfaceError, OperationalError, connection
from django.db.models import F
from django.utils import timezone

from instarecon_site.monitoring import tracing
from recon.jobs import lifecycle
from recon.jobs.run.sender import Sender
from recon.models import Job, StageRun
from recon.pipeline.errors import Cancelled, Interrupted
from recon.pipeline.progress import Step, overall_percent
from recon.reporting import WarningRecord, message

if TYPE_CHECKING:
    from opentelemetry.trace import Span

logger = logging.getLogger(__name__)

#: At most two progress writes a second.
MIN_INTERVAL_S = 0.5

#: The log rolls over once to `process.log.1`, so it is bounded and its end is always there.
MAX_LOG_BYTES = 1_000_000


class SiteReporter:
    """The pipeline's `RunReport` on the site: fenced rows, and lines in `logs/process.log`.

    Every write is fenced with the attempt; one that changes nothing raises `Cancelled`. A
    database that is away for a moment does not end an hour of work: that write is left out and
    said in the worker's log. Not in charge of the status (`lifecycle`) or results (`publish`).
    """

    def __init__(
        self,
        job: Job,
        lost: threading.Event | None = None,
        stop: threading.Event | None = None,
        sender: Sender | None = None,
    ) -> None:
        """`lost`: the attempt is not wanted any more. `stop`: it is, but the machine stops.
        `sender` takes the files to where other machines find them."""
        self._job = job
        self._lost = lost or threading.Event()
        self._stop = stop or threading.Event()
        self._sender = sender or Sender(job)
        self._step = Step.QUEUED
        self._written_at = 0.0  # monotonic seconds
        self._warnings: list[WarningRecord] = []
        self._span: Span | None = None
        job.workspace.log.parent.mkdir(parents=True, exist_ok=True)

    def start(self, step: Step) -> None:
        self._end_if_asked()
        self._step = step
        self._begin_span(step)
        self._write(step=step.value, percent=overall_percent(step, 0.0), progress={})
        with self._database_may_be_away():
            StageRun.objects.update_or_create(
                job_id=self._job.pk,
                attempt=self._job.attempt,
                step=step.value,
                defaults={
                    "outcome": StageRun.Outcome.RUNNING,
                    "taken_over": 0.0,
                    "started_at": timezone.now(),
                    "ended_at": None,
                },
            )
        self.log(f"{step}: started")

    def __call__(self, fraction: float, code: str = "", /, **facts: object) -> None:
        self._stop_if_lost()
        self._end_if_asked()
        if time.monotonic() - self._written_at < MIN_INTERVAL_S:
            return
        percent = overall_percent(self._step, fraction)
        self._write(percent=percent, progress=message(code, facts))

    def taken_over(self, fraction: float) -> None:
        with self._database_may_be_away():
            StageRun.objects.filter(
                job_id=self._job.pk, attempt=self._job.attempt, step=self._step.value
            ).update(taken_over=F("taken_over") + fraction)

    def log(self, line: str) -> None:
        self._stop_if_lost()
        path = self._job.workspace.log
        if path.exists() and path.stat().st_size > MAX_LOG_BYTES:
            path.replace(path.with_name(f"{path.name}.1"))
        with path.open("a", encoding="utf-8") as file:
            file.write(f"{timezone.now():%H:%M:%S} {line}\n")

    def warn(self, code: str, **facts: object) -> None:
        self._warnings.append({"code": code, "facts": facts})
        self._write(warnings=self._warnings)
        self.log(f"warning {code}: {facts}")

    def finish(self, step: Step, seconds: float, *, reused: bool) -> None:
        outcome = StageRun.Outcome.REUSED if reused else StageRun.Outcome.DONE
        self._write(percent=overall_percent(step, 1.0), progress={})
        with self._database_may_be_away():
            StageRun.objects.filter(
                job_id=self._job.pk, attempt=self._job.attempt, step=step.value
            ).update(outcome=outcome, ended_at=timezone.now())
        self.log(f"{step}: " + ("still true, kept" if reused else f"done in {seconds:.1f} s"))
        tracing.note(self._span, {"reused": reused})
        self.end_span()
        self._sender.step_done()

    def _begin_span(self, step: Step) -> None:
        if tracing.is_on():
            self.end_span()
            self._span = tracing.begin(f"step {step}", facts={"step": step.value})

    def end_span(self, error: str = "") -> None:
        """Ends that of the present step, where there is one."""
        tracing.end(self._span, error=error)
        self._span = None

    def _write(self, **fields: object) -> None:
        self._stop_if_lost()
        self._written_at = time.monotonic()
        ours = True
        with self._database_may_be_away():
            ours = lifecycle.heartbeat(self._job.pk, self._job.attempt, **fields)
        if not ours:
            raise Cancelled

    @contextmanager
    def _database_may_be_away(self) -> Iterator[None]:
        try:
            yield
        except (OperationalError, InterfaceError) as error:
            logger.warning("Progress of job %s was not written: %s", self._job.pk, error)
            connection.close()

    def _stop_if_lost(self) -> None:
        if self._lost.is_set():
            raise Cancelled

    def _end_if_asked(self) -> None:
        # Where a stage is between two pieces of work, so not with every line of the log.
        if self._stop.is_set():
            raise Interrupted
