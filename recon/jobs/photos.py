"""Checks one uploaded photo, before it becomes part of a job."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile

from recon.pipeline.config import PreflightConfig
from recon.pipeline.photos import decode


@dataclass(frozen=True)
class CheckedPhoto:
    """What is known of a photo that was decoded to the last row."""

    sha256: str
    width: int  # px, upright
    height: int  # px, upright
    format: str  # one of `photos.FORMATS`, by content


def check_upload(file: UploadedFile) -> CheckedPhoto:
    """Decodes `file` for real, once; the answer is kept on the file for whoever asks again.

    Raises UserError: photo_unreadable, photo_too_small, photo_too_large (megapixels). The limit
    in bytes is the form's, because it is answered with another status.
    """
    known = getattr(file, "checked", None)
    if isinstance(known, CheckedPhoto):
        return known
    file.seek(0)
    photo = decode(
        file,  # type: ignore[arg-type] # reads and seeks like any binary file
        name=file.name or "?",
        min_image_size=settings.MIN_IMAGE_SIZE,
        max_megapixels=PreflightConfig().max_megapixels,
    )
    digest = hashlib.sha256()
    file.seek(0)
    for chunk in file.chunks():
        digest.update(chunk)
    file.seek(0)
    checked = CheckedPhoto(digest.hexdigest(), photo.width, photo.height, photo.format)
    file.checked = checked  # type: ignore[attr-defined]
    return checked
