"""Whether a running attempt's heart still beats, for those who can't see its folder's lock.

Each process judges by its own clock alone: machines' clocks differ, and may be set.
"""

from __future__ import annotations

import time
from datetime import datetime
from uuid import UUID

from recon.models import Job

#: Seconds without a new heartbeat after which an attempt's machine is taken for lost. Pulses come
#: each second; a database that is away for a while holds them up.
LOST_AFTER_S = 60.0

#: The last heartbeat that was seen of each job, and when it was first seen here, monotonic seconds.
_seen: dict[UUID, tuple[datetime | None, float]] = {}


def still_beats(job: Job) -> bool:
    """Whether the job's heartbeat has changed in the last minute, as far as this process knows: the
    first look says yes."""
    now = time.monotonic()
    before, since = _seen.get(job.pk, (None, 0.0))
    if job.pk not in _seen or before != job.heartbeat_at:
        for ended in [pk for pk, (_, last) in _seen.items() if now - last > 2 * LOST_AFTER_S]:
            del _seen[ended]  # nobody has asked since, and this process lives for months
        _seen[job.pk] = (job.heartbeat_at, now)
        return True
    if now - since < LOST_AFTER_S:
        return True
    del _seen[job.pk]
    return False
