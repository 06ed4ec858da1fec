"""Zips of photos for a draft, and camera positions that came with photos, in a zip or beside them.

A zip is unpacked in a decoding process, and each of its photos is then an upload like any other.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
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
from recon.pipeline.known_poses.placement import keep_pose_files, listed_photos, photos_with_poses
from recon.pipeline.photos.media import HEAD
from recon.pipeline.photos.photo_zips import UnpackedFile, ZipLimits
from recon.pipeline.photos.photo_zips import is_zip as begins_as_zip
from recon.poses.pose_files.contents import PoseFileError
from recon.poses.pose_files.finding import pose_files_among


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
    uploads, poses = [], {}
    for one in _unpack(upload):
        if one.kind == "photo":
            uploads.append((one.path, _spooled(one)))
        else:
            poses[PurePosixPath(one.path).name] = one.content
    for _, photo in uploads:
        check_upload(photo)
    listed = _read(poses) if poses else ()
    added = [(path, drafts.add_photo(job, photo)[0]) for path, photo in uploads]
    paths = {photo.name: path for path, photo in added}
    if poses:
        _keep(job, poses, listed, paths)
    else:
        with transaction.atomic():
            write_names(job, job.photos.all(), paths)
    return [photo for _, photo in added]


def add_poses(job: Job, uploads: Sequence[UploadedFile]) -> int:
    """The files of a COLMAP model or a transforms.json, or a zip with one, as the draft's camera
    positions; how many photos they are of. Raises UserError: zip_*, poses_*, draft_started."""
    contents: dict[str, bytes] = {}
    for upload in uploads:
        if is_zip(upload):
            found = (one for one in _unpack(upload) if one.kind == "poses")
            contents |= {PurePosixPath(one.path).name: one.content for one in found}
        else:
            upload.seek(0)
            contents[PurePosixPath(upload.name or "").name] = upload.read()
    chosen = pose_files_among(list(contents))
    if not chosen:
        names = ", ".join(sorted(contents)) or "?"
        raise UserError("poses_unreadable", file=names[:100])
    poses = {name: contents[name] for name in chosen}
    listed = _read(poses)
    _keep(job, poses, listed, {})
    return len(listed)


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


def poses_of(job: Job) -> dict[str, int] | None:
    """How many of the draft's photos have camera positions, `found` of `total`; None where none
    came with them."""
    pull_poses(job)
    names = {photo.name: photo.original_name for photo in job.photos.all()}
    found = photos_with_poses(job.workspace, names)
    return None if found is None else {"found": found, "total": len(names)}


def _read(poses: Mapping[str, bytes]) -> tuple[str, ...]:
    """The photos that the files list. Raises UserError poses_*."""
    with tempfile.TemporaryDirectory(prefix="recon-poses-") as folder:
        for name, content in poses.items():
            (Path(folder) / name).write_bytes(content)
        try:
            return listed_photos(Path(folder))
        except PoseFileError as error:
            raise UserError(error.code, **error.facts) from error


def _keep(
    job: Job, poses: Mapping[str, bytes], listed: Sequence[str], paths: Mapping[str, str]
) -> None:
    mirror.make_folder(job)
    with photo_files.room_for(job), transaction.atomic():
        draft = drafts.lock_draft(job)
        with tempfile.TemporaryDirectory(prefix="recon-poses-") as folder:
            files = []
            for name, content in poses.items():
                files.append(Path(folder) / name)
                files[-1].write_bytes(content)
            keep_pose_files(files, draft.workspace, dict(paths), listed)
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
