"""Photos of several places in one job: each place gets a draft of its own."""

from __future__ import annotations

from collections.abc import Collection
from functools import partial

from django.db import transaction

from accounts.models import User
from recon.jobs import submit, tags, titles
from recon.jobs.drafts import drafts
from recon.jobs.folder import mirror, photo_files
from recon.models import Job, Photo
from recon.pipeline.errors import UserError
from recon.pipeline.known_poses.placement import link_poses


class NotThere(Exception):
    """The job has none of these photos (any more)."""


def scene_of(
    job: Job, photo_pks: Collection[int], *, number: int = 1, by: User | None = None
) -> Job:
    """A new draft with these photos of a draft or of a job that has ended, where that belongs.

    A draft gives them up; a job that has ended keeps them. `number` is which of the places this
    is, for the title; `by` as in `submit.new_job_like`. Raises NotThere; UserError: not_ended,
    `quotas.may_make_draft`'s, draft_started, photo_unreadable where a file is gone;
    PipelineError("disk_full").
    """
    if not (job.is_draft or job.has_ended):
        raise UserError("not_ended")
    wanted, made = set(photo_pks), submit.new_job_like(job, by=by)
    if made.title and made.title == made.automatic_title:
        made.title = made.automatic_title = titles.another(made, made.title)
    elif made.title and number > 1:
        made.title = f"{made.title[:110]} {number}"
    with photo_files.new_folder(made), transaction.atomic():
        link_poses(job.workspace, made.workspace)
        if job.is_draft:
            _take_from(drafts.lock_draft(job), made, wanted)
        else:
            made.photos_from = job
            photos = _linked(job, made, wanted)
            drafts.copy_features(job, made)
            drafts.save_new(made, photos, source=job)
    tags.copy(job, made)
    return made


def _take_from(draft: Job, made: Job, photo_pks: Collection[int]) -> None:
    # Chosen here, not by the database: whatever was sent, these are no more than a draft has.
    taken = [photo for photo in draft.photos.all() if photo.pk in photo_pks]
    files = [file for photo in taken for file in (photo.path, photo.thumb_path)]
    photos = _linked(draft, made, photo_pks)
    # Before the others count, so that a full account can do this, too.
    draft.photos.filter(pk__in=[photo.pk for photo in taken]).delete()
    drafts.note_change(draft)
    drafts.save_new(made, photos, source=draft)
    mirror.forget(draft, *(mirror.path_of(draft, photo.path) for photo in taken))
    transaction.on_commit(partial(drafts.remove_files, files))


def _linked(job: Job, made: Job, photo_pks: Collection[int]) -> list[Photo]:
    photos = photo_files.link_photos(job, made, only=photo_pks)
    if not photos:
        raise NotThere
    # A new photo must not get the name of any other there: features are known by it.
    made.last_number = max(map(drafts.number_of, job.photos.all()))
    return photos
