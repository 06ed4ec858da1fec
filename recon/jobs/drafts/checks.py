"""The photo check of drafts: requested on every change, done by workers of its own.

A check is a short task on the queue `checks`, whose workers touch no GPU and take no other work,
so that it never waits behind a reconstruction or a video. It writes `check/report.json` into the
draft's folder (`recon.pipeline.photo_check.check`) and nothing into the database: what it says is
advice, and a draft can be started without it.

Of several people's checks each person's first come first (`recon.jobs.fair_queue`).

At most one check waits per draft. One that is already running does not count: it may have listed
the photos before the change, so the change requests another.
"""

from __future__ import annotations

import logging
from collections.abc import Collection
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import Enum
from functools import partial
from pathlib import Path
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, Prefetch
from redis.exceptions import RedisError
from rq import Worker

from recon.jobs import fair_queue, queue
from recon.jobs.folder import lock as folder_lock
from recon.jobs.folder import mirror
from recon.models import Job, Photo
from recon.pipeline.errors import Cancelled, TimeLimit
from recon.pipeline.machine import disk
from recon.pipeline.photo_check.report import CheckReport
from recon.pipeline.records import RecordError, read_record
from recon.pipeline.workspace import write_json

logger = logging.getLogger(__name__)

QUEUE = "checks"
TASK = "recon.jobs.drafts.checks.check_photos"

#: Twenty large photos take a few seconds; on a machine that is busy with jobs, some more.
TIMEOUT_S = 180
FAILURE_TTL_S = 24 * 60 * 60

#: A check waits for another one of the same draft, which a second worker may run.
LOCK_WAIT_S = 60.0

#: How many lost checks one round of `reconcile` requests: more than can be done before the next.
AT_ONCE = 100

#: A check that did not finish (out of memory, killed) is tried this many times.
MAX_TRIES = 3


class State(Enum):
    """How far the check of a draft is."""

    CURRENT = "current"  # the report is about the photos as they are, or there are none
    COMING = "coming"  # a worker looks at them, or will
    ABSENT = "absent"  # nobody does: Redis or the workers are down, or the check fails


@dataclass(frozen=True)
class Check:
    """What is known about a draft's photos now."""

    state: State
    report: CheckReport | None  # the latest, which may be about other photos


@dataclass(frozen=True)
class _Tries:
    """How often a check of these photos was begun: `check/tries.json`."""

    photos: tuple[str, ...]
    times: int


def request_check(job: Job) -> None:
    """Asks for a check once the surrounding transaction commits. Never raises."""
    transaction.on_commit(partial(_enqueue, str(job.pk), job.owner_id))


def request_missing(edited_after: datetime) -> int:
    """Requests the checks that drafts edited since then lack and that nothing is about to do.
    Returns how many. For `reconcile`.
    """
    drafts = Job.objects.filter(
        Exists(Photo.objects.filter(job=OuterRef("pk"))),
        status=Job.Status.DRAFT,
        edited_at__gt=edited_after,
    )
    names = Photo.objects.only("job", "name", "position")
    lacking = [job for job in drafts.prefetch_related(Prefetch("photos", names)) if _lacks(job)]
    if not lacking:
        return 0
    try:
        carried = queue.task_ids(QUEUE)
    except RedisError as error:
        logger.warning("%d drafts can't be checked now: %s", len(lacking), error)
        return 0
    lost = [job for job in lacking if not _has_prefix(carried, job.pk)]
    return sum(_put_on_the_list(str(job.pk), job.owner_id) for job in lost[:AT_ONCE])


def _lacks(job: Job) -> bool:
    report = read_report(job)
    return not (report is not None and is_current(report, job)) and tries_of(job) < MAX_TRIES


def state_of(job: Job) -> Check:
    """The draft's report, and whether another is to be expected."""
    report = read_report(job)
    names = _names(job)
    if not names or (report is not None and list(report.sent) == names):
        return Check(State.CURRENT, report)
    try:
        coming = _has_prefix(queue.task_ids(QUEUE), job.pk) and _somebody_works()
    except RedisError:
        coming = False
    return Check(State.COMING if coming else State.ABSENT, report)


def read_report(job: Job) -> CheckReport | None:
    """The latest report; None where there is none that can be read: the next replaces it."""
    mirror.pull(job, mirror.path_of(job, job.workspace.check))
    try:
        return CheckReport.read(job.workspace.check)
    except FileNotFoundError:
        return None
    except RecordError as error:
        logger.warning("Draft %s is checked again: %s", job.pk, error)
        return None


def is_current(report: CheckReport, job: Job) -> bool:
    """Whether the report is about these photos, in this order."""
    return list(report.sent) == _names(job)


def tries_of(job: Job) -> int:
    """How often a check of these very photos was begun."""
    tried = _read_tries(job)
    return tried.times if tried is not None and list(tried.photos) == _names(job) else 0


def check_photos(job_id: str) -> None:
    """The task. Ends quietly if the draft has been started or deleted, before or meanwhile."""
    folder = Path(settings.DATA_DIR) / "jobs" / job_id
    try:
        if (draft := _draft(job_id)) is not None:
            mirror.make_folder(draft)
        with folder_lock.hold(folder, wait_s=LOCK_WAIT_S):
            draft = _draft(job_id)
            if draft is not None:
                mirror.pull_here(draft, "check", _photos_of(draft))
                _check(draft)
                mirror.keep(draft, *mirror.files_in(draft, "check"))
    except FileNotFoundError:
        logger.info("Draft %s is gone; nothing to check", job_id)
    except folder_lock.FolderBusy:
        logger.warning("Draft %s is busy; reconcile asks again", job_id)
    except Cancelled:
        logger.info("Draft %s was started or deleted; its check ends", job_id)
    except OSError as error:
        if not disk.explains(error, folder):
            raise
        logger.error("Draft %s can't be checked: %s", job_id, error)
    except TimeLimit:
        logger.warning("The check of draft %s took longer than %s s", job_id, TIMEOUT_S)


def _check(draft: Job) -> None:
    # Here, so that the web process never loads pycolmap.
    from recon.pipeline.photo_check import check

    report = read_report(draft)
    if report is not None and is_current(report, draft):
        return
    photos = list(draft.photos.all())
    tried = _Tries(tuple(_names(draft)), tries_of(draft) + 1)
    write_json(_tries_path(draft), asdict(tried))

    def stop_if_gone(fraction: float, code: str = "", /, **facts: object) -> None:
        if _draft(draft.pk) is None:
            raise Cancelled

    check.check([photo.path for photo in photos], draft.workspace.check, progress=stop_if_gone)


def _enqueue(job_pk: str, owner_pk: int) -> None:
    """Puts a check on the list, unless one is waiting there.

    Two may wait if two requests come at the same moment, which costs nothing: the second finds
    nothing new.
    """
    try:
        if _has_prefix(queue.rq_queue(QUEUE).job_ids, job_pk):
            return
    except RedisError as error:
        logger.warning("Draft %s can't be checked now: %s", job_pk, error)
        return
    _put_on_the_list(job_pk, owner_pk)


def _put_on_the_list(job_pk: str, owner_pk: int) -> bool:
    """False if Redis is down."""
    return fair_queue.enqueue(
        QUEUE,
        TASK,
        (job_pk,),
        prefix=_prefix(job_pk),
        owner_pk=owner_pk,
        description=f"photo check of draft {job_pk}",
        timeout_s=TIMEOUT_S,
        failure_ttl_s=FAILURE_TTL_S,
    )


def _has_prefix(task_ids: Collection[str], job_pk: UUID | str) -> bool:
    """Whether one of the tasks is a check of this draft."""
    return any(one.startswith(_prefix(job_pk)) for one in task_ids)


def _somebody_works() -> bool:
    """Whether there is a worker for checks. Raises RedisError."""
    return Worker.count(queue=queue.rq_queue(QUEUE)) > 0


def _prefix(job_pk: UUID | str) -> str:
    return f"check-{job_pk}-"


def _photos_of(draft: Job) -> str:
    return mirror.path_of(draft, draft.workspace.upload)


def _draft(job_pk: UUID | str) -> Job | None:
    return Job.objects.filter(pk=job_pk, status=Job.Status.DRAFT).first()


def _names(job: Job) -> list[str]:
    return [photo.name for photo in job.photos.all()]


def _tries_path(job: Job) -> Path:
    return job.workspace.check / "tries.json"


def _read_tries(job: Job) -> _Tries | None:
    try:
        return read_record(_tries_path(job), _Tries)
    except (FileNotFoundError, RecordError):
        return None
