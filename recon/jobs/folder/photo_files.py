"""A job's folder and the photos in it, as files. Knows rows only to name what it writes."""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.utils.text import slugify

from recon.jobs.folder import lock as folder_lock
from recon.jobs.folder import mirror, unclaimed
from recon.jobs.photo_upload import CheckedPhoto
from recon.models import Job, Photo
from recon.pipeline.errors import PipelineError, UserError, explain
from recon.pipeline.machine import disk
from recon.pipeline.workspace import replacing

logger = logging.getLogger(__name__)

_SUFFIX = {"JPEG": "jpg", "PNG": "png", "WEBP": "webp", "HEIF": "heic", "AVIF": "avif"}
_STEM_LENGTH = 60


def photo_row(job: Job, number: int, upload: UploadedFile, facts: CheckedPhoto) -> Photo:
    """The row of an upload, not saved; its `path` says where the file goes."""
    return Photo(
        job=job,
        name=stored_name(number, upload.name or "", facts.format),
        position=number,
        original_name=shown_name(upload.name or ""),
        sha256=facts.sha256,
        size=upload.size or 0,
        width=facts.width,
        height=facts.height,
        taken_on=facts.taken_on,
    )


def linked_row(job: Job, number: int, known: Photo, original_name: str) -> Photo:
    """The row of a photo whose file is `known`'s, not saved."""
    suffix = known.path.suffix.removeprefix(".")
    kind = next((kind for kind, usual in _SUFFIX.items() if usual == suffix), "JPEG")
    return Photo(
        job=job,
        name=stored_name(number, original_name, kind),
        position=number,
        original_name=shown_name(original_name),
        sha256=known.sha256,
        size=known.size,
        width=known.width,
        height=known.height,
        taken_on=known.taken_on,
    )


def stored_name(number: int, original_name: str, kind: str) -> str:
    """A safe, unique file name that keeps the order of the upload: `03_temple-gate.jpg`."""
    stem = slugify(Path(original_name.replace("\\", "/")).stem)[:_STEM_LENGTH].strip("-_")
    return f"{number:02d}_{stem or 'photo'}.{_SUFFIX[kind]}"


def shown_name(original_name: str) -> str:
    """What a file is called on pages: no folders, nothing unprintable."""
    name = original_name.replace("\\", "/").rpartition("/")[2]
    return "".join(c for c in name if c.isprintable())[:255] or "photo"


@contextmanager
def new_folder(job: Job) -> Iterator[None]:
    """The job's folder, marked as nobody's until the block is through; removed if it fails.

    It is locked meanwhile: by a clock that was put forward, the mark would be old enough to have
    it swept. Raises PipelineError("disk_full").
    """
    with room_for(job):
        job.workspace.upload.mkdir(parents=True)
        unclaimed.mark(job.folder)
        try:
            with folder_lock.hold(job.folder):
                yield
            # Where an outer transaction rolls back later, the folder stays marked.
            transaction.on_commit(lambda: unclaimed.claim(job.folder))
        except BaseException:
            shutil.rmtree(job.folder, ignore_errors=True)
            raise


@contextmanager
def room_for(job: Job) -> Iterator[None]:
    """Raises PipelineError("disk_full") if the disk is full already or fills up in the block."""
    if is_short_of_room(job):
        raise disk_full(job)
    try:
        yield
    except OSError as error:
        if disk.explains(error, Path(settings.DATA_DIR)):
            raise disk_full(job) from error
        raise


def is_short_of_room(job: Job) -> bool:
    """Whether a job like this would not be begun: there is less than it needs to."""
    return shutil.disk_usage(settings.DATA_DIR).free < needed_mb(job) * 2**20


def disk_full(job: Job) -> PipelineError:
    """What people are told; whoever runs the site finds where and how much in the log."""
    error = disk.full_error(Path(settings.DATA_DIR), needed_mb(job))
    logger.error("%s: %s", settings.DATA_DIR, explain(error.code, error.facts).staff_sentence)
    return error


def needed_mb(job: Job) -> int:
    """With less than this the pipeline would refuse to start; checked before the job is made."""
    return int(job.config.get("preflight", {}).get("min_free_disk_mb", 0))


def keep_small(photo: Photo, facts: CheckedPhoto) -> None:
    """Keeps the small picture that the check has made. If that fails it is made when it is
    requested.
    """
    try:
        photo.thumb_path.parent.mkdir(exist_ok=True)
        with replacing(photo.thumb_path) as temporary:
            temporary.write_bytes(facts.small)
    except OSError as error:
        logger.warning("The small picture of photo %s was not kept: %s", photo.pk, error)


def write(upload: UploadedFile, path: Path) -> None:
    """Keeps an upload. A large one is spooled on the same disk already and only gets a name."""
    spooled = getattr(upload, "temporary_file_path", None)
    if spooled is not None:
        link(Path(spooled()), path, shown_as=upload.name or "?")
        return
    upload.seek(0)
    with path.open("xb") as file:
        for chunk in upload.chunks():
            file.write(chunk)


def link(source: Path, path: Path, *, shown_as: str) -> None:
    """A second name for the same file; a copy where the disk can't do that.

    Raises UserError("photo_unreadable") where the file is gone.
    """
    try:
        os.link(source, path)
    except FileNotFoundError as error:
        raise UserError("photo_unreadable", name=shown_as) from error
    except OSError:
        shutil.copyfile(source, path)


def link_photos(source: Job, job: Job, *, only: Collection[int] | None = None) -> list[Photo]:
    """The photos of `source` as rows of `job`, not saved, their files linked under their names.

    `only` are the keys of those that are wanted. Raises UserError("photo_unreadable").
    """
    photos = []
    wanted = [photo for photo in source.photos.all() if only is None or photo.pk in only]
    for position, photo in enumerate(wanted, start=1):
        file, small = photo.path, photo.thumb_path
        photo.pk, photo.job, photo.position = None, job, position
        if not mirror.is_used():  # there it may lie on another machine: see `list_linked`
            link(file, photo.path, shown_as=photo.original_name)
        with suppress(OSError):  # made when it is requested
            photo.thumb_path.parent.mkdir(exist_ok=True)
            os.link(small, photo.thumb_path)
        photos.append(photo)
    return photos


def list_linked(source: Job, job: Job, photos: Collection[Photo]) -> None:
    """Where an object store has the files: lists those of `photos`, rows of `job` by now, which are
    called the same in `source`, and of their camera positions. Raises
    UserError("photo_unreadable") where one is gone."""
    if not mirror.is_used():
        return
    names = {mirror.path_of(job, photo.path): photo.original_name for photo in photos}
    poses = mirror.rows(source, [mirror.path_of(source, source.workspace.poses)])
    wanted = [*names, *poses.values_list("path", flat=True)]
    files = mirror.link(source, job, {path: path for path in wanted})
    for path in set(names) - {file.path for file in files}:
        raise UserError("photo_unreadable", name=names[path])
    mirror.record(files)
