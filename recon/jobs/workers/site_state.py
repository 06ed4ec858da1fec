"""How the site does as a whole, for its staff: workers, queues, throughput, failures, disk.

The number of queries is the same however many jobs there are.
"""

from __future__ import annotations

import shutil
import socket
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from django.conf import settings
from django.db.models import Count, Min, Q
from django.db.models.functions import TruncHour
from django.utils import timezone
from redis.exceptions import RedisError
from rq.exceptions import NoSuchJobError
from rq.job import Job as QueuedJob
from rq.serializers import JSONSerializer
from rq.utils import as_text

from recon.jobs import queue
from recon.models import Job, Worker
from recon.pipeline.words.sizes import MB

HOURS, FAILURE_DAYS = 24, 7

#: The lists of short tasks; reconstructions are counted in the database.
SHORT_TASKS = ("checks", "videos", "mail")

Status = Job.Status


@dataclass(frozen=True)
class Waiting:
    """One queue: how much waits, and for how long the oldest has (seconds)."""

    name: str
    depth: int
    oldest_s: float | None


@dataclass(frozen=True)
class Hour:
    """What ended in one hour."""

    begins: datetime
    done: int
    failed: int


@dataclass(frozen=True)
class Disk:
    """Megabytes (2**20 bytes) of the disk that a machine has its data on."""

    host: str
    free_mb: int
    total_mb: int
    is_here: bool = False

    @property
    def used_mb(self) -> int:
        return self.total_mb - self.free_mb


@dataclass(frozen=True)
class SiteState:
    """All that the page shows."""

    machines: list[tuple[str, list[Worker]]]
    running: int
    queues: list[Waiting]
    redis_is_away: bool
    hours: list[Hour]
    failures: list[tuple[str, int]]  # codes of the last days, the most frequent first
    disks: list[Disk]

    @property
    def most_in_an_hour(self) -> int:
        return max((hour.done + hour.failed for hour in self.hours), default=0)

    @property
    def last_hour(self) -> Hour:
        return self.hours[-1]

    @property
    def last_day(self) -> tuple[int, int]:
        """Done and failed."""
        return sum(hour.done for hour in self.hours), sum(hour.failed for hour in self.hours)


def site_state() -> SiteState:
    """The site as it is now. Asks the database five times."""
    workers = list(Worker.objects.select_related("job"))
    jobs = _jobs_now()
    short, is_away = _short_tasks()
    return SiteState(
        machines=[(host, list(own)) for host, own in groupby(workers, lambda one: one.host)],
        running=jobs["running"],
        queues=[Waiting(queue.QUEUE, jobs["waiting"], _since(jobs["oldest"])), *short],
        redis_is_away=is_away,
        hours=_hours(),
        failures=_failures(),
        disks=_disks(workers),
    )


def _jobs_now() -> dict[str, Any]:
    active = Job.objects.filter(status__in=Job.ACTIVE).order_by()
    waiting = Q(status=Status.PENDING)
    return active.aggregate(
        running=Count("pk", filter=Q(status=Status.PROCESSING)),
        waiting=Count("pk", filter=waiting),
        oldest=Min("created_at", filter=waiting),
    )


def _short_tasks() -> tuple[list[Waiting], bool]:
    """The queues that only Redis knows, and whether it is away."""
    try:
        return [_short_queue(name) for name in SHORT_TASKS], False
    except RedisError:
        return [], True


def _short_queue(name: str) -> Waiting:
    listed = queue.rq_queue(name)
    first = listed.connection.lindex(listed.key, 0)
    since = None
    if first is not None:
        try:
            task = QueuedJob.fetch(
                as_text(first), connection=listed.connection, serializer=JSONSerializer
            )
            since = task.enqueued_at
        except NoSuchJobError:  # taken meanwhile
            pass
    return Waiting(name, listed.count, _since(since))


def _hours() -> list[Hour]:
    """The last hours, the present one last."""
    present = timezone.now().replace(minute=0, second=0, microsecond=0)
    first = present - timedelta(hours=HOURS - 1)
    ended = Job.objects.filter(
        completed_at__gte=first, status__in=(Status.COMPLETED, Status.FAILED)
    ).order_by()
    rows = ended.values_list(TruncHour("completed_at"), "status").annotate(count=Count("pk"))
    counts = Counter({(hour, status): count for hour, status, count in rows})
    begins = [first + timedelta(hours=number) for number in range(HOURS)]
    return [
        Hour(hour, counts[hour, Status.COMPLETED], counts[hour, Status.FAILED]) for hour in begins
    ]


def _failures() -> list[tuple[str, int]]:
    since = timezone.now() - timedelta(days=FAILURE_DAYS)
    failed = Job.objects.filter(completed_at__gte=since, status=Status.FAILED).order_by()
    counted = failed.values_list("error_code").annotate(count=Count("pk"))
    return list(counted.order_by("-count", "error_code")[:20])


def _disks(workers: Iterable[Worker]) -> list[Disk]:
    """This machine's, and those of machines whose workers are there."""
    own, here = shutil.disk_usage(settings.DATA_DIR), socket.gethostname()
    disks = {here: Disk(here, own.free // MB, own.total // MB, is_here=True)}
    for one in workers:
        if one.host == here[:120]:
            continue
        if one.is_present and one.disk_total_mb and one.disk_free_mb is not None:
            disks[one.host] = Disk(one.host, one.disk_free_mb, one.disk_total_mb)
    return list(disks.values())


def _since(at: datetime | None) -> float | None:
    return None if at is None else (timezone.now() - at).total_seconds()
