"""The queues in Redis, for code that puts work on them."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache

import django_rq
from django.conf import settings
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry
from rq import Queue
from rq.serializers import JSONSerializer

from instarecon_site.monitoring import log_facts, tracing

logger = logging.getLogger(__name__)


def rq_queue(name: str) -> Queue:
    """The RQ queue `name`. Commit hooks are the caller's, so RQ's own are off."""
    queue: Queue = django_rq.get_queue(
        name,
        connection=connection(settings.RQ_QUEUES[name]["URL"]),
        serializer=JSONSerializer,
        commit_mode="auto",
    )
    return queue


def enqueue(
    name: str,
    task: str,
    args: Sequence[object] = (),
    *,
    description: str,
    job_id: str | None = None,
    timeout_s: int | None = None,
    result_ttl_s: int = 0,
    failure_ttl_s: int | None = None,
    at_front: bool = False,
) -> bool:
    """Puts a task on the queue `name`. False if Redis is down: the caller then leaves it to
    `reconcile`.

    `task` is a function by its dotted name, so that nobody imports what only a worker needs.
    Without a time RQ's own holds.
    """
    try:
        with _traced(name, job_id):
            rq_queue(name).enqueue_call(
                task,
                args=tuple(args),
                job_id=job_id,
                description=description,
                timeout=timeout_s,
                result_ttl=result_ttl_s,
                failure_ttl=failure_ttl_s,
                at_front=at_front,
                # Of the request that causes it, and its trace.
                meta={**log_facts.present(), **tracing.carried()} or None,
            )
    except RedisError as error:
        logger.warning("Redis is away: %s can't be queued yet: %s", description, error)
        return False
    return True


@contextmanager
def _traced(name: str, job_id: str | None) -> Iterator[None]:
    """A span for what a traced request or task puts on a queue."""
    if tracing.present() is None:
        yield
        return
    facts = {
        "messaging.system": "rq",
        "messaging.destination.name": name,
        "messaging.message.id": job_id,
    }
    with tracing.span(f"queue {name}", "PRODUCER", facts):
        yield


@lru_cache(maxsize=4)
def connection(url: str) -> Redis:
    """A connection that gives up soon: a page must not hang because Redis is down."""
    options: dict[str, object] = {"retry": Retry(NoBackoff(), 1), "socket_timeout": 5}
    if not url.startswith("unix:"):
        options["socket_connect_timeout"] = 2
    made: Redis = Redis.from_url(url, **options)
    return made
