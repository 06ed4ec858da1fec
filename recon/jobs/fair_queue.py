"""Short tasks of many people on one list, in turns: nobody's tenth comes before another's first.

RQ takes tasks in the order of a list in Redis and puts new ones at its end. Here a new task is
moved forward to its owner's turn. The number of the owner is a part of the task's id, so the list
alone says whose turn it is, and nothing needs to be kept elsewhere.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from typing import Any
from uuid import uuid4

from redis.exceptions import RedisError, WatchError
from rq.utils import as_text

from instarecon_site import queues
from recon.jobs import queue
from recon.jobs.workers import ranks

logger = logging.getLogger(__name__)

#: How often a task is moved again where the list changed meanwhile. It may stay where it is: it
#: only comes later than it could.
TRIES = 5


def enqueue(
    name: str,
    task: str,
    args: Sequence[Any],
    *,
    prefix: str,
    owner_pk: int,
    description: str,
    timeout_s: int,
    failure_ttl_s: int,
) -> bool:
    """Puts a task of this person on the list `name`, where their turn is. False if Redis is down.
    `prefix` is what the task is found by.
    """
    task_id = f"{prefix}{uuid4().hex}-{owner_pk}"
    if not queues.enqueue(
        name,
        task,
        args,
        description=description,
        job_id=task_id,
        timeout_s=timeout_s,
        failure_ttl_s=failure_ttl_s,
    ):
        return False
    try:
        _take_turn(name, task_id)
    except RedisError as error:
        logger.warning("Redis went away: %s waits at the end of its list: %s", description, error)
        return False
    return True


def place_of(task_id: str, waiting: Sequence[str], running: Iterable[str]) -> int:
    """Where among those that wait a new task belongs: behind everybody's task of the same turn
    (`ranks.place_of`)."""
    owners = list(map(_owner_of, waiting))
    return ranks.place_of(_owner_of(task_id), owners, map(_owner_of, running))


def _take_turn(name: str, task_id: str) -> None:
    """Moves the task at the end of the list to its place. Raises RedisError."""
    listed = queue.rq_queue(name)
    running = queue.running_ids(name)
    with listed.connection.pipeline() as pipe:
        for _ in range(TRIES):
            pipe.watch(listed.key)
            waiting = [as_text(one) for one in pipe.lrange(listed.key, 0, -1)]
            others = [one for one in waiting if one != task_id]
            place = place_of(task_id, others, running)
            if task_id not in waiting or place == len(others):
                return
            pipe.multi()
            pipe.lrem(listed.key, 1, task_id)
            pipe.linsert(listed.key, "BEFORE", others[place], task_id)
            try:
                pipe.execute()
            except WatchError:  # a worker took one, or another came
                continue
            return


def _owner_of(task_id: str) -> str:
    return task_id.rpartition("-")[2]
