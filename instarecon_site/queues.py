"""The queues in Redis, as whoever puts work on them reaches them."""

from __future__ import annotations

from functools import lru_cache

import django_rq
from django.conf import settings
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from rq import Queue
from rq.serializers import JSONSerializer


def rq_queue(name: str) -> Queue:
    """The RQ queue `name`. Commit hooks are the caller's, so RQ's own are off."""
    queue: Queue = django_rq.get_queue(
        name,
        connection=connection(settings.RQ_QUEUES[name]["URL"]),
        serializer=JSONSerializer,
        commit_mode="auto",
    )
    return queue


@lru_cache(maxsize=4)
def connection(url: str) -> Redis:
    """A connection that gives up soon: a page must not hang because Redis is away."""
    options: dict[str, object] = {"retry": Retry(NoBackoff(), 1), "socket_timeout": 5}
    if not url.startswith("unix:"):
        options["socket_connect_timeout"] = 2
    made: Redis = Redis.from_url(url, **options)
    return made
