"""What `/metrics` tells Prometheus, all of it read from the database, Redis and the disk when it is
asked: so any web process can answer, and none keeps anything for it.

What would take longer with every job that there ever was is told of the last hour only.
"""

from __future__ import annotations

import logging
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.db import Error as DatabaseError
from django.db.models import Count, DurationField, ExpressionWrapper, F, Min, Sum
from django.utils import timezone
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector
from redis.exceptions import RedisError
from rq import Worker
from rq.worker import BaseWorker

from instarecon_site import queues
from instarecon_site.monitoring import request_counts
from recon import __version__
from recon.jobs import queue
from recon.models import Job, StageRun

logger = logging.getLogger(__name__)

HOUR = timedelta(hours=1)
#: A worker that has said nothing for so long is gone; an idle one reports about once a minute.
SILENCE = timedelta(minutes=3)


def exposition() -> bytes:
    """Everything, in Prometheus's text format. Parts that can't be reached are left out, and
    `instarecon_up` says which."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Site())
    return generate_latest(registry)


class _Site(Collector):
    def collect(self) -> Iterator[Metric]:
        reached = _gauge("up", "Whether the part could be reached", "part")
        for part, families in PARTS.items():
            try:
                found = list(families())
            except (DatabaseError, RedisError, OSError) as error:
                logger.warning("No metrics of the %s: %s", part, error)
                reached.add_metric([part], 0)
                continue
            reached.add_metric([part], 1)
            yield from found
        yield reached
        yield _counted("build_info", "The version of the site", "version", {__version__: 1})


def _jobs() -> Iterator[Metric]:
    jobs = Job.objects.order_by()
    statuses = dict(jobs.values_list("status").annotate(count=Count("pk")))
    every = {status: statuses.get(status, 0) for status in Job.Status.values}
    yield _counted("jobs", "Jobs by status", "status", every)
    oldest = jobs.filter(status=Job.Status.PENDING).aggregate(at=Min("created_at"))["at"]
    waited = (timezone.now() - oldest).total_seconds() if oldest else 0.0
    yield _gauge(
        "oldest_wait_seconds", "How long the job has waited that waits longest", value=waited
    )
    lately = jobs.filter(completed_at__gt=timezone.now() - HOUR)
    ended = dict(lately.values_list("status").annotate(count=Count("pk")))
    every = {str(status): ended.get(status, 0) for status in Job.ENDED}
    yield _counted("jobs_ended_last_hour", "Jobs that ended, by how", "status", every)
    failed = lately.filter(status=Job.Status.FAILED)
    codes = dict(failed.values_list("error_code").annotate(count=Count("pk")))
    yield _counted("failures_last_hour", "Jobs that failed, by code", "code", codes)


def _steps() -> Iterator[Metric]:
    seconds = _gauge("step_seconds_last_hour", "Seconds that ended steps took, in all", "step")
    count = _gauge("steps_last_hour", "Steps that ended", "step")
    took = ExpressionWrapper(F("ended_at") - F("started_at"), output_field=DurationField())
    lately = StageRun.objects.filter(
        outcome=StageRun.Outcome.DONE, ended_at__gt=timezone.now() - HOUR
    )
    rows = lately.order_by().values("step").annotate(count=Count("pk"), total=Sum(took))
    for row in rows:
        seconds.add_metric([row["step"]], row["total"].total_seconds())
        count.add_metric([row["step"]], row["count"])
    yield from (seconds, count)


def _queues() -> Iterator[Metric]:
    lengths = {name: len(queues.rq_queue(name)) for name in settings.RQ_QUEUES}
    yield _counted("queue_length", "Tasks that wait in Redis, by queue", "queue", lengths)
    connection = queues.connection(settings.REDIS_URL)
    living = [worker for worker in Worker.all(connection=connection) if _is_alive(worker)]
    of_queue = Counter(dict.fromkeys(settings.RQ_QUEUES, 0))
    busy = Counter(dict.fromkeys(settings.RQ_QUEUES, 0))
    for worker in living:
        of_queue.update(worker.queue_names())
        if worker.get_state() == "busy":
            busy.update(worker.queue_names())
    yield _counted("workers", "Workers that were heard of lately, by queue", "queue", of_queue)
    yield _counted("workers_busy", "Those of them that work", "queue", busy)
    boxes = {worker.hostname for worker in living if queue.QUEUE in worker.queue_names()}
    yield _gauge("boxes", "Machines with a worker for jobs", value=len(boxes))


def _requests() -> Iterator[Metric]:
    total = CounterMetricFamily(
        "instarecon_http_requests", "Requests", labels=("method", "route", "status")
    )
    seconds = HistogramMetricFamily(
        "instarecon_http_request_seconds", "How long the work took", labels=("method", "route")
    )
    for route, counts in sorted(request_counts.read().items()):
        for status, number in sorted(counts.statuses.items()):
            total.add_metric([route.method, route.name, status], number)
        seconds.add_metric(
            [route.method, route.name], _summed(counts.buckets), sum_value=counts.seconds
        )
    yield from (total, seconds)


def _summed(buckets: list[int]) -> list[tuple[str, float]]:
    """As Prometheus has them: each holds those below it too."""
    ends = ["+Inf" if end == float("inf") else str(end) for end in request_counts.BUCKETS]
    return [(end, sum(buckets[: number + 1])) for number, end in enumerate(ends)]


def _disk() -> Iterator[Metric]:
    disk = shutil.disk_usage(settings.DATA_DIR)
    yield _gauge("disk_free_bytes", "Free where DATA_DIR lies", value=disk.free)
    yield _gauge("disk_total_bytes", "The size of that disk", value=disk.total)


#: What is asked separately: one that is away does not hide the others.
PARTS: dict[str, Callable[[], Iterable[Metric]]] = {
    "database": lambda: [*_jobs(), *_steps()],
    "queue": lambda: [*_queues(), *_requests()],
    "disk": _disk,
}


def _gauge(name: str, what: str, label: str = "", value: float | None = None) -> GaugeMetricFamily:
    labels = (label,) if label else None
    return GaugeMetricFamily(f"instarecon_{name}", what, value=value, labels=labels)


def _counted(name: str, what: str, label: str, values: dict[str, int]) -> GaugeMetricFamily:
    family = _gauge(name, what, label)
    for value, count in sorted(values.items()):
        family.add_metric([value], count)
    return family


def _is_alive(worker: BaseWorker) -> bool:
    seen = worker.last_heartbeat
    return seen is not None and datetime.now(UTC) - seen.replace(tzinfo=UTC) < SILENCE
