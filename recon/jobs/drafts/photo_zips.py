"""Zips of photos for a draft, and camera positions that came with photos, in a zip or beside them.

A zip is unpacked in a decoding process, and each of its photos is then an upload like any other.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from django.conf import settings
from django.core.files.uploadedfile import TemporaryUploadedFile, UploadedFile
from django.db import transaction

from recon.jobs import decoders
from recon.jobs.drafts import drafts
from recon.jobs.drafts.pose_names import pull_poses, write_names
from recon.jobs.folder import mirror, photo_files
from recon.jobs.photo_upload import check_upload, source_of
from recon.models import Job, Photo
from recon.pipeline.errors import UserError
from recon.pipeline.known_poses.placement import (
    keep_pose_files,
    matched_photos,
    photos_listed,
)
from recon.pipeline.photos.media import HEAD
from recon.pipeline.photos.photo_zips import UnpackedFile, ZipLimits
from recon.pipeline.photos.photo_zips import is_zip as begins_as_zip
from recon.poses.pose_files.finding import (
    FILE_NAMES,
    MOST_BYTES,
    find_pose_files,
    pose_files_among,
)

_POSES = "recon-poses-"  # what folders with them are called on their way


def is_zip(file: UploadedFile) -> bool:
    """Whether an upload is a zip, by its content."""
    file.seek(0)
    head = file.read(HEAD)
    file.seek(0)
    return begins_as_zip(head)


def add_zip(job: Job, upload: UploadedFile) -> list[Photo]:
    """The zip's photos in the draft, those that it has already among them; camera positions in the
    zip become the draft's. Nothing is added where one of its photos can't be read.

    Raises UserError: `photo_zips.unpack`'s, `drafts.add_photo`'s, `known_poses`'; PipelineError:
    too_busy, disk_full; Job.DoesNotExist.
    """
    with tempfile.TemporaryDirectory(prefix=_POSES) as folder:
        uploads, poses = [], []
        for one in _unpack(upload):
            if one.kind == "photo":
                uploads.append((one.path, _spooled(one)))
            else:
                poses += _laid_down(one, Path(folder))
        for _, photo in uploads:
            check_upload(photo)
        listed = decoders.opener().list_poses(poses) if poses else ()
        added = [(path, drafts.add_photo(job, photo)[0]) for path, photo in uploads]
        paths = {photo.name: path for path, photo in added}
        if poses:
            _keep(job, poses, listed, paths)
    if not poses:
        with transaction.atomic():
            write_names(job, job.photos.all(), paths)
    return [photo for _, photo in added]


def add_poses(job: Job, uploads: Sequence[UploadedFile]) -> int:
    """The files of a COLMAP model or a transforms.json, or a zip with one, as the draft's camera
    positions; how many photos they are of. Raises UserError: zip_*, poses_*, draft_started;
    PipelineError: too_busy, disk_full."""
    with tempfile.TemporaryDirectory(prefix=_POSES) as folder:
        poses = _chosen_files(uploads, Path(folder))
        listed = decoders.opener().list_poses(poses)
        _keep(job, poses, listed, {})
    return len(listed)


def _chosen_files(uploads: Sequence[UploadedFile], folder: Path) -> list[Path]:
    """Those with the camera positions, in `folder`. Raises UserError, PipelineError."""
    sent: dict[str, UploadedFile] = {}
    for upload in uploads:
        if is_zip(upload):
            unpacked = [path for one in _unpack(upload) if one.kind == "poses"
                        for path in _laid_down(one, folder)]  # fmt: skip
            if unpacked:
                return unpacked
        sent[PurePosixPath(upload.name or "").name] = upload
    chosen = pose_files_among(list(sent))
    if not chosen:
        names = photo_files.shown_name(", ".join(sorted(sent)))
        raise UserError("poses_unreadable", file=names[:100] or "?")
    if sum(sent[name].size or 0 for name in chosen) > MOST_BYTES:
        raise UserError("poses_too_large", limit_mb=MOST_BYTES // drafts.MB)
    for name in chosen:
        with (folder / name).open("wb") as file:
            sent[name].seek(0)
            shutil.copyfileobj(sent[name], file)
    return [folder / name for name in chosen]


def _laid_down(unpacked: UnpackedFile, folder: Path) -> list[Path]:
    """A file of camera positions from a zip, as it lies in `folder`."""
    name = PurePosixPath(unpacked.path).name
    if name not in FILE_NAMES:
        return []
    (folder / name).write_bytes(unpacked.content)
    return [folder / name]


def _unpack(upload: UploadedFile) -> Iterator[UnpackedFile]:
    """What is wanted of a zip. Raises UserError as `photo_zips.unpack`, PipelineError too_busy."""
    limits = ZipLimits(
        max_photos=settings.MAX_PHOTOS,
        min_photos=settings.MIN_PHOTOS,
        max_bytes=int(settings.MAX_UPLOAD_SIZE_MB * drafts.MB),
        max_photo_bytes=int(settings.MAX_FILE_SIZE_MB * drafts.MB),
    )
    name = photo_files.shown_name(upload.name or "")
    return decoders.opener().unpack(source_of(upload), name=name, limits=limits)


@dataclass(frozen=True)
class PosesThere:
    """Camera positions that a job has."""

    files: tuple[str, ...]
    listed: int  # photos that the files have
    lacking: tuple[str, ...]  # stored names of the job's photos that they have not
    total: int  # the job's photos


def poses_there(job: Job) -> PosesThere | None:
    """None where no positions came with the photos."""
    pull_poses(job)
    listed = photos_listed(job.workspace)
    if listed is None:
        return None
    called = {photo.name: photo.original_name for photo in job.photos.all()}
    found = matched_photos(job.workspace, called, listed)
    return PosesThere(
        files=tuple(file.name for file in find_pose_files(job.workspace.poses)),
        listed=len(listed),
        lacking=tuple(name for name in called if name not in found),
        total=len(called),
    )


def drop_poses(job: Job) -> bool:
    """Takes the positions out of a draft. False where it has none.

    Raises UserError("draft_started"), Job.DoesNotExist.
    """
    with transaction.atomic():
        draft = drafts.lock_draft(job)
        pull_poses(draft)
        if not draft.workspace.poses.is_dir():
            return False
        mirror.forget(draft, mirror.path_of(draft, draft.workspace.poses))
        keep_pose_files([], draft.workspace)
        drafts.note_change(draft)
    return True


def poses_of(job: Job) -> dict[str, int] | None:
    """How many of the draft's photos have camera positions, `found` of `total`; None where none
    came with them."""
    there = poses_there(job)
    if there is None:
        return None
    return {"found": there.total - len(there.lacking), "total": there.total}


def _keep(job: Job, poses: Sequence[Path], listed: Sequence[str], paths: Mapping[str, str]) -> None:
    mirror.make_folder(job)
    with photo_files.room_for(job), transaction.atomic():
        draft = drafts.lock_draft(job)
        keep_pose_files(poses, draft.workspace, dict(paths), listed)
        write_names(draft, draft.photos.all(), paths)
        drafts.note_change(draft)


def _spooled(unpacked: UnpackedFile) -> UploadedFile:
    """The photo as an upload that lies on the disk."""
    file = TemporaryUploadedFile("photo", "", len(unpacked.content), None)
    file.name = PurePosixPath(unpacked.path).name
    file.write(unpacked.content)
    file.flush()
    file.seek(0)
    return file
