"""A person's tags: which words they are, which scenes have them. Changes only rows.

Tags that differ only in capitals are one tag, written as its owner wrote it first.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Iterable
from uuid import UUID

from django.db import transaction
from django.db.models import Count, Max

from recon.models import Job, Tag

#: How many one scene may have.
MOST = 10


def key_of(name: str) -> str:
    """The same for all that differ only in capitals, or in spaces, or in how letters are composed:
    "é", or "e" and its accent.
    """
    return " ".join(unicodedata.normalize("NFC", name).split()).casefold()


def names_of(job: Job) -> list[str]:
    return [tag.name for tag in job.tags.all()]


@transaction.atomic
def put(job: Job, names: Iterable[str]) -> None:
    """The job has these tags and no others. Raises Job.DoesNotExist where it was deleted."""
    wanted = {key_of(name): name for name in names}
    Job.objects.select_for_update().get(pk=job.pk)  # two tabs: one after the other
    job.tags.exclude(key__in=wanted).delete()
    _insert([job.pk], wanted, job.owner_id)


@transaction.atomic
def add(jobs: Collection[Job], names: Iterable[str]) -> tuple[list[Job], list[Job]]:
    """Each job that is still there has these tags, too. Returns those that have, and those that
    would have too many: they are left as they were. What was deleted meanwhile is in neither."""
    wanted = {key_of(name): name for name in names}
    rows = Job.objects.filter(pk__in=[job.pk for job in jobs]).order_by("pk")
    there = set(rows.select_for_update().values_list("pk", flat=True))  # one tab after the other
    jobs = [job for job in jobs if job.pk in there]
    existing = Tag.objects.filter(job__in=jobs).values_list("job_id", "key")
    keys: dict[UUID, set[str]] = {job.pk: set(wanted) for job in jobs}
    for job_pk, key in existing:
        keys[job_pk].add(key)
    full = [job for job in jobs if len(keys[job.pk]) > MOST]
    fitting = [job for job in jobs if job not in full]
    for owner in {job.owner_id for job in fitting}:
        _insert([job.pk for job in fitting if job.owner_id == owner], wanted, owner)
    return fitting, full


def remove(jobs: Iterable[Job], names: Iterable[str]) -> int:
    """Removes these tags. Returns how many scenes had one."""
    found = Tag.objects.filter(job__in=list(jobs), key__in=[key_of(name) for name in names])
    had = found.values("job").distinct().count()
    found.delete()
    return had


def copy(earlier: Job, later: Job) -> None:
    """A later run of the same photos is sorted as the earlier one is."""
    Tag.objects.bulk_create(
        Tag(job=later, name=tag.name, key=tag.key) for tag in earlier.tags.all()
    )


def of_person(owner: int) -> list[tuple[str, str, int]]:
    """All tags of a person: key, name and on how many scenes, in alphabetical order."""
    found = Tag.objects.filter(job__owner=owner).values("key").order_by("key")
    counted = found.annotate(name=Max("name"), count=Count("pk"))
    return [(one["key"], one["name"], one["count"]) for one in counted]


def _insert(jobs: list[UUID], wanted: dict[str, str], owner: int) -> None:
    """Adds to each job what it lacks, written as the owner has written it elsewhere."""
    known = Tag.objects.filter(job__owner=owner, key__in=wanted).values_list("key", "name")
    written = wanted | dict(known)
    Tag.objects.bulk_create(
        (Tag(job_id=job, name=written[key], key=key) for job in jobs for key in wanted),
        ignore_conflicts=True,
    )
