"""Makes jobs: from uploads, from the photos of an earlier job, from the sample photos.

Files first, then the rows in one transaction, then the queue when that has committed. Whatever
fails on the way leaves neither a row nor a file.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.utils.text import slugify

from accounts.models import User
from recon.jobs import queue, unclaimed
from recon.jobs.photos import check_upload
from recon.jobs.presets import resolved_config
from recon.jobs.samples import sample_photos
from recon.models import Job, Photo
from recon.pipeline.errors import PipelineError, UserError

_SUFFIX = {"JPEG": "jpg", "PNG": "png", "WEBP": "webp"}
_STEM_LENGTH = 60


def create_job(
    owner: User,
    uploads: Sequence[UploadedFile],
    *,
    title: str = "",
    preset: str = "",
    original_resolution: bool = False,
    cross_validate: bool = False,
    final_refine: bool = True,
    shared: bool = False,
) -> Job:
    """A new job on uploaded photos, queued when the transaction commits.

    An empty `preset` means the site's default. Raises UserError for what is wrong with the
    photos and PipelineError("disk_full") when they find no room.
    """
    _check_count(len(uploads))
    checked = [check_upload(upload) for upload in uploads]
    job = _new_job(
        owner,
        title=title,
        preset=preset,
        original_resolution=original_resolution,
        cross_validate=cross_validate,
        final_refine=final_refine,
    )
    job.shared = shared
    with _new_folder(job):
        photos = []
        for number, (upload, facts) in enumerate(zip(uploads, checked, strict=True), start=1):
            photo = Photo(
                job=job,
                name=stored_name(number, upload.name or "", facts.format),
                original_name=_shown_name(upload.name or ""),
                sha256=facts.sha256,
                size=upload.size or 0,
                width=facts.width,
                height=facts.height,
            )
            _write(upload, photo.path)
            photos.append(photo)
        _commit(job, photos)
    return job


def run_again(job: Job, *, preset: str = "", original_resolution: bool | None = None) -> Job:
    """A new job of the same owner on the same photos; their files are shared, not copied.

    Settings that are not given are those of `job`. Raises UserError("photo_unreadable") where a
    file is gone.
    """
    if original_resolution is None:
        original_resolution = job.original_resolution
    again = _new_job(
        job.owner,
        title=job.title,
        preset=preset or job.preset,
        original_resolution=original_resolution,
        cross_validate=job.cross_validate,
        final_refine=job.config.get("export", {}).get("final_refine", True),
    )
    again.photos_from = job
    again.is_sample = job.is_sample
    with _new_folder(again):
        photos = []
        for photo in job.photos.all():
            source = photo.path
            photo.pk, photo.job = None, again
            _link(source, photo.path, shown_as=photo.original_name)
            photos.append(photo)
        _check_count(len(photos))
        _commit(again, photos)
    return again


def create_sample_job(owner: User) -> Job:
    """A new job on the photos that the project renders itself."""
    job = _new_job(owner, title="Sample photos", preset="", original_resolution=False)
    job.is_sample = True
    with _new_folder(job):
        photos = []
        for sample in sample_photos():
            photo = Photo(
                job=job,
                name=sample.path.name,
                original_name=sample.path.name,
                sha256=sample.sha256,
                size=sample.path.stat().st_size,
                width=sample.width,
                height=sample.height,
            )
            _link(sample.path, photo.path, shown_as=photo.name)
            photos.append(photo)
        _commit(job, photos)
    return job


def stored_name(number: int, original_name: str, kind: str) -> str:
    """A safe, unique file name that keeps the order of the upload: `03_temple-gate.jpg`."""
    stem = slugify(Path(original_name.replace("\\", "/")).stem)[:_STEM_LENGTH].strip("-_")
    return f"{number:02d}_{stem or 'photo'}.{_SUFFIX[kind]}"


def _shown_name(original_name: str) -> str:
    name = original_name.replace("\\", "/").rpartition("/")[2]
    return "".join(c for c in name if c.isprintable())[:255] or "photo"


def _check_count(count: int) -> None:
    limits = {"minimum": settings.MIN_PHOTOS, "maximum": settings.MAX_PHOTOS}
    if count < settings.MIN_PHOTOS:
        raise UserError("too_few_photos", count=count, **limits)
    if count > settings.MAX_PHOTOS:
        raise UserError("too_many_photos", count=count, **limits)


def _new_job(
    owner: User,
    *,
    title: str,
    preset: str,
    original_resolution: bool,
    cross_validate: bool = False,
    final_refine: bool = True,
) -> Job:
    preset = preset or settings.DEFAULT_PRESET
    config = resolved_config(
        preset,
        original_resolution=original_resolution,
        cross_validate=cross_validate,
        final_refine=final_refine,
    )
    return Job(
        owner=owner,
        title=title.strip()[:120],
        preset=preset,
        original_resolution=original_resolution,
        cross_validate=cross_validate,
        config=config.to_dict(),
    )


def _commit(job: Job, photos: Sequence[Photo]) -> None:
    with transaction.atomic():
        job.save(force_insert=True)
        Photo.objects.bulk_create(photos)
        queue.enqueue_on_commit(job)


@contextmanager
def _new_folder(job: Job) -> Iterator[None]:
    """The job's folder, marked as nobody's until the block is through; removed if it fails."""
    if shutil.disk_usage(settings.DATA_DIR).free < _needed_mb(job) * 2**20:
        raise _disk_full(job)
    job.workspace.upload.mkdir(parents=True)
    unclaimed.mark(job.folder)
    try:
        yield
        # Where an outer transaction rolls back later, the folder stays marked.
        transaction.on_commit(lambda: unclaimed.claim(job.folder))
    except BaseException as error:
        shutil.rmtree(job.folder, ignore_errors=True)
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise _disk_full(job) from error
        raise


def _disk_full(job: Job) -> PipelineError:
    free_mb = shutil.disk_usage(settings.DATA_DIR).free // 2**20
    return PipelineError("disk_full", free_mb=free_mb, needed_mb=_needed_mb(job))


def _needed_mb(job: Job) -> int:
    """What the pipeline would refuse to start with less of, said before the job is made."""
    return int(job.config["preflight"]["min_free_disk_mb"])


def _write(upload: UploadedFile, path: Path) -> None:
    """Keeps an upload. A large one is spooled on the same disk already and only gets a name."""
    spooled = getattr(upload, "temporary_file_path", None)
    if spooled is not None:
        _link(Path(spooled()), path, shown_as=upload.name or "?")
        return
    upload.seek(0)
    with path.open("xb") as file:
        for chunk in upload.chunks():
            file.write(chunk)


def _link(source: Path, path: Path, *, shown_as: str) -> None:
    """A second name for the same file; a copy where the disk can't do that."""
    try:
        os.link(source, path)
    except FileNotFoundError as error:
        raise UserError("photo_unreadable", name=shown_as) from error
    except OSError:
        shutil.copyfile(source, path)
