"""What a scene without a title is called: after the day of its photos, otherwise after the time,
with a number if another scene of its owner or its team has that title already.

The day, but no place: photos may say where they were taken, which nobody asked us to reveal.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import count

from django.db.models import Q
from django.template.defaultfilters import date
from django.utils import timezone
from django.utils.translation import gettext

from recon.models import Job, Photo


def titles_of(job: Job, wished: str, photos: Iterable[Photo], *, shared: bool) -> dict[str, str]:
    """The columns `title` and `automatic_title` that `job` gets as it starts: the title is empty
    where the time tells it from the others.

    A title from an earlier run counts as a wish too, and is replaced by a new one if the site made
    it. A job that others see from its start is not called by its photos' day: nobody has read that
    title before they do, unless an earlier run had it.
    """
    if wished and wished != job.automatic_title:
        return {"title": wished, "automatic_title": ""}
    days = [photo.taken_on for photo in photos if photo.taken_on]
    if days and not shared:
        title = unused_title(job, date(min(days), gettext("j M Y")))
    elif wished:
        title = another(job, wished)
    else:
        # A draft is called by its own time already.
        title = _by_time(job, job.created_at if job.is_draft else timezone.now())
    return {"title": title, "automatic_title": title}


def rename(job: Job, title: str) -> None:
    """As a person wishes, at any time."""
    Job.objects.filter(pk=job.pk).update(title=title)
    job.title = title


def draft_name(draft: Job, photos: Iterable[Photo]) -> str:
    """What a draft will be called if it is started as it is now, for its owner."""
    title = titles_of(draft, draft.title, photos, shared=False)["title"]
    return title or draft.name


def another(job: Job, automatic: str) -> str:
    """An automatic title for one more scene of the same photos: with the next number."""
    return unused_title(job, re.sub(r" \(\d+\)$", "", automatic))


def unused_title(job: Job, title: str, *, is_taken: bool = False) -> str:
    """`title`, or "title (2)" and so on where another scene beside `job` has it."""
    jobs = Job.objects.beside(job).filter(title__startswith=title).exclude(pk=job.pk)
    taken = {*jobs.values_list("title", flat=True), *([title] if is_taken else [])}
    numbered = (f"{title} ({number})" for number in count(2))
    return title if title not in taken else next(one for one in numbered if one not in taken)


def _by_time(job: Job, made: datetime) -> str:
    """Empty as long as the minute is enough: its name follows then, in the reader's language."""
    begin = made.replace(second=0, microsecond=0)
    minute = (begin, begin + timedelta(minutes=1))
    named_so = Q(draft_made_at__range=minute) | Q(draft_made_at=None, created_at__range=minute)
    others = Job.objects.beside(job).filter(named_so, title="").exclude(pk=job.pk)
    if not others.exclude(status=Job.Status.DRAFT).exists():
        return ""
    return unused_title(job, Job(created_at=made).name, is_taken=True)
