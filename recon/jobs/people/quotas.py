"""How much one person may store and start, and how much of it is used.

Whatever adds something asks first, inside its transaction: the check takes the person's row lock
(on SQLite, the database's) and keeps it until the rows are there. So two requests at once can't
both be the last that a limit lets in. What counts is the job's owner, whoever clicks.

What is counted as stored: each photo for each scene that has it, each video until its frames are
taken, and what each scene's folder holds besides, measured when it ends. While it runs, that is
not known yet.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from django.conf import settings
from django.db.models import BigIntegerField, F, OuterRef, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce
from django.utils import timezone

from accounts.models import User
from recon.jobs.folder import mirror
from recon.models import Job, Photo, Video
from recon.pipeline.errors import UserError
from recon.pipeline.workspace import remove_unfinished

MB = 2**20
BATCH = 500  # rows of one UPDATE


@dataclass(frozen=True)
class Limit:
    """One limit and what is used of it."""

    used: int
    most: int

    @property
    def is_reached(self) -> bool:
        return self.used >= self.most


@dataclass(frozen=True)
class Usage:
    """A person's three limits: bytes stored, scenes waiting or running, scenes started today."""

    stored: Limit
    active: Limit
    today: Limit


def usage(owner: User) -> Usage:
    active = Job.objects.filter(owner=owner, status__in=Job.ACTIVE).count()
    is_today = owner.started_on == _today()
    return Usage(
        stored=Limit(stored_bytes(owner), _most(owner.quota_stored_mb, "STORED_MB") * MB),
        active=Limit(active, _most(owner.quota_active_jobs, "ACTIVE_JOBS")),
        today=Limit(
            owner.started_that_day if is_today else 0,
            _most(owner.quota_jobs_a_day, "JOBS_A_DAY"),
        ),
    )


def with_sizes(jobs: QuerySet[Job]) -> QuerySet[Job]:
    """The jobs, each with `size`: what it counts for, in bytes."""
    photos = Photo.objects.filter(job=OuterRef("pk"))
    videos = Video.objects.filter(job=OuterRef("pk"), state=Video.State.WAITING)
    made = Coalesce(F("stored_bytes"), 0)
    return jobs.annotate(size=_sum_of(photos) + _sum_of(videos) + made)


def _sum_of(files: QuerySet[Photo] | QuerySet[Video]) -> Coalesce:
    """The bytes of one job's photos or videos together."""
    sums = files.order_by().values("job").annotate(total=Sum("size")).values("total")
    return Coalesce(Subquery(sums), 0, output_field=BigIntegerField())


def stored_bytes(owner: User) -> int:
    jobs = with_sizes(Job.objects.filter(owner=owner).order_by())
    return int(jobs.aggregate(total=Sum("size"))["total"] or 0)


def may_store(owner_pk: int, size: int) -> None:
    """Raises UserError: quota_stored, account_closing. Call it in the transaction that adds them.

    `size` is in bytes; 0 asks whether the limit is passed already.
    """
    _check_stored(lock_owner(owner_pk), size)


def may_add_video(draft: Job, size: int) -> None:
    """Raises UserError: too_many_videos, quota_videos, quota_stored, account_closing. Call it in
    the transaction that adds the video, with the draft's row locked."""
    owner = lock_owner(draft.owner_id)
    if draft.videos.count() >= settings.MAX_VIDEOS:
        raise UserError("too_many_videos", limit=settings.MAX_VIDEOS)
    waiting = Video.objects.filter(job__owner=owner, state=Video.State.WAITING).count()
    if waiting >= settings.QUOTA_VIDEOS:
        raise UserError("quota_videos", limit=settings.QUOTA_VIDEOS)
    _check_stored(owner, size)


def may_go_on(owner_pk: int) -> None:
    """For a job that has been counted as a start before. Raises UserError: quota_active_jobs,
    account_closing. Call it in the transaction that makes the job wait."""
    active = usage(lock_owner(owner_pk)).active
    if active.is_reached:
        raise UserError("quota_active_jobs", limit=active.most)


def may_start(owner_pk: int, size: int = 0) -> None:
    """Counts one start for today. `size`: bytes of photos that come with it and are not rows yet.

    Raises UserError: quota_stored, quota_active_jobs, quota_jobs_a_day, account_closing. Call it
    in the transaction that makes the job wait.
    """
    owner = lock_owner(owner_pk)
    used = usage(owner)
    if used.active.is_reached:
        raise UserError("quota_active_jobs", limit=used.active.most)
    if used.today.is_reached:
        raise UserError("quota_jobs_a_day", limit=used.today.most)
    _check_stored(owner, size)
    User.objects.filter(pk=owner_pk).update(
        started_on=_today(), started_that_day=used.today.used + 1
    )


def lock_owner(owner_pk: int) -> User:
    """The person, their row locked until the transaction ends.

    Raises UserError("account_closing") for an account that is being deleted.
    """
    owner = User.objects.select_for_update().get(pk=owner_pk)
    if owner.leaving_since is not None:
        raise UserError("account_closing")
    return owner


def measure_ended(jobs: QuerySet[Job]) -> int:
    """Notes what the folders of ended jobs hold besides photos and videos, in bytes: for those not
    measured yet, because they have just ended or their horse died. Returns how many.

    A file that has two names in a folder counts once. What a cancelled job left half done goes
    first: only a failed one can go on.
    """
    ended = list(jobs.filter(status__in=Job.ENDED, stored_bytes=None))
    for job in ended:
        if job.status == Job.Status.CANCELLED:
            remove_unfinished(job.workspace)
            mirror.forget(job, mirror.path_of(job, job.workspace.checkpoint))
        job.stored_bytes = _stored(job) if mirror.is_used() else _folder_bytes(job)
    # Together: somebody may have left hundreds.
    Job.objects.bulk_update(ended, ["stored_bytes"], batch_size=BATCH)
    return len(ended)


def _check_stored(owner: User, size: int) -> None:
    used = usage(owner).stored
    if used.used + size > used.most:
        left_mb = max(used.most - used.used, 0) // MB
        raise UserError("quota_stored", limit_mb=used.most // MB, left_mb=left_mb)


def _stored(job: Job) -> int:
    """In the object store, besides what people sent."""
    made = mirror.rows(job).exclude(path__startswith="upload/").exclude(path__startswith="videos/")
    return int(made.aggregate(total=Sum("size"))["total"] or 0)


def _folder_bytes(job: Job) -> int:
    photos = job.workspace.upload
    seen: set[tuple[int, int]] = set()
    total = 0
    for folder, _, names in os.walk(job.folder):
        if Path(folder) == photos:
            continue
        for name in names:
            try:
                facts = os.lstat(os.path.join(folder, name))
            except FileNotFoundError:
                continue  # it was a temporary file
            if (facts.st_dev, facts.st_ino) not in seen:
                seen.add((facts.st_dev, facts.st_ino))
                total += facts.st_size
    return total


def _most(own: int | None, name: str) -> int:
    return int(getattr(settings, f"QUOTA_{name}")) if own is None else own


def _today() -> date:
    return timezone.localdate(timezone=timezone.get_default_timezone())
