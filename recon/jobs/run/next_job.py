"""The attempt that a worker took off the list, exchanged for the one that is its to do.

The list in Redis wakes one worker for each attempt on it; which attempt that worker does, the
database says. Exchanging is one step in Redis, so two workers never get the same.
"""

from __future__ import annotations

import logging

from rq import Queue
from rq.exceptions import NoSuchJobError
from rq.job import Job as QueuedJob
from rq.serializers import JSONSerializer

from recon.jobs.workers import choice
from recon.models import Worker

logger = logging.getLogger(__name__)

#: KEYS: the list, and where RQ keeps what was taken and not yet begun. ARGV: wanted, taken.
_EXCHANGE = """
if redis.call('LREM', KEYS[1], 1, ARGV[1]) == 0 then return 0 end
redis.call('LPUSH', KEYS[2], ARGV[1])
redis.call('LREM', KEYS[2], 1, ARGV[2])
redis.call('LPUSH', KEYS[1], ARGV[2])
return 1
"""

_PUT_BACK = """
if redis.call('LREM', KEYS[2], 1, ARGV[1]) == 1 then redis.call('RPUSH', KEYS[1], ARGV[1]) end
"""


def next_instead_of(taken: QueuedJob, listed: Queue, worker: Worker) -> QueuedJob | None:
    """The first in line of those that this worker may do, instead of the one it `taken`.

    None where what it took is none for this worker and there is no other; it is on the list again.
    Raises DatabaseError, and RedisError.
    """
    for wanted in choice.next_for(worker):
        if wanted == taken.id:
            return taken
        try:
            # First: one whose task is gone is left to `reconcile`.
            found = QueuedJob.fetch(wanted, connection=listed.connection, serializer=JSONSerializer)
        except NoSuchJobError:
            continue
        if exchange(listed, taken.id, wanted):
            return found
    if choice.must_wait(taken.id, worker):
        put_back(listed, taken.id)
        return None
    return taken


def exchange(listed: Queue, taken_id: str, wanted_id: str) -> bool:
    """Puts the one back and takes the other. False where somebody else has taken that."""
    keys = (listed.key, listed.intermediate_queue_key)
    return bool(listed.connection.eval(_EXCHANGE, 2, *keys, wanted_id, taken_id))


def put_back(listed: Queue, taken_id: str) -> None:
    keys = (listed.key, listed.intermediate_queue_key)
    listed.connection.eval(_PUT_BACK, 2, *keys, taken_id)
