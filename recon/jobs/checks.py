"""The photo check of drafts: asked for on every change, done by workers of their own.

A check is a short task on the queue `checks`, whose workers touch no GPU and take no other work,
so that it never waits behind a reconstruction. It writes `check/report.json` into the draft's
folder (`recon.pipeline.checking`) and nothing into the database: what it says is advice, and a
draft can be started without it.

At most one check waits for each draft. One that a change finds running does not count: it may
have listed the photos already, so the change asks for another.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from django.conf import settings
from django.db import transaction
from redis.exceptions import RedisError
from rq import Worker

from recon.jobs import folder_lock, queue
from recon.models import Job
from recon.pipeline.errors import Cancelled, TimeLimit
from recon.pipeline.workspace import write_json

logger = logging.getLogger(__name__)

QUEUE = "checks"
TASK = "recon.jobs.checks.check_photos"

#: Twenty large photos take a few seconds; on a machine that is busy with jobs, some more.
TIMEOUT_S = 180
FAILURE_TTL_S = 24 * 60 * 60

#: A check waits for another one of the same draft, which a second worker may run.
LOCK_WAIT_S = 60.0

#: A check that did not get through (out of memory, killed) is tried so many times.
MAX_TRIES = 3


class State(Enum):
    """How far the check of a draft is."""

    CURRENT = "current"  # the report is about the photos as they are
    COMING = "coming"  # a worker looks at them, or will
    ABSENT = "absent"  # nobody does: Redis or the workers are away, or the check fails


@dataclass(frozen=True)
class Check:
    """What is known about a draft's photos now."""

    state: State
    report: dict[str, Any] | None  # the latest, which may be about other photos


def request_check(job: Job) -> None:
    """Asks for a check once the surrounding transaction commits. Never raises."""
    transaction.on_commit(partial(_enqueue, str(job.pk)))


def request_missing(job: Job) -> bool:
    """Asks for a draft's check where there is none, and none on its way. For `reconcile`."""
    report = read_report(job)
    if (report is not None and is_current(report, job)) or tries_of(job) >= MAX_TRIES:
        return False
    try:
        return not (_waiting(job.pk) or _running(job.pk)) and _enqueue(str(job.pk))
    except RedisError as error:
        logger.warning("Draft %s can't be checked now: %s", job.pk, error)
        return False


def state_of(job: Job) -> Check:
    """The draft's report, and whether another is to be expected."""
    report = read_report(job)
    if report is not None and is_current(report, job):
        return Check(State.CURRENT, report)
    try:
        coming = bool(_waiting(job.pk) or _running(job.pk)) and _somebody_works()
    except RedisError:
        coming = False
    return Check(State.COMING if coming else State.ABSENT, report)


def read_report(job: Job) -> dict[str, Any] | None:
    try:
        report: dict[str, Any] = json.loads(_report_path(job).read_text())
    except (FileNotFoundError, NotADirectoryError):
        return None
    return report


def is_current(report: Mapping[str, Any], job: Job) -> bool:
    """Whether the report is about these photos, in this order. Without photos, any is."""
    return list(report["sent"]) == _names(job)


def tries_of(job: Job) -> int:
    """How often a check of these very photos was begun."""
    tried = _read_tries(job)
    return int(tried["times"]) if tried.get("photos") == _names(job) else 0


def check_photos(job_id: str) -> None:
    """The task. Ends quietly where the draft is started or deleted, before or meanwhile."""
    folder = Path(settings.DATA_DIR) / "jobs" / job_id
    try:
        with folder_lock.hold(folder, wait_s=LOCK_WAIT_S):
            draft = _draft(job_id)
            if draft is not None:
                _check(draft)
    except FileNotFoundError:
        logger.info("Draft %s is gone; nothing to check", job_id)
    except folder_lock.FolderBusy:
        logger.warning("Draft %s is busy; reconcile asks again", job_id)
    except Cancelled:
        logger.info("Draft %s was started or deleted; its check ends", job_id)
    except TimeLimit:
        logger.warning("The check of draft %s took longer than %s s", job_id, TIMEOUT_S)


def _check(draft: Job) -> None:
    # Here, so that the web process never loads pycolmap.
    from recon.pipeline import checking

    report = read_report(draft)
    if report is not None and is_current(report, draft):
        return
    photos = list(draft.photos.all())
    write_json(_tries_path(draft), {"photos": _names(draft), "times": tries_of(draft) + 1})

    def tick(fraction: float, message: str) -> None:
        if _draft(draft.pk) is None:
            raise Cancelled

    checking.check([photo.path for photo in photos], _report_path(draft).parent, tick=tick)


def _enqueue(job_pk: str) -> bool:
    """Puts a check on the list, unless one waits there. False where Redis is away."""
    try:
        if _waiting(job_pk):
            return True
        queue.rq_queue(QUEUE).enqueue_call(
            TASK,
            args=(job_pk,),
            job_id=f"{_prefix(job_pk)}{uuid4().hex}",
            description=f"photo check of draft {job_pk}",
            timeout=TIMEOUT_S,
            result_ttl=0,
            failure_ttl=FAILURE_TTL_S,
        )
    except RedisError as error:
        logger.warning("Draft %s can't be checked now: %s", job_pk, error)
        return False
    return True


def _waiting(job_pk: UUID | str) -> bool:
    """Whether a check of this draft waits. Two may where two requests ask at the same moment,
    which costs nothing: the second finds nothing new. Raises RedisError."""
    ids = queue.rq_queue(QUEUE).job_ids
    return any(one.startswith(_prefix(job_pk)) for one in ids)


def _running(job_pk: UUID | str) -> bool:
    """Whether a worker is on it. Raises RedisError."""
    return any(one.startswith(_prefix(job_pk)) for one in queue.running_ids(QUEUE))


def _somebody_works() -> bool:
    """Whether there is a worker for checks. Raises RedisError."""
    return Worker.count(queue=queue.rq_queue(QUEUE)) > 0


def _prefix(job_pk: UUID | str) -> str:
    return f"check-{job_pk}-"


def _draft(job_pk: UUID | str) -> Job | None:
    return Job.objects.filter(pk=job_pk, status=Job.Status.DRAFT).first()


def _names(job: Job) -> list[str]:
    return list(job.photos.values_list("name", flat=True))


def _report_path(job: Job) -> Path:
    return job.workspace.check / "report.json"


def _tries_path(job: Job) -> Path:
    return job.workspace.check / "tries.json"


def _read_tries(job: Job) -> dict[str, Any]:
    with suppress(FileNotFoundError, NotADirectoryError, ValueError):
        tried: dict[str, Any] = json.loads(_tries_path(job).read_text())
        return tried
    return {}
