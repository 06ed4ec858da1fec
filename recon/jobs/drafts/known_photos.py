"""Photos that need not be sent, because they are here already, where the draft belongs."""

from __future__ import annotations

import re

from django.db import transaction

from recon.jobs.drafts import drafts
from recon.jobs.folder import mirror, photo_files
from recon.models import Job, Photo
from recon.pipeline.errors import UserError


def add_known(
    job: Job, sha256: str, *, name: str, number: int | None = None
) -> tuple[Photo, bool] | None:
    """`drafts.add_photo` without the bytes: the photo of that digest that the draft, or another
    job of its owner or its team, has. None where there is none: then it must be sent.

    Digests were computed here, from the files that are linked. Other people's photos are never
    looked at, so an answer says nothing about what they have. Raises UserError: too_many_photos,
    too_large_together, draft_started; Job.DoesNotExist.
    """
    if not re.fullmatch(r"[0-9a-f]{64}", sha256):
        return None
    with transaction.atomic():
        draft = drafts.lock_draft(job)
        if twin := draft.photos.filter(sha256=sha256).first():
            return twin, False
        candidates = Photo.objects.filter(job__in=Job.objects.beside(draft), sha256=sha256)
        for known in candidates.select_related("job"):
            if mirror.has(known.job, mirror.path_of(known.job, known.path)):
                break
        else:
            return None
        drafts.check_room(draft, known.size)
        photo = photo_files.linked_row(draft, drafts.take_number(draft, number), known, name)
        try:
            _link(known, photo, name)
        except UserError:  # removed just now
            return None
        photo.save(force_insert=True)
        drafts.note_change(draft)
    return photo, True


def _link(known: Photo, photo: Photo, name: str) -> None:
    """Raises UserError("photo_unreadable")."""
    if not mirror.is_used():
        photo_files.link(known.path, photo.path, shown_as=name)
        return
    paths = {
        mirror.path_of(known.job, known.path): mirror.path_of(photo.job, photo.path),
    }
    files = mirror.link(known.job, photo.job, paths)
    if not files:
        raise UserError("photo_unreadable", name=name)
    mirror.record(files)
