"""Checks one uploaded photo, before it becomes part of a job."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import BinaryIO, cast

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile

from recon.jobs import decoders
from recon.pipeline.config import PreflightConfig
from recon.pipeline.decoding.opening import Opener


@dataclass(frozen=True)
class CheckedPhoto:
    """What is known of a photo that was decoded to the last row."""

    sha256: str
    width: int  # px, upright
    height: int  # px, upright
    format: str  # one of `photos.FORMATS`, by content
    small: bytes  # a JPEG of it, see `Opener.small_picture`
    taken_on: date | None  # as its metadata says


def check_upload(file: UploadedFile, by: Opener | None = None) -> CheckedPhoto:
    """Decodes `file` for real, once, in a process of its own; the answer is kept on the file for
    the next caller. `by`: another opener than that of those who wait at a request.

    Raises UserError: photo_unreadable, photo_too_small, photo_too_large (megapixels),
    photo_too_complex; PipelineError("too_busy"). The limit in bytes is the form's, because it is
    answered with another status.
    """
    known = getattr(file, "checked", None)
    if isinstance(known, CheckedPhoto):
        return known
    photo = (by or decoders.opener()).check_photo(
        source_of(file),
        name=file.name or "?",
        min_image_size=settings.MIN_IMAGE_SIZE,
        max_megapixels=PreflightConfig().max_megapixels,
    )
    digest = hashlib.sha256()
    file.seek(0)
    for chunk in file.chunks():
        digest.update(chunk)
    file.seek(0)
    checked = CheckedPhoto(
        digest.hexdigest(), photo.width, photo.height, photo.format, photo.small, photo.taken_on
    )
    file.checked = checked  # type: ignore[attr-defined]
    return checked


def source_of(file: UploadedFile) -> Path | BinaryIO:
    """An upload as openers take it: a path where it was spooled to the disk."""
    spooled = getattr(file, "temporary_file_path", None)
    if spooled is not None:
        return Path(spooled())
    return cast(BinaryIO, file)  # reads and seeks like any binary file
