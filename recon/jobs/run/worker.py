"""The worker: takes attempts off the queue and forks a work horse for each.

The parent process stays small: it never imports torch and never touches CUDA, whose state does
not survive a fork. One worker serves one GPU. Which job it does next is in `registered_worker`.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any

from django.conf import settings
from django.db import DatabaseError, connections
from redis.exceptions import RedisError
from rq import Queue
from rq.exceptions import DeserializationError, StopRequested
from rq.job import Job as QueuedJob
from rq.serializers import JSONSerializer
from rq.timeouts import JobTimeoutException, UnixSignalDeathPenalty

from instarecon_site.monitoring import log_facts, tracing
from recon.jobs import attempts, lifecycle, queue, reconcile
from recon.jobs.folder import data_folder
from recon.jobs.run import polite_stop
from recon.jobs.run.registered_worker import RegisteredWorker
from recon.models import Job
from recon.pipeline.errors import PipelineError, TimeLimit

logger = logging.getLogger(__name__)

#: How often an idle worker looks for forgotten jobs. It wakes from its queue as often.
MAINTENANCE_S = 60

#: How often a busy worker tells Redis that it lives, and asks whether its job is still wanted.
MONITORING_S = 2

#: How long a horse may take to end once its job has.
TIDYING_S = 30.0

#: A stop that two programs pass on (a terminal and supervisord, say) is one stop, as RQ has it.
_SAME_SIGNAL_S = 1.0


class JobTimeLimit(UnixSignalDeathPenalty):
    """RQ's alarm, which rings a job's end with an exception that no `except Exception` swallows.

    RQ uses the same class to look after its horses; those alarms stay as they are.
    """

    def handle_death_penalty(self, signum: int, frame: Any) -> None:
        if issubclass(self._exception, JobTimeoutException):
            raise TimeLimit
        super().handle_death_penalty(signum, frame)


class ReconWorker(RegisteredWorker):
    """RQ's forking worker, with what RQ leaves open filled in.

    - A work horse that was killed (RQ calls no failure handler then) is reported to `lifecycle`.
    - `reconcile` runs at the start and while idle.
    - A shutdown asks the horse to keep what it has (`stopping`) and gives the attempt back: a later
      worker goes on from there. A restart waits for seconds at most, never for a training.
    - JSON only, whatever the command line says: pickles in Redis would be programs.
    - Redis may go away while a horse runs; the worker stays with its horse.
    - A cancel whose message was lost stops the horse all the same, whatever it does.
    - Durations are measured by a clock that nobody sets: RQ would end a healthy horse where the
      machine's is put forward by hours.
    """

    death_penalty_class = JobTimeLimit
    _forked_at = 0.0  # monotonic seconds
    _stop_asked_at: float | None = None  # likewise
    _end_seen_at: float | None = None  # likewise, of the present horse's attempt

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs |= {
            "serializer": JSONSerializer,
            "maintenance_interval": MAINTENANCE_S,
            "job_monitoring_interval": MONITORING_S,
            "worker_ttl": MAINTENANCE_S + 15,  # RQ waits this less 15 s for work, then looks up
        }
        super().__init__(*args, **kwargs)

    def work(self, *args: Any, **kwargs: Any) -> bool:
        try:
            data_folder.require_own()
        except (data_folder.ForeignDataFolder, PipelineError) as error:
            sys.exit(str(error))
        finally:
            connections.close_all()
        return bool(super().work(*args, **kwargs))

    def run_maintenance_tasks(self) -> None:
        super().run_maintenance_tasks()
        try:
            reconcile.reconcile()
        except data_folder.ForeignDataFolder as error:
            sys.exit(str(error))
        except (DatabaseError, PipelineError) as error:
            logger.warning("Could not reconcile now: %s", error)
        finally:
            connections.close_all()

    def fork_work_horse(self, job: QueuedJob, queue: Queue) -> None:
        connections.close_all()  # a connection must not be shared with the child
        self._forked_at, self._end_seen_at = time.monotonic(), None
        super().fork_work_horse(job, queue)
        if self._stop_requested:  # the signal came just before the fork
            self.kill_horse()

    def perform_job(self, job: QueuedJob, queue: Queue) -> bool:
        """In the work horse: whatever it writes to the log names the request and the job, and so
        does its trace."""
        with (
            log_facts.whole_process_about(**_facts_of(job)),
            tracing.whole_process_span(
                f"run {queue.name}", {"queue": queue.name}, parent=job.meta, since=job.enqueued_at
            ) as span,
        ):
            is_done = bool(super().perform_job(job, queue))
            if not is_done:
                tracing.note(span, {"error.type": "task failed"})
            return is_done

    def kill_horse(self, sig: signal.Signals = signal.SIGKILL) -> None:
        """Kills the horse and its children, and never our own group (RQ would, just forked)."""
        with suppress(ProcessLookupError):
            if os.getpgid(self.horse_pid) == os.getpgid(0):
                os.kill(self.horse_pid, sig)
            else:
                super().kill_horse(sig)

    def handle_warm_shutdown_request(self) -> None:
        super().handle_warm_shutdown_request()
        self._stop_asked_at = time.monotonic()
        if self.horse_pid:
            # Its children, if any, are its own to end.
            with suppress(ProcessLookupError):
                os.kill(self.horse_pid, signal.SIGTERM)

    def request_force_stop(self, signum: int, frame: FrameType | None) -> None:
        """Told to stop once more: the horse ends now, but its attempt is still given back."""
        asked = self._stop_asked_at
        if not self.horse_pid:
            super().request_force_stop(signum, frame)
        elif asked is None or time.monotonic() - asked > _SAME_SIGNAL_S:
            self.kill_horse()

    def _shutdown(self) -> None:
        try:
            super()._shutdown()
        except RedisError as error:
            logger.warning("Redis is away: %s", error)
            if not self.horse_pid:
                raise StopRequested from None
            self._stop_requested = True

    def handle_work_horse_killed(
        self, job: QueuedJob, retpid: int, ret_val: int, rusage: Any
    ) -> None:
        """Out of memory, `kill -9`, a crash in native code, a shutdown, or far over time."""
        super().handle_work_horse_killed(job, retpid, ret_val, rusage)
        if job.origin != queue.QUEUE:
            return  # a photo check: `reconcile` asks for another
        job_pk, attempt = job.args
        try:
            if self._shutdown_requested_date is not None:
                attempts.hand_back(job_pk, attempt)
            elif self._is_over_time(job):
                minutes = settings.JOB_TIMEOUT_MINUTES
                lifecycle.fail(job_pk, attempt, "timed_out", {"minutes": minutes})
            else:
                _settle(job_pk, attempt)
        except DatabaseError as error:
            logger.warning("Job %s is left to reconcile: %s", job_pk, error)
        finally:
            connections.close_all()

    def maintain_heartbeats(self, job: QueuedJob) -> None:
        self.tell_that_it_lives(job)
        with _redis_may_be_away():
            super().maintain_heartbeats(job)
        if self._is_overdue():
            self.kill_horse()
        if job.origin == queue.QUEUE and not self._may_go_on(*job.args):
            # Its own pulse would have ended it, did it not hold the interpreter's lock.
            self.kill_horse()

    def _may_go_on(self, job_pk: str, attempt: int) -> bool:
        """Whether the row still asks for this attempt. Once its end is written the horse has a
        moment to tidy up: killed in that, it would leave objects that no row names any more."""
        status = _status_of(job_pk, attempt)
        if status not in (Job.Status.COMPLETED, Job.Status.FAILED):
            return status is None or status in Job.ACTIVE
        if self._end_seen_at is None:
            self._end_seen_at = time.monotonic()
        return time.monotonic() - self._end_seen_at < TIDYING_S

    def _is_overdue(self) -> bool:
        """Whether a horse that was asked to end has had its time."""
        grace_s = getattr(settings, "STOP_GRACE_S", polite_stop.GRACE_S)
        asked = self._stop_asked_at
        return asked is not None and time.monotonic() - asked > grace_s

    def _is_over_time(self, job: QueuedJob) -> bool:
        if not job.timeout or job.timeout < 0:
            return False
        return time.monotonic() - self._forked_at > job.timeout

    def set_current_job_working_time(
        self, current_job_working_time: float, pipeline: Any = None
    ) -> None:
        if current_job_working_time:  # 0: it has ended
            current_job_working_time = time.monotonic() - self._forked_at
        with _redis_may_be_away():
            super().set_current_job_working_time(current_job_working_time, pipeline)


def _facts_of(job: QueuedJob) -> dict[str, Any]:
    """What the lines of the log about a task have: of the request that caused it, and its own."""
    cause = {name: job.meta.get(name) for name in ("request_id", "user_id")}
    try:
        job_pk, attempt = job.args if job.origin == queue.QUEUE else (None, None)
    except (DeserializationError, ValueError):  # no task of ours: RQ says so when it comes to it
        job_pk = attempt = None
    if job_pk is None:
        return cause | {"task": job.id}
    return cause | {"job_id": job_pk, "attempt": attempt}


def _status_of(job_pk: str, attempt: int) -> str | None:
    """The job's status, "" if the attempt is no more; None while the database is away."""
    try:
        found = Job.objects.filter(pk=job_pk, attempt=attempt).values_list("status", flat=True)
        return found.first() or ""
    except DatabaseError as error:
        logger.warning("Could not ask for job %s: %s", job_pk, error)
        return None
    finally:
        connections.close_all()


def _settle(job_pk: str, attempt: int) -> None:
    """As `reconcile` would, at once: published if it had finished, else a new attempt."""
    row = Job.objects.filter(pk=job_pk, attempt=attempt).first()
    if row is None:
        return
    if row.is_processing:
        reconcile.settle(row, is_surely_lost=True)
    else:
        attempts.worker_lost(job_pk, attempt)  # died before it could claim the job


@contextmanager
def _redis_may_be_away() -> Iterator[None]:
    """The horse works for the database, not for Redis: that one may go and come back."""
    try:
        yield
    except RedisError as error:
        logger.warning("Redis is away: %s", error)
