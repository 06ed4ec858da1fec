"""RQ's worker, registered in the database, which says what it does next and whether anything."""

from __future__ import annotations

import logging
import time
from typing import Any

from django.db import DatabaseError, connections
from rq import Queue
from rq import Worker as RqWorker
from rq.exceptions import StopRequested
from rq.job import Job as QueuedJob

from recon.jobs import queue
from recon.jobs.run.next_job import next_instead_of, put_back
from recon.jobs.workers.registration import Registration
from recon.models import Worker

logger = logging.getLogger(__name__)

#: How long an idle worker waits for work before it says once more that it lives.
WAIT_S = 10

#: How long one waits that found nothing for it on the list, or that takes no jobs.
PAUSE_S = 2.0

Taken = tuple[QueuedJob, Queue]


class RegisteredWorker(RqWorker):
    """A worker of jobs has a row (`recon.models.Worker`); one of photo checks, videos and mails has
    none, and takes what is first on its list."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        does_jobs = queue.QUEUE in self.queue_names()
        self._registration = Registration() if does_jobs else None
        self._is_choosing = False

    def work(self, *args: Any, **kwargs: Any) -> bool:
        if self._registration is None:
            return bool(super().work(*args, **kwargs))
        self._registration.beat()
        try:
            return bool(super().work(*args, **kwargs))
        finally:
            self._registration.leave()

    def dequeue_job_and_maintain_ttl(
        self, timeout: int | None, max_idle_time: int | None = None
    ) -> Taken | None:
        """The next attempt for this worker, and its queue; None where a burst is over."""
        own = self._registration
        if own is None:
            return super().dequeue_job_and_maintain_ttl(timeout, max_idle_time)
        while True:
            own.beat()
            row, taken = own.row(), None
            if row is not None:
                wait_s = None if timeout is None else WAIT_S
                taken = super().dequeue_job_and_maintain_ttl(wait_s, wait_s)
                chosen = self._choose(taken, row, own) if taken is not None else None
                if chosen is not None:
                    return chosen
            if timeout is None:  # a burst
                return None
            if row is None or taken is not None:
                self._pause()

    def execute_job(self, job: QueuedJob, queue: Queue) -> None:
        super().execute_job(job, queue)
        if self._registration is not None:
            self._registration.beat(now=True)

    def tell_that_it_lives(self, job: QueuedJob) -> None:
        """Called every few seconds while its horse does the job."""
        if self._registration is not None:
            self._registration.beat(job_pk=queue.job_pk_of(job.id))

    def _choose(self, taken: Taken, row: Worker, own: Registration) -> Taken | None:
        """What the worker does instead of what it has `taken` from the list, or that; None where
        there is nothing for it. A signal to stop waits meanwhile, so that nothing is lost."""
        task, listed = taken
        self._is_choosing = True
        try:
            found = next_instead_of(task, listed, row)
            if found is not None and (
                self._stop_requested or not own.take(queue.job_pk_of(found.id))
            ):
                put_back(listed, found.id)
                found = None
        except DatabaseError as error:
            logger.warning("Nobody can tell which job is next: %s", error)
            put_back(listed, task.id)
            found = None
        finally:
            self._is_choosing = False
            connections.close_all()
        if self._stop_requested:
            raise StopRequested
        return None if found is None else (found, listed)

    def _may_do(self, task: QueuedJob, own: Registration) -> bool:
        """Whether nobody wants the worker to stop, or to take no more."""
        return not self._stop_requested and own.take(queue.job_pk_of(task.id))

    def _pause(self) -> None:
        """Waits where looking again at once would find the same."""
        self.heartbeat()
        if self.should_run_maintenance_tasks:
            self.run_maintenance_tasks()  # type: ignore[no-untyped-call]
        time.sleep(PAUSE_S)

    def _shutdown(self) -> None:
        if self._is_choosing:
            self._stop_requested = True
        else:
            super()._shutdown()  # type: ignore[no-untyped-call]
