"""Makes jobs: from uploads, from the photos of an earlier job, from the sample photos.

Files first, then the rows in one transaction, then the queue when that has committed. Whatever
fails on the way leaves neither a row nor a file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.utils.translation import gettext

from accounts.models import User
from recon.jobs import lifecycle, tags, titles
from recon.jobs.folder import photo_files
from recon.jobs.people import quotas
from recon.jobs.photo_upload import check_upload
from recon.jobs.presets import resolved_config
from recon.jobs.samples import sample_photos
from recon.models import Job, Photo, Share
from recon.pipeline.errors import UserError


def create_job(
    owner: User,
    uploads: Sequence[UploadedFile],
    *,
    title: str = "",
    preset: str = "",
    original_resolution: bool = False,
    cross_validate: bool = False,
    final_refine: bool = True,
    outlier_filter: str = "",
    shared: bool = False,
    sharing: Mapping[str, Any] | None = None,
) -> Job:
    """A new job on uploaded photos, queued when the transaction commits.

    An empty `preset` means the site's default, an empty `outlier_filter` that the figures decide
    (`config.OUTLIER_FILTERS` has the others); `sharing` are the other columns of
    `Share`. Raises UserError for what is wrong with the photos, `quotas.may_start`'s, and
    PipelineError("disk_full") when they find no room.
    """
    check_count(len(uploads))
    checked = [check_upload(upload) for upload in uploads]
    job = new_job(
        owner,
        title=title,
        preset=preset,
        original_resolution=original_resolution,
        cross_validate=cross_validate,
        final_refine=final_refine,
        outlier_filter=outlier_filter,
    )
    job.share = Share(is_on=shared, **(sharing or {}))
    with photo_files.new_folder(job):
        photos = []
        for number, (upload, facts) in enumerate(zip(uploads, checked, strict=True), start=1):
            photo = photo_files.photo_row(job, number, upload, facts)
            photo_files.write(upload, photo.path)
            photo_files.keep_small(photo, facts)
            photos.append(photo)
        _commit(job, photos)
    return job


def run_again(job: Job, **wishes: Any) -> Job:
    """A new job of the same owner on the same photos; their files are shared, not copied.

    `wishes` are those of `new_job`; the others are those of `job`. Raises
    UserError("photo_unreadable") where a file is gone, and `quotas.may_start`'s.
    """
    again = like(job, **wishes)
    again.photos_from = job
    again.is_sample = job.is_sample
    with photo_files.new_folder(again):
        photos = photo_files.link_photos(job, again)
        check_count(len(photos))
        _commit(again, photos)
    tags.copy(job, again)
    return again


def create_sample_job(owner: User, *, gives_way: bool = False) -> Job:
    """A new job on the photos that the project renders itself. One that nobody asked for
    `gives_way` to what people start. Raises `quotas.may_start`'s."""
    job = new_job(owner, title=titles.unused(owner.pk, gettext("Sample photos")))
    job.automatic_title = job.title
    job.is_sample = True
    job.gives_way = gives_way
    with photo_files.new_folder(job):
        photos = []
        for position, sample in enumerate(sample_photos(), start=1):
            photo = Photo(
                job=job,
                position=position,
                name=sample.path.name,
                original_name=sample.path.name,
                sha256=sample.sha256,
                size=sample.path.stat().st_size,
                width=sample.width,
                height=sample.height,
            )
            photo_files.link(sample.path, photo.path, shown_as=photo.name)
            photos.append(photo)
        _commit(job, photos)
    return job


def like(job: Job, **wishes: Any) -> Job:
    """A job with the wishes of `job` but for those that are given, not saved."""
    made = new_job(job.owner, **(wishes_of(job) | wishes))
    made.automatic_title = job.automatic_title
    return made


def wishes_of(job: Job) -> dict[str, Any]:
    """What was asked for, as `new_job` takes it."""
    names = ("title", "preset", "original_resolution", "cross_validate")
    same = {name: getattr(job, name) for name in names}
    same["final_refine"] = job.config.get("export", {}).get("final_refine", True)
    same["outlier_filter"] = job.config.get("evaluate", {}).get("outlier_filter", "")
    return same


def check_count(count: int) -> None:
    """Raises UserError: too_few_photos, too_many_photos."""
    limits = {"minimum": settings.MIN_PHOTOS, "maximum": settings.MAX_PHOTOS}
    if count < settings.MIN_PHOTOS:
        raise UserError("too_few_photos", count=count, **limits)
    if count > settings.MAX_PHOTOS:
        raise UserError("too_many_photos", count=count, **limits)


def new_job(
    owner: User,
    *,
    title: str = "",
    preset: str = "",
    original_resolution: bool = False,
    cross_validate: bool = False,
    final_refine: bool = True,
    outlier_filter: str = "",
) -> Job:
    """A job with these wishes, not saved, and not shared."""
    preset = preset or settings.DEFAULT_PRESET
    config = resolved_config(
        preset,
        original_resolution=original_resolution,
        cross_validate=cross_validate,
        final_refine=final_refine,
        outlier_filter=outlier_filter,
    )
    job = Job(
        owner=owner,
        title=title.strip()[:120],
        preset=preset,
        original_resolution=original_resolution,
        cross_validate=cross_validate,
        config=config.to_dict(),
    )
    job.share = Share()
    return job


def _commit(job: Job, photos: Sequence[Photo]) -> None:
    with transaction.atomic():
        quotas.may_start(job.owner_id, sum(photo.size for photo in photos))
        named = titles.titles_of(job, job.title, photos, shared=job.share.is_on)
        for column, value in named.items():
            setattr(job, column, value)
        job.save(force_insert=True)
        Photo.objects.bulk_create(photos)
        lifecycle.put_in_line(job)
