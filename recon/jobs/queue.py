"""The work list in Redis, and what people may know about it.

Redis only carries work. Whatever is lost or doubled here, `lifecycle.start` lets each attempt
run once and `reconcile` puts back what is missing, so an unreachable Redis is logged, not raised.
"""

from __future__ import annotations

import logging
import time
from datetime import UTC, datetime, timedelta
from functools import partial
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Count, Q, QuerySet
from redis import Redis
from redis.exceptions import RedisError
from rq import Queue
from rq.command import send_stop_job_command
from rq.exceptions import InvalidJobOperation, NoSuchJobError
from rq.executions import Execution
from rq.job import Job as QueuedJob
from rq.job import JobStatus
from rq.serializers import JSONSerializer

from instarecon_site import queues
from instarecon_site.monitoring import log_facts
from recon.models import Job, Worker

logger = logging.getLogger(__name__)

QUEUE = "recon"

#: The line of those that wait: first what staff put first; what the site made by itself comes
#: last, however long it waits; between the two each person has their turn (`workers.turns`).
LINE = ("-priority", "gives_way", "turn", "created_at", "pk")

Line = QuerySet[Job]

#: By name, so that the web process never imports what only a work horse needs.
TASK = "recon.jobs.run.tasks.run_job"

RESULT_TTL_S = 60 * 60
#: A busy worker tells Redis every two seconds that it lives (`worker.MONITORING_S`).
SILENT_WORKER_S = 35

#: The ids that this process has seen handed over, and since when, monotonic seconds.
_handed_over_since: dict[str, float] = {}

FAILURE_TTL_S = 7 * 24 * 60 * 60  # the queue dashboard shows failures for a week


def enqueue_on_commit(job: Job, *, at_front: bool = False) -> None:
    """Hands the job's present attempt to the workers once the surrounding transaction commits."""
    transaction.on_commit(partial(enqueue, str(job.pk), job.attempt, at_front=at_front))


def enqueue(job_pk: str, attempt: int, *, at_front: bool = False) -> bool:
    """Puts one attempt on the list. False if Redis is down: the job waits for `reconcile`."""
    with log_facts.about(job_id=job_pk, attempt=attempt):
        return queues.enqueue(
            QUEUE,
            TASK,
            (job_pk, attempt),
            description=f"job {job_pk}, attempt {attempt}",
            job_id=f"{job_pk}-{attempt}",
            timeout_s=settings.JOB_TIMEOUT_MINUTES * 60,
            result_ttl_s=RESULT_TTL_S,
            failure_ttl_s=FAILURE_TTL_S,
            at_front=at_front,
        )


def job_pk_of(queue_id: str) -> UUID | None:
    """The job that an attempt on the list belongs to; None for what somebody else put there."""
    try:
        return UUID(queue_id.rpartition("-")[0])
    except ValueError:
        return None


def withdraw(queue_id: str) -> None:
    """Takes an attempt off the list, or stops the work horse that runs it.

    A stop goes through Redis to the worker, which kills its horse. Where that message is lost,
    the horse's own `Pulse` notices within seconds.
    """
    connection = queues.connection(settings.RQ_QUEUES[QUEUE]["URL"])
    try:
        queued = QueuedJob.fetch(queue_id, connection=connection, serializer=JSONSerializer)
        if queued.is_queued:
            queued.delete()
        elif queued.worker_name:
            send_stop_job_command(connection, queue_id, serializer=JSONSerializer)
    except (NoSuchJobError, InvalidJobOperation):
        logger.info("Attempt %s is not in the queue; nothing to withdraw", queue_id)
    except RedisError as error:
        logger.warning("Attempt %s could not be withdrawn: %s", queue_id, error)


def carried_ids() -> set[str]:
    """The ids of all attempts that Redis still carries. Raises RedisError if it is down.

    An attempt moves from the list over the intermediate list to the started ones. Reading them
    in that order never misses one that moves meanwhile. One that a silent worker had started
    does not count: nobody carries it any more.
    """
    queue = rq_queue()
    waiting = set(queue.job_ids)
    handed_over = _handed_over_lately(queue)
    waiting |= set(queue.job_ids)  # a worker that took another job instead puts one back
    started = queue.started_job_registry.get_job_and_execution_ids(cleanup=False)
    running = {one for one, run in started if _is_alive(one, run, queue.connection)}
    abandoned = {one for one, _ in started} - running
    return waiting | (handed_over - abandoned) | running


def _handed_over_lately(queue: Queue) -> set[str]:
    """The ids that a worker has taken and not begun.

    It begins them at once. One that stays was taken by a worker that was killed in that moment,
    which RQ itself would only act on after two minutes and more. Each process judges by its own
    clock, which nobody sets.
    """
    now, ids = time.monotonic(), set(queue.intermediate_queue.get_job_ids())
    for one in set(_handed_over_since) - ids:
        _handed_over_since.pop(one, None)
    return {one for one in ids if now - _handed_over_since.setdefault(one, now) < SILENT_WORKER_S}


def _is_alive(queue_id: str, execution_id: str, connection: Redis) -> bool:
    """Whether the worker of a started attempt has been heard from recently."""
    try:
        execution = Execution.fetch(execution_id, queue_id, connection)
    except ValueError:  # expired
        return False
    return datetime.now(UTC) - execution.last_heartbeat < timedelta(seconds=SILENT_WORKER_S)


def position(job: Job) -> int | None:
    """The job's place among those waiting: 1 is next. None if it is not waiting."""
    if not job.is_pending:
        return None
    return waiting_before(job).count() + 1


def waiting_before(job: Job) -> Line:
    """The jobs that come before this one, in their order."""
    before, same = Q(pk__in=()), Q()
    for column in LINE:
        name, comparison = column.lstrip("-"), "gt" if column.startswith("-") else "lt"
        value = getattr(job, name)
        before |= same & Q(**{f"{name}__{comparison}": value})
        same &= Q(**{name: value})
    return Job.objects.filter(before, status=Job.Status.PENDING).order_by(*LINE)


def positions(owner_pk: int) -> dict[UUID, int]:
    """`position` of all of one person's jobs that wait."""
    waiting = Job.objects.filter(status=Job.Status.PENDING).order_by(*LINE)
    line = enumerate(waiting.values_list("pk", "owner_id"), start=1)
    return {pk: place for place, (pk, owner) in line if owner == owner_pk}


def overview() -> dict[str, int]:
    """How busy the site is. `max_concurrent` counts workers: one per GPU, one job each."""
    active = Job.objects.filter(status__in=Job.ACTIVE).order_by().values("status")
    counts = dict(active.annotate(count=Count("pk")).values_list("status", "count"))
    return {
        "queued": counts.get(Job.Status.PENDING, 0),
        "running": counts.get(Job.Status.PROCESSING, 0),
        "max_concurrent": most_at_once(),
    }


def most_at_once() -> int:
    """How many jobs run at a time: the workers that are there, or as many as there should be."""
    return Worker.objects.serving().count() or settings.MAX_CONCURRENT_JOBS


def running_ids(name: str) -> set[str]:
    """The ids on queue `name` taken by workers that have been heard from since. Raises RedisError.

    The intermediate list is read first, as in `carried_ids`: what leaves it has been started.
    """
    queue = rq_queue(name)
    handed_over = set(queue.intermediate_queue.get_job_ids())
    started = queue.started_job_registry.get_job_and_execution_ids(cleanup=False)
    running = {one for one, run in started if _is_alive(one, run, queue.connection)}
    return running | {one for one in handed_over if not _has_ended(one, queue.connection)}


def task_ids(name: str) -> set[str]:
    """The ids of all tasks that wait on queue `name` or run. Raises RedisError."""
    waiting = set(rq_queue(name).job_ids)
    return waiting | running_ids(name)


def _has_ended(queue_id: str, connection: Redis) -> bool:
    """Whether an attempt is over. One that is killed at once stays handed over for minutes."""
    try:
        queued = QueuedJob.fetch(queue_id, connection=connection, serializer=JSONSerializer)
    except NoSuchJobError:
        return True
    # As it was fetched: a look back may find it gone, since ended tasks keep nothing.
    return queued.get_status(refresh=False) in (
        JobStatus.FAILED, JobStatus.FINISHED, JobStatus.STOPPED,
    )  # fmt: skip


def rq_queue(name: str = QUEUE) -> Queue:
    """The RQ queue `name`. Commit hooks are ours (`enqueue_on_commit`), so RQ's own are off."""
    return queues.rq_queue(name)
