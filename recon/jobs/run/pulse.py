"""A running attempt's pulse: shows that it is alive, and ends it when nobody wants it any more."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

from django.db import InterfaceError, OperationalError, connection

from recon.jobs import lifecycle
from recon.models import Job

logger = logging.getLogger(__name__)

INTERVAL_S = 1.0

#: How long the pipeline may take to notice `lost` by itself before the process is ended.
GRACE_S = 2.0

EXIT_CODE = 70


def _end_process() -> None:
    os._exit(EXIT_CODE)


class Pulse:
    """A thread beside the pipeline that writes the heartbeat every second.

    When the row says that the attempt was cancelled, deleted or taken over, or when the worker
    that forked us is gone, it sets `lost`: the reporter then raises `Cancelled` at its next call.
    A stage deep in native code reports nothing for minutes, so after a grace the thread ends
    the process, whatever it is doing. This makes a cancel work where Redis, which carries the
    quicker stop message, is away. It is not in charge of recording how the attempt ended.
    """

    def __init__(self, job: Job, *, end: Callable[[], None] = _end_process) -> None:
        self.lost = threading.Event()
        self._job_pk, self._attempt = job.pk, job.attempt
        self._end = end
        self._over = threading.Event()
        self._parent = os.getppid()
        self._thread = threading.Thread(target=self._run, name="pulse", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        try:
            while not self._over.wait(INTERVAL_S):
                if os.getppid() == self._parent and self._is_wanted():
                    continue
                self.lost.set()
                if not self._over.wait(GRACE_S):
                    logger.warning("Job %s is not wanted any more; ending", self._job_pk)
                    self._end()
                return
        finally:
            connection.close()  # this thread's own

    def _is_wanted(self) -> bool:
        try:
            return lifecycle.heartbeat(self._job_pk, self._attempt)
        except (OperationalError, InterfaceError) as error:
            # A database that can't be reached says nothing either way.
            logger.warning("No heartbeat for job %s: %s", self._job_pk, error)
            connection.close()
            return True
