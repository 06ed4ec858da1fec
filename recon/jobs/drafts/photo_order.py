"""The order of a draft's photos: the one in which they are shown and numbered.

It is for people, who read "take one from between 3 and 7" of the photo check. Structure from
motion looks at all pairs, whatever their order.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from django.db import transaction

from recon.jobs.drafts import drafts
from recon.models import Job, Photo


def numbers_in(sent: Sequence[str]) -> list[int] | None:
    """The photos' numbers as they were sent; None if one is not a number that a row could have."""
    if not all(re.fullmatch(r"[0-9]{1,18}", one) for one in sent):
        return None
    return [int(one) for one in sent]


def reorder(job: Job, photo_pks: Sequence[int]) -> None:
    """Puts these photos into this order, in the places that they have among all others.

    So those that arrive meanwhile, or are not named, stay where they are. Photos that are gone
    are passed over. Raises UserError("draft_started"), Job.DoesNotExist.
    """
    with transaction.atomic():
        draft = drafts.lock_draft(job)
        there = {photo.pk: photo for photo in draft.photos.all()}
        asked = [there[pk] for pk in dict.fromkeys(photo_pks) if pk in there]
        places = sorted(photo.position for photo in asked)
        moved = [(p, place) for p, place in zip(asked, places, strict=True) if p.position != place]
        for photo, place in moved:
            photo.position = place
        if moved:
            Photo.objects.bulk_update([photo for photo, _ in moved], ["position"])
            drafts.note_change(draft)


def move(job: Job, photo_pk: int, step: int) -> None:
    """Swaps a photo with the one before (`step` -1) or after it (1).

    Raises UserError("draft_started"), Job.DoesNotExist.
    """
    order = list(job.photos.values_list("pk", flat=True))
    if photo_pk not in order:
        return
    here = order.index(photo_pk)
    there = here + step
    if 0 <= there < len(order):
        reorder(job, [order[min(here, there) + 1], order[min(here, there)]])
