"""What a scene is called that nobody gave a title: by the day of its photos, else by the time, and
with a number where its owner has that title already.

The day, and no place: photos may say where they were taken, which nobody asked us to tell.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import count
from uuid import UUID

from django.template.defaultfilters import date
from django.utils import timezone
from django.utils.translation import gettext

from recon.models import Job, Photo


def title_of(job: Job, wished: str, photos: Iterable[Photo], *, shared: bool) -> str:
    """The title that `job` gets as it starts; empty where the time tells it from the others.

    A job that others see from its start is not called by its photos' day: nobody has read that
    title before they do. A day that came from an earlier run of the photos gets the next number.
    """
    days = [photo.taken_on for photo in photos if photo.taken_on]
    day = date(min(days), gettext("j M Y")) if days else ""
    was_automatic = bool(day) and re.fullmatch(rf"{re.escape(day)}( \(\d+\))?", wished)
    if wished and not was_automatic:
        return wished
    if was_automatic or (day and not shared):
        return unused(job.owner_id, day, but=job.pk)
    return _by_time(job, timezone.now())


def unused(owner: int, title: str, *, but: UUID | None = None, is_taken: bool = False) -> str:
    """`title`, or "title (2)" and so on where another scene of `owner` than `but` has it."""
    jobs = Job.objects.filter(owner=owner, title__startswith=title)
    jobs = jobs.exclude(pk=but) if but else jobs
    taken = {*jobs.values_list("title", flat=True), *([title] if is_taken else [])}
    numbered = (f"{title} ({number})" for number in count(2))
    return title if title not in taken else next(one for one in numbered if one not in taken)


def _by_time(job: Job, now: datetime) -> str:
    """Empty as long as the minute is enough: its name follows then, in the reader's language."""
    minute = now.replace(second=0, microsecond=0)
    untitled = Job.objects.filter(owner=job.owner_id, title="").exclude(pk=job.pk)
    if not untitled.filter(created_at__range=(minute, minute + timedelta(minutes=1))).exists():
        return ""
    return unused(job.owner_id, Job(created_at=now).name, but=job.pk, is_taken=True)
