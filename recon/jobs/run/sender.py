"""Sends a running job's files to the object store, where there is one.

What people watch goes every few seconds: the log and the scene as it grows. The rest goes after
each step, with the step's done marker, so that a lost machine costs at most the step that it was
in: the next attempt fetches what is there. Each list of what was sent is fenced by the attempt.
"""

from __future__ import annotations

import logging
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from django.db import InterfaceError, OperationalError, connection, transaction

from recon.jobs.folder import mirror, object_store
from recon.models import Job, StoredFile
from recon.pipeline.errors import Cancelled, PipelineError

logger = logging.getLogger(__name__)

LIVE_EVERY_S = 3.0

#: Seconds between two tries to send what a job ended with, and in all: it lies here meanwhile.
AGAIN_AFTER_S = 15.0
AT_LAST_S = 30 * 60.0

#: Folders of a job's folder that others have sent, or can make anew.
_NOT_OURS = ("upload", "videos", "thumbs", "check")
#: A training that has not ended. Only sent when the attempt ends: it is rewritten all the time.
_UNFINISHED = ("work/checkpoint", "work/folds")


class Sender:
    """A thread beside the pipeline for what people watch; `send` for the rest.

    Without an object store it does nothing. Not in charge of results' rows (`publish`).
    """

    def __init__(self, job: Job) -> None:
        self._job = job
        self._over = threading.Event()
        self._one_at_a_time = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="sender", daemon=True)

    def __enter__(self) -> Self:
        if mirror.is_used():
            self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._over.set()
        if mirror.is_used():
            self._thread.join()

    def step_done(self) -> None:
        """After a step: its files, if the store can be reached. The next step sends them else.

        Raises Cancelled where the attempt is not the running one any more.
        """
        try:
            self.send(but=(*_NOT_OURS, *_UNFINISHED))
        except (PipelineError, OperationalError, InterfaceError) as error:
            logger.warning("Job %s: its files are sent later: %s", self._job.pk, error)

    def ended(self) -> None:
        """When the attempt ends, however: all files, trying for half an hour.

        Raises NotNow, Cancelled.
        """
        until = time.monotonic() + AT_LAST_S
        while True:
            try:
                return self.send(but=_NOT_OURS)
            except (PipelineError, OperationalError, InterfaceError) as error:
                if time.monotonic() > until:
                    raise object_store.NotNow("storage_away") from error
                logger.warning("Job %s: its files can't be sent: %s", self._job.pk, error)
                time.sleep(AGAIN_AFTER_S)

    def keep_for_next(self) -> None:
        """When the machine stops: what the next attempt can go on from, if there is time."""
        try:
            self.send(but=_NOT_OURS)
        except (PipelineError, OperationalError, InterfaceError, Cancelled) as error:
            logger.warning("Job %s: its last files were not sent: %s", self._job.pk, error)

    def send(self, *paths: str, but: tuple[str, ...] = ()) -> None:
        """Files that are new or changed, below `paths` or all; those that are gone are taken off.

        Raises NotNow, Cancelled, and what a database that is away raises.
        """
        if not mirror.is_used():
            return
        with self._one_at_a_time:
            listed = {row.path: row for row in mirror.rows(self._job, paths)}
            files = {
                mirror.path_of(self._job, one): one for one in mirror.files_in(self._job, *paths)
            }
            here = {name: one for name, one in files.items() if not _is_below(name, but)}
            changed = [
                path
                for name, path in here.items()
                if name not in listed or not mirror.is_current(self._job, listed[name])
            ]
            gone = [name for name in listed if name not in here and not _is_below(name, but)]
            if changed or gone:
                self._record(self._sent(changed), gone)

    def _sent(self, paths: list[Path]) -> list[StoredFile]:
        sent = []
        for path in paths:
            try:
                sent += mirror.upload(self._job, [path])
            except FileNotFoundError:
                continue  # a picture of the growing scene that a newer one has replaced
        return sent

    def _record(self, sent: list[StoredFile], gone: list[str]) -> None:
        with transaction.atomic():
            ours = Job.objects.select_for_update().filter(
                pk=self._job.pk, attempt=self._job.attempt, status=Job.Status.PROCESSING
            )
            if not ours.order_by().exists():
                raise Cancelled
            mirror.record(sent)
            if gone:
                mirror.forget(self._job, *gone)

    def _run(self) -> None:
        try:
            while not self._over.wait(LIVE_EVERY_S):
                try:
                    self.send("logs", "work/snapshot")
                except Cancelled:
                    return  # the pulse ends the attempt
                except (PipelineError, OperationalError, InterfaceError, OSError) as error:
                    logger.warning("Job %s: what people watch is late: %s", self._job.pk, error)
        finally:
            connection.close()  # this thread's own


def _is_below(name: str, folders: tuple[str, ...]) -> bool:
    return any(name.startswith(f"{folder}/") for folder in folders)
