"""A person's or a team's tags: which words they are, which scenes have them. Changes only rows.

Tags that differ only in capitals are one tag, written as it was written first.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Iterable
from uuid import UUID

from django.db import transaction
from django.db.models import Count, Max, QuerySet

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
    _insert([job], wanted)


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
    for shelf in {_shelf(job) for job in fitting}:
        _insert([job for job in fitting if _shelf(job) == shelf], wanted)
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


def rewrite(job: Job) -> None:
    """For a job that belongs elsewhere now: its tags are written as they are there."""
    beside = Job.objects.beside(job).exclude(pk=job.pk)
    there = dict(Tag.objects.filter(job__in=beside).values_list("key", "name"))
    for tag in job.tags.all():
        if there.get(tag.key, tag.name) != tag.name:
            Tag.objects.filter(pk=tag.pk).update(name=there[tag.key])


def of_jobs(jobs: QuerySet[Job]) -> list[tuple[str, str, int]]:
    """All tags of a person's or a team's jobs: key, name and on how many scenes, in alphabetical
    order."""
    found = Tag.objects.filter(job__in=jobs).values("key").order_by("key")
    counted = found.annotate(name=Max("name"), count=Count("pk"))
    return [(one["key"], one["name"], one["count"]) for one in counted]


def _shelf(job: Job) -> tuple[int | None, int]:
    """The same for jobs that belong to one team, or to one person alone."""
    return job.team_id, 0 if job.team_id else job.owner_id


def _insert(jobs: list[Job], wanted: dict[str, str]) -> None:
    """Adds to each job what it lacks, written as it is on the others beside them."""
    beside = Job.objects.beside(jobs[0])
    known = Tag.objects.filter(job__in=beside, key__in=wanted).values_list("key", "name")
    written = wanted | dict(known)
    Tag.objects.bulk_create(
        (Tag(job=job, name=written[key], key=key) for job in jobs for key in wanted),
        ignore_conflicts=True,
    )
