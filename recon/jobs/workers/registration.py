"""A worker's row: it registers at its start, says every ten seconds that it lives, and leaves.

A database that is away is no reason to stop: the worker goes on, and is heard of again later.
"""

from __future__ import annotations

import logging
import os
import shutil
import socket
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db import DatabaseError, connections
from django.utils import timezone

import recon
from recon.models import Worker
from recon.models.workers import WorkerQuerySet
from recon.pipeline.machine.gpu_sample import GpuSample, sample_gpu
from recon.pipeline.words.sizes import MB

logger = logging.getLogger(__name__)

HEARTBEAT_S = 10.0

#: Which of its machine's workers this process is (scripts/worker.py).
NUMBER = "RECON_WORKER_NUMBER"


class Registration:
    """The row of the worker that this process is.

    Every change names the process (`run`), so that one which was taken over changes nothing. It is
    not in charge of jobs: what it says of them is for people.
    """

    def __init__(self, name: str = "") -> None:
        self._name = name or worker_name()
        self._run = uuid.uuid4()
        self._heard_at: float | None = None  # monotonic seconds

    def beat(self, *, job_pk: UUID | None = None, now: bool = False) -> None:
        """Says that the worker lives, if it has not lately, and what it does."""
        heard = self._heard_at
        if not now and heard is not None and time.monotonic() - heard < HEARTBEAT_S:
            return
        with _database_may_be_away():
            facts = _moving_facts() | {"job_id": job_pk, "heartbeat_at": timezone.now()}
            if not self._rows().update(**facts):
                self._register(facts)
            self._heard_at = time.monotonic()

    def row(self) -> Worker | None:
        """The worker's row as it is now; None while staff wish that it takes no jobs, or while
        nobody can tell."""
        with _database_may_be_away():
            return self._rows().filter(is_drained=False).first()
        return None

    def take(self, job_pk: UUID | None) -> bool:
        """Says that it does this job now. False where it may take none any more."""
        with _database_may_be_away():
            return self._rows().filter(is_drained=False).update(job_id=job_pk) == 1
        return False

    def leave(self) -> None:
        """Says goodbye: the worker ends because it was told to."""
        with _database_may_be_away():
            self._rows().update(job_id=None, stopped_at=timezone.now())

    def _rows(self) -> WorkerQuerySet:
        return Worker.objects.filter(name=self._name, run=self._run)

    def _register(self, facts: dict[str, object]) -> None:
        """Takes over the row of a predecessor of the same name; one that is drained stays so."""
        if self._heard_at is not None and Worker.objects.filter(name=self._name).exists():
            logger.warning("Another worker is called %s, too", self._name)
            self._name = f"{worker_name()} ({os.getpid()})"
        card = _card()
        Worker.objects.update_or_create(
            name=self._name,
            defaults={
                **facts,
                "run": self._run,
                "host": socket.gethostname()[:120],
                "version": recon.__version__,
                "presets": list(settings.WORKER_PRESETS),
                "gpu_name": card.name[:120] if card else "",
                "gpu_uuid": card.uuid[:64] if card else "",
                "gpu_memory_mb": card.memory_mb if card else None,
                "started_at": timezone.now(),
                "stopped_at": None,
            },
        )


def worker_name() -> str:
    """What this process's row is called: the same after a restart."""
    machine = settings.WORKER_NAME or socket.gethostname()
    return f"{machine[:90]}-{os.environ.get(NUMBER, '0')}"


def forget_old() -> int:
    """Removes the rows of workers that were not heard of for WORKER_DAYS. Returns how many."""
    past = timezone.now() - timedelta(days=settings.WORKER_DAYS)
    return Worker.objects.filter(heartbeat_at__lt=past).delete()[0]


def _card() -> GpuSample | None:
    return sample_gpu() if settings.GPU_COUNT else None


def _moving_facts() -> dict[str, object]:
    card = _card()
    facts: dict[str, object] = {
        "gpu_used_mb": card.used_mb if card else None,
        "gpu_use_percent": card.use_percent if card else None,
        "gpu_celsius": card.celsius if card else None,
    }
    with suppress(OSError):
        disk = shutil.disk_usage(settings.DATA_DIR)
        facts |= {
            "disk_total_mb": disk.total // MB,
            "disk_free_mb": disk.free // MB,
        }
    return facts


@contextmanager
def _database_may_be_away() -> Iterator[None]:
    """Closes the connections afterwards, too: a worker forks, and must not share them."""
    try:
        yield
    except DatabaseError as error:
        logger.warning("The worker's row could not be written: %s", error)
    finally:
        connections.close_all()
