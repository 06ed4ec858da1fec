"""Drafts: jobs that still collect their photos, one request each, until somebody starts them.

Requests for one draft may come at the same time, from several tabs and in any order. Whatever
changes a draft first takes its row's lock (on SQLite, the database's), and looks whether it still
is one. So no two photos get one number, the limits hold, and a draft starts once.

A file is written under a hidden name and renamed under the lock. Anything that a crash leaves in
between has no row, and is removed by `start`: the pipeline takes whatever lies in the folder.
"""

from __future__ import annotations

import logging
import os
import re
import shutil
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.db.models import QuerySet, Sum
from django.utils import timezone

from accounts.models import User
from recon.jobs import deletion, lifecycle, submit, tags, titles
from recon.jobs.drafts import checks
from recon.jobs.drafts.pose_names import write_names
from recon.jobs.folder import lock as folder_lock
from recon.jobs.folder import mirror, photo_files
from recon.jobs.people import quotas, team_log
from recon.jobs.photo_upload import check_upload
from recon.jobs.site_config import resolved_config
from recon.models import Job, Photo, Team, Video
from recon.pipeline.errors import UserError
from recon.pipeline.known_poses.placement import link_poses
from recon.pipeline.photos.photo_count import check_count
from recon.pipeline.wishes import Wishes
from recon.pipeline.workspace import replacing

logger = logging.getLogger(__name__)

MB = 2**20

#: How far a photo may run ahead of those before it: a choice of many, most of which fail.
MAX_AHEAD = 100


def create_draft(
    owner: User, *, team: Team | None = None, title: str = "", wishes: Wishes | None = None
) -> Job:
    """A new draft without photos; `wishes` as in `submit.new_job`.

    Raises UserError: `quotas.may_make_draft`'s; PipelineError("disk_full").
    """
    draft = submit.new_job(owner, team=team, title=title, wishes=wishes)
    with photo_files.new_folder(draft):
        save_new(draft, [])
    return draft


def draft_from(job: Job, *, by: User | None = None) -> Job:
    """A new draft with the photos and settings of an ended job, where that belongs. `by` as in
    `submit.new_job_like`.

    The photos' files are shared, not copied. Features that were computed come along, so that only
    those of new photos are missing. Raises UserError: not_ended, too_many_drafts,
    quota_stored, photo_unreadable where a file is gone; PipelineError("disk_full").
    """
    if not job.has_ended:
        raise UserError("not_ended")
    draft = submit.new_job_like(job, by=by)
    draft.photos_from = job
    with photo_files.new_folder(draft):
        photos = photo_files.link_photos(job, draft)
        # A new photo must not get an old one's name: features are known by it.
        draft.last_number = max((number_of(photo) for photo in photos), default=0)
        copy_features(job, draft)
        link_poses(job.workspace, draft.workspace)
        save_new(draft, photos, source=job)
    tags.copy(job, draft)
    return draft


def add_photo(
    job: Job, upload: UploadedFile, *, number: int | None = None, given_up: int = 0
) -> tuple[Photo, bool]:
    """The photo in the draft, and whether it is new there: False for one that it has already.

    Photos are distinguished by their content. `number` is where the sender wants it among the
    others, which may arrive before it; without one, or one that is taken, it is the last.
    `given_up` are bytes stored now that will be freed for it, as a video's are for its frames.
    Raises UserError: `check_upload`'s, too_many_photos, too_large_together, quota_stored,
    draft_started; PipelineError: `check_upload`'s, disk_full; Job.DoesNotExist.
    """
    facts = check_upload(upload)
    waiting = job.workspace.upload / f".{uuid4().hex}"
    with photo_files.room_for(job):
        mirror.make_folder(job)
        if not waiting.parent.is_dir():
            raise Job.DoesNotExist
        try:
            photo_files.write(upload, waiting)
            stored = mirror.upload(job, [waiting])
            with transaction.atomic():
                draft = lock_draft(job)
                if twin := draft.photos.filter(sha256=facts.sha256).first():
                    return twin, False
                check_room(draft, upload.size or 0, given_up=given_up)
                photo = photo_files.photo_row(draft, take_number(draft, number), upload, facts)
                photo.save(force_insert=True)
                os.replace(waiting, photo.path)
                mirror.record_as(photo.path, stored)
                note_change(draft)
            photo_files.keep_small(photo, facts)
            return photo, True
        finally:
            waiting.unlink(missing_ok=True)


def drop_photo(job: Job, photo_pk: int) -> bool:
    """Takes a photo out, with its file. False where it is gone already.

    Raises UserError("draft_started"), Job.DoesNotExist.
    """
    with transaction.atomic():
        draft = lock_draft(job)
        photo = draft.photos.filter(pk=photo_pk).first()
        if photo is None:
            return False
        files = (photo.path, photo.thumb_path)
        photo.delete()
        mirror.forget(draft, mirror.path_of(draft, photo.path))
        note_change(draft)
        transaction.on_commit(partial(remove_files, files))
    return True


def start(
    job: Job,
    *,
    title: str | None = None,
    wishes: Wishes | None = None,
    shared: bool = False,
    sharing: Mapping[str, object] | None = None,
    by: User | None = None,
) -> bool:
    """Queues the draft. False: it was started already.

    Without a title and wishes it keeps its own. `sharing` are the other columns of `Share`, `by` is
    whose wish it is, for the log of a team. Raises UserError: too_few_photos, too_many_photos,
    video_in_work, `quotas.may_start`'s; Job.DoesNotExist.
    """
    title = job.title if title is None else submit.clean_title(title)
    wishes = wishes or job.wishes
    with transaction.atomic():
        try:
            draft = lock_draft(job)
        except UserError:
            return False
        if video := draft.videos.filter(state=Video.State.WAITING).first():
            raise UserError("video_in_work", name=video.original_name)
        photos = list(draft.photos.all())
        check_count(len(photos), settings.MIN_PHOTOS, settings.MAX_PHOTOS)
        quotas.may_start(draft)
        _remove_strays(draft, {photo.name for photo in photos})
        write_names(draft, photos)
        shutil.rmtree(draft.folder / "videos", ignore_errors=True)
        mirror.forget(draft, "videos")
        chosen = {"wishes": wishes, "config": resolved_config(wishes).to_dict()}
        chosen |= titles.titles_of(draft, title, photos, shared=shared)
        if shared:
            team_log.note_scenes([draft], team_log.Kind.SCENE_SHARED, by)
        return lifecycle.submit(draft, share={"is_on": shared, **(sharing or {})}, **chosen)


def remove_abandoned() -> int:
    """Removes the drafts that nobody has changed for DRAFT_DAYS, with their files. Returns how
    many.

    A draft's page says until when it is kept.
    """
    return sum(remove_if_abandoned(job) for job in abandoned_drafts())


def abandoned_drafts() -> QuerySet[Job]:
    """The drafts that `remove_abandoned` would remove."""
    return Job.objects.filter(status=Job.Status.DRAFT, edited_at__lt=_abandoned_before())


def remove_if_abandoned(job: Job) -> bool:
    """Removes one of them, unless somebody has changed it meanwhile."""
    if not lifecycle.abandon(job, not_edited_since=_abandoned_before()):
        return False
    logger.info("Draft %s was left for %s days; removed", job.pk, settings.DRAFT_DAYS)
    deletion.delete(job)
    return True


def kept_until(job: Job) -> datetime | None:
    """When an unchanged draft is removed; None for anything else."""
    if not job.is_draft or job.edited_at is None:
        return None
    return job.edited_at + timedelta(days=settings.DRAFT_DAYS)


def _abandoned_before() -> datetime:
    return timezone.now() - timedelta(days=settings.DRAFT_DAYS)


def save_new(draft: Job, photos: list[Photo], *, source: Job | None = None) -> None:
    """The row of a new draft, with its photos, which are `source`'s.

    Raises UserError: quota_stored, too_many_drafts, photo_unreadable where a file is gone.
    """
    draft.status = Job.Status.DRAFT
    draft.edited_at = timezone.now()
    with transaction.atomic():
        # Two requests at once must not both be the last that the limit lets in.
        quotas.may_make_draft(draft, sum(photo.size for photo in photos))
        draft.save(force_insert=True)
        Photo.objects.bulk_create(photos)
        if source is not None:
            photo_files.list_linked(source, draft, photos)
        if photos:
            checks.request_check(draft)


def lock_draft(job: Job) -> Job:
    """The draft as it is now, its row locked until the transaction ends.

    Raises UserError("draft_started"), Job.DoesNotExist.
    """
    draft = Job.objects.select_for_update().get(pk=job.pk)
    if not draft.is_draft:
        raise UserError("draft_started")
    return draft


def check_room(draft: Job, new_size: int, *, given_up: int = 0) -> None:
    """Whether one more photo of so many bytes fits, with `given_up` bytes gone. Raises UserError:
    too_many_photos, too_large_together, quota_stored."""
    count = draft.photos.count() + 1
    if count > settings.MAX_PHOTOS:
        check_count(count, settings.MIN_PHOTOS, settings.MAX_PHOTOS)
    size = draft.photos.aggregate(total=Sum("size"))["total"] or 0
    if size + new_size > settings.MAX_UPLOAD_SIZE_MB * MB:
        raise UserError("too_large_together", limit_mb=settings.MAX_UPLOAD_SIZE_MB)
    quotas.may_store(draft, new_size - given_up)


def take_number(draft: Job, wished: int | None) -> int:
    """A number that no photo of the draft ever had, the wished one if it can be."""
    if wished is not None and wished in draft.open_numbers:
        draft.open_numbers.remove(wished)
        return wished
    lowest = draft.last_number + 1
    number = lowest if wished is None or wished - lowest not in range(MAX_AHEAD) else wished
    draft.open_numbers += range(lowest, number)
    draft.last_number = number
    return number


def note_change(draft: Job) -> None:
    """Every photo that comes, goes or moves passes here, inside the transaction that does it."""
    draft.edited_at = timezone.now()
    draft.save(update_fields=("last_number", "open_numbers", "edited_at"))
    checks.request_check(draft)


def number_of(photo: Photo) -> int:
    """The number that a photo's file name begins with."""
    found = re.match(r"\d+", photo.name)
    return int(found.group()) if found else 0


def remove_files(files: Collection[Any]) -> None:
    """The files of photos that a draft gave up."""
    for file in files:
        file.unlink(missing_ok=True)


def _remove_strays(draft: Job, names: Collection[str]) -> None:
    mirror.make_folder(draft)
    remove_files([file for file in draft.workspace.upload.iterdir() if file.name not in names])


def copy_features(earlier: Job, draft: Job) -> None:
    """Copies what COLMAP_FEAT may take over; without it, features are only computed again.

    Not linked: an earlier job that staff retries writes matches into the same database.
    """
    source, known = earlier.workspace, draft.workspace.known
    files = (source.photos_json, source.database)
    mirror.pull(earlier, *(mirror.path_of(earlier, file) for file in files))
    journals = [source.database.with_name(f"database.db-{end}") for end in ("journal", "wal")]
    try:
        with folder_lock.hold(earlier.folder):
            if any(journal.exists() for journal in journals):  # its writer was killed
                return
            for file in files:
                with replacing(known / file.name) as temporary:
                    shutil.copyfile(file, temporary)
    except (FileNotFoundError, folder_lock.FolderBusy):
        shutil.rmtree(known, ignore_errors=True)
