"""How many requests there were, how they ended and how long they took, of all web processes.

Each process counts for itself and adds that to a hash in Redis every few seconds, when a request
comes. So whichever process is asked for the metrics knows them all, and a process that ends takes
two seconds of counts with it at most. Without Redis it goes on counting, and adds it later.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from dataclasses import dataclass

from django.conf import settings
from redis.exceptions import RedisError

from instarecon_site import queues

logger = logging.getLogger(__name__)

KEY = "instarecon:requests"
#: Upper ends in seconds; a request counts in the first that it fits in.
BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, float("inf"))
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
EVERY_S = 2.0
#: Without Redis: until it is tried again. Each try may take seconds.
AWAY_S = 30.0

_SUM, _BUCKET, _STATUS = "sum", "le", "status"


@dataclass(frozen=True, order=True)
class Route:
    """A kind of request. Its name is the pattern of its address, so that no id and no key of a
    link is in it."""

    method: str
    name: str


@dataclass(frozen=True)
class Counts:
    """Of one route: how many of each status, how many in each of BUCKETS, and seconds in all."""

    statuses: dict[str, int]
    buckets: list[int]
    seconds: float


_lock = threading.Lock()
_counted: Counter[str] = Counter()
_next_at = 0.0  # monotonic seconds


def count(method: str, route: str, status: int, seconds: float) -> None:
    """Counts one request."""
    begin = f"{method if method in METHODS else 'OTHER'} {route.replace(' ', '')}"
    bucket = next(n for n, most in enumerate(BUCKETS) if seconds <= most)
    with _lock:
        _counted[f"{begin} {_STATUS} {status}"] += 1
        _counted[f"{begin} {_BUCKET} {bucket}"] += 1
        _counted[f"{begin} {_SUM} us"] += round(seconds * 1e6)
        if time.monotonic() < _next_at:
            return
    add_up()


def add_up() -> None:
    """Adds this process's counts to everybody's. Without Redis they are kept for later."""
    global _next_at
    with _lock:
        mine = dict(_counted)
        _counted.clear()
        _next_at = time.monotonic() + EVERY_S
    if not mine:
        return
    try:
        pipe = queues.connection(settings.REDIS_URL).pipeline()
        for name, amount in mine.items():
            pipe.hincrby(KEY, name, amount)
        pipe.execute()
    except RedisError as error:
        logger.warning("Requests are not counted in Redis yet: %s", error)
        with _lock:
            _counted.update(mine)
            _next_at = time.monotonic() + AWAY_S


def read() -> dict[Route, Counts]:
    """What all processes have counted. Raises RedisError."""
    add_up()
    found: dict[Route, Counts] = {}
    for name, amount in queues.connection(settings.REDIS_URL).hgetall(KEY).items():
        text = name.decode() if isinstance(name, bytes) else name
        method, route, kind, which = text.split(" ")
        counts = found.setdefault(Route(method, route), Counts({}, [0] * len(BUCKETS), 0.0))
        if kind == _STATUS:
            counts.statuses[which] = int(amount)
        elif kind == _BUCKET:
            counts.buckets[int(which)] = int(amount)
        else:
            found[Route(method, route)] = Counts(counts.statuses, counts.buckets, int(amount) / 1e6)
    return found
