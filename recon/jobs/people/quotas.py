"""How much one person, or one team, may store and start, and how much of it is used.

Whatever adds something asks first, inside its transaction: the check takes the row lock of the
job's owner, and of its team (on SQLite, the database's), and keeps it until the rows are there. So
two requests at once can't both be the last that a limit lets in. A team's job counts for the team,
any other for its owner, whoever clicks.

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
from recon.models import Job, Membership, Photo, Team, Video
from recon.pipeline.errors import UserError
from recon.pipeline.workspace import remove_unfinished

MB = 2**20
BATCH = 500  # rows of one UPDATE

#: Whose limits count. Both have the same columns for them.
Account = User | Team


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
    """The three limits of a person or a team: bytes stored, scenes waiting or running, scenes
    started today."""

    stored: Limit
    active: Limit
    today: Limit


def usage(account: Account) -> Usage:
    active = jobs_of(account).filter(status__in=Job.ACTIVE).count()
    is_today = account.started_on == _today()
    return Usage(
        stored=Limit(stored_bytes(account), _most(account.quota_stored_mb, "STORED_MB") * MB),
        active=Limit(active, _most(account.quota_active_jobs, "ACTIVE_JOBS")),
        today=Limit(
            account.started_that_day if is_today else 0,
            _most(account.quota_jobs_a_day, "JOBS_A_DAY"),
        ),
    )


def jobs_of(account: Account) -> QuerySet[Job]:
    """The jobs that count for it."""
    if isinstance(account, Team):
        return Job.objects.filter(team=account)
    return Job.objects.own_of(account)


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


def stored_bytes(account: Account) -> int:
    return _bytes_of(jobs_of(account))


def _bytes_of(jobs: QuerySet[Job]) -> int:
    return int(with_sizes(jobs.order_by()).aggregate(total=Sum("size"))["total"] or 0)


def may_store(job: Job, size: int) -> None:
    """Raises UserError: quota_stored, `lock_account`'s. Call it in the transaction that adds them.

    `size` is in bytes; 0 asks whether the limit is passed already.
    """
    _check_stored(lock_account(job), size)


def may_make_draft(draft: Job, size: int) -> None:
    """As `may_store`, for a new draft. Raises too_many_drafts as well."""
    account = lock_account(draft)
    _check_stored(account, size)
    count = jobs_of(account).filter(status=Job.Status.DRAFT).count()
    if count >= settings.MAX_DRAFTS:
        raise _refused(account, "too_many_drafts", count=count)


def may_add_video(draft: Job, size: int) -> None:
    """Raises UserError: too_many_videos, quota_videos, quota_stored, `lock_account`'s. Call it in
    the transaction that adds the video, with the draft's row locked."""
    account = lock_account(draft)
    if draft.videos.count() >= settings.MAX_VIDEOS:
        raise UserError("too_many_videos", limit=settings.MAX_VIDEOS)
    waiting = Video.objects.filter(job__owner=draft.owner_id, state=Video.State.WAITING).count()
    if waiting >= settings.QUOTA_VIDEOS:
        raise UserError("quota_videos", limit=settings.QUOTA_VIDEOS)
    _check_stored(account, size)


def may_go_on(job: Job) -> None:
    """For a job that has been counted as a start before. Raises UserError: quota_active_jobs,
    `lock_account`'s. Call it in the transaction that makes the job wait."""
    _check_active(lock_account(job))


def may_start(job: Job, size: int = 0) -> None:
    """Counts one start for today. `size`: bytes of photos that come with it and are not rows yet.

    Raises UserError: quota_stored, quota_active_jobs, quota_jobs_a_day, `lock_account`'s. Call it
    in the transaction that makes the job wait.
    """
    account = lock_account(job)
    used = _check_active(account)
    if used.today.is_reached:
        raise _refused(account, "quota_jobs_a_day", limit=used.today.most)
    _check_stored(account, size)
    type(account).objects.filter(pk=account.pk).update(
        started_on=_today(), started_that_day=used.today.used + 1
    )


def may_move(job: Job, team: Team | None) -> None:
    """Whether `team`, or for None the job's owner, has room for a job that is another's now.

    Raises UserError: quota_stored, quota_active_jobs, `lock_account`'s. Call it in the transaction
    that moves the job.
    """
    account = lock_account(Job(owner_id=job.owner_id, team=team))
    if job.status in Job.ACTIVE:
        _check_active(account)
    _check_stored(account, _bytes_of(Job.objects.filter(pk=job.pk)))


def lock_account(job: Job) -> Account:
    """Whose limits count for the job: its team or its owner. Both rows stay locked until the
    transaction ends, the owner's first; rows that only refer to them can be written meanwhile.

    Raises UserError: account_closing, team_closing for what is being deleted; not_in_team for a
    team's job whose owner is not in the team (any more).
    """
    owner = User.objects.select_for_update(no_key=True).get(pk=job.owner_id)
    if owner.leaving_since is not None:
        raise UserError("account_closing")
    if job.team_id is None:
        return owner
    team = lock_team(job.team_id)
    if not Membership.objects.filter(team=team, user=owner).exists():
        raise UserError("not_in_team")
    return team


def lock_team(team_pk: int) -> Team:
    """The team, its row locked until the transaction ends. Whoever changes who is in it does so
    first. Raises UserError("team_closing") for one that is being deleted, or is gone."""
    team = Team.objects.select_for_update(no_key=True).filter(pk=team_pk).first()
    if team is None or team.closing_since is not None:
        raise UserError("team_closing")
    return team


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


def _check_active(account: Account) -> Usage:
    """What is used, where one more may wait or run."""
    used = usage(account)
    if used.active.is_reached:
        raise _refused(account, "quota_active_jobs", limit=used.active.most)
    return used


def _check_stored(account: Account, size: int) -> None:
    used = usage(account).stored
    if used.used + size > used.most:
        left_mb = max(used.most - used.used, 0) // MB
        raise _refused(account, "quota_stored", limit_mb=used.most // MB, left_mb=left_mb)


def _refused(account: Account, code: str, **facts: object) -> UserError:
    """A limit is reached; of a team the text says which."""
    if isinstance(account, Team):
        return UserError(f"team_{code}", team=account.name, **facts)
    return UserError(code, **facts)


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
