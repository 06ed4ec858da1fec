"""How much the site stores, whose it is, what it is, how it grows, and what could go."""

from __future__ import annotations

import os
import shutil
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db.models import Count, F, QuerySet, Sum
from django.db.models.functions import Coalesce, TruncMonth

from recon.jobs.storage import prune
from recon.models import Job, Photo

#: What lies where in a job's folder; the longest beginning counts.
PLACES = {
    "upload/": "photos as they were sent",
    "videos/": "videos",
    "thumbs/": "small pictures",
    "check/": "photo checks",
    "colmap/": "camera positions",
    "work/": "intermediate files",
    "output/": "other results",
    "output/point_cloud/": "scenes",
    "output/held_out/": "scenes as measured",
    "output/test/": "pictures of held-out photos",
    "logs/": "logs",
}
OTHER = "other files"


@dataclass(frozen=True)
class Person:
    """What one person's own scenes take up, as their quota counts it."""

    email: str
    scenes: int
    size: int  # bytes


@dataclass(frozen=True)
class TeamShare:
    """What a team's scenes take up, whoever made them, as the team's quota counts it."""

    handle: str
    name: str
    scenes: int
    size: int  # bytes


@dataclass(frozen=True)
class Month:
    """What was added in a month and is still there."""

    month: str  # 2026-11
    scenes: int
    size: int  # bytes


@dataclass(frozen=True)
class Report:
    """Sizes are in bytes. `kinds` counts files on the disk: one with two names once."""

    disk_total: int
    disk_free: int
    people: list[Person]  # who has most first
    teams: list[TeamShare]  # likewise
    kinds: dict[str, int]
    months: list[Month]  # the earliest first
    oldest: str | None  # when the oldest scene that has ended did so
    removable: dict[str, int] = field(default_factory=dict)  # what `prune` would give


def make_report(intermediate_days: int = prune.INTERMEDIATE_DAYS) -> Report:
    disk = shutil.disk_usage(settings.DATA_DIR)
    ended = Job.objects.filter(status__in=Job.ENDED).exclude(completed_at=None)
    oldest = ended.order_by("completed_at").values_list("completed_at", flat=True).first()
    removable: Counter[str] = Counter(dict.fromkeys(prune.KINDS, 0))
    for one in prune.find(intermediate_days):
        removable[one.kind] += one.size
    return Report(
        disk_total=disk.total,
        disk_free=disk.free,
        people=_people(),
        teams=_teams(),
        kinds=dict(_sizes_by_kind().most_common()),
        months=_months(),
        oldest=oldest.isoformat() if oldest else None,
        removable=dict(removable),
    )


def _people() -> list[Person]:
    photos = dict(_photo_sums("job__owner", job__team=None))
    rows = _scenes("owner", email=F("owner__email")).filter(team=None)
    people = [
        Person(row["email"], row["scenes"], row["made"] + photos.get(row["owner"], 0))
        for row in rows
    ]
    return sorted(people, key=lambda one: (-one.size, one.email))


def _teams() -> list[TeamShare]:
    photos = dict(_photo_sums("job__team", job__team__isnull=False))
    rows = _scenes("team", handle=F("team__handle"), name=F("team__name")).exclude(team=None)
    teams = [
        TeamShare(
            row["handle"], row["name"], row["scenes"], row["made"] + photos.get(row["team"], 0)
        )
        for row in rows
    ]
    return sorted(teams, key=lambda one: (-one.size, one.handle))


def _months() -> list[Month]:
    photos = {f"{month:%Y-%m}": size for month, size in _photo_sums(TruncMonth("job__created_at"))}
    rows = _scenes(month=TruncMonth("created_at"))
    named = [(f"{row['month']:%Y-%m}", row["scenes"], row["made"]) for row in rows]
    return [Month(name, scenes, made + photos.get(name, 0)) for name, scenes, made in sorted(named)]


def _scenes(*fields: str, **expressions: F | TruncMonth) -> QuerySet[Job, dict[str, Any]]:
    """For each group of scenes how many they are, and the bytes that were made for them."""
    grouped: QuerySet[Job, dict[str, Any]] = Job.objects.order_by().values(*fields, **expressions)
    return grouped.annotate(scenes=Count("pk"), made=Coalesce(Sum("stored_bytes"), 0))


def _photo_sums(group: str | TruncMonth, **which: object) -> Iterator[tuple[object, int]]:
    photos = Photo.objects.filter(**which).order_by()
    rows = photos.values(group=F(group) if isinstance(group, str) else group)
    yield from rows.annotate(size=Sum("size")).values_list("group", "size")


def _sizes_by_kind() -> Counter[str]:
    sizes: Counter[str] = Counter()
    seen: defaultdict[int, set[int]] = defaultdict(set)
    jobs = Path(settings.DATA_DIR) / "jobs"
    for folder, _, names in os.walk(jobs):
        parts = Path(folder).relative_to(jobs).parts[1:]
        inside = "/".join((*parts, ""))
        for name in names:
            try:
                facts = os.lstat(os.path.join(folder, name))
            except FileNotFoundError:
                continue
            if facts.st_ino not in seen[facts.st_dev]:
                seen[facts.st_dev].add(facts.st_ino)
                sizes[_kind(inside)] += facts.st_size
    return sizes


def _kind(folder: str) -> str:
    fitting = [place for place in PLACES if folder.startswith(place)]
    return PLACES[max(fitting, key=len)] if fitting else OTHER
