"""Several scenes of the same photos: which there are, and two of them side by side."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from django.db.models import Count, QuerySet
from django.utils.translation import gettext

from recon.models import Job, Photo
from recon.poses.alignment import align
from recon.web import cameras
from recon.web.held_out import HeldOut, held_out_of
from recon.web.metrics import SCALES, Scale
from recon.web.particulars import filter_said

#: How many photos two scenes share before they are worth comparing, and how many are listed.
SHARED, LISTED = 3, 8


@dataclass(frozen=True, kw_only=True)
class Pair:
    """A photo that both scenes were measured on."""

    first: HeldOut
    second: HeldOut


def others_of(job: Job) -> QuerySet[Job]:
    """The owner's other finished scenes of (mostly) the same photos, newest first."""
    same = Photo.objects.filter(sha256__in=job.photos.values("sha256"), job__owner=job.owner_id)
    shared = (
        same.exclude(job=job)
        .values("job")
        .annotate(count=Count("sha256", distinct=True))
        .filter(count__gte=SHARED)
    )
    return Job.objects.filter(pk__in=shared.values("job"), status=Job.Status.COMPLETED).order_by(
        "-completed_at"
    )[:LISTED]


def figures(first: Job, second: Job) -> list[dict[str, Any]]:
    """Rows of label, first, second and `better`: "first", "second" or "" where neither is.

    Scenes are measured on different photos where their photos or their protocol differ; the page
    says so.
    """
    return [
        *(_row(scale, first, second) for scale in SCALES),
        _plain(gettext("Gaussians"), first.gaussian_count, second.gaussian_count),
        _plain(gettext("Training steps"), first.iterations, second.iterations),
        _words(gettext("Stray spots removed"), filter_said(first), filter_said(second)),
    ]


def pairs(first: Job, second: Job) -> list[Pair]:
    """The photos that both were measured on and have pictures of."""
    own, theirs = _by_content(first), _by_content(second)
    return [
        Pair(first=one, second=theirs[content])
        for content, one in own.items()
        if content in theirs and one.urls and theirs[content].urls
    ]


def measured_alike(first: Job, second: Job) -> bool:
    """Whether their figures are means over the same photos."""
    return first.protocol == second.protocol and set(_by_content(first)) == set(_by_content(second))


def alignment(first: Job, second: Job) -> dict[str, Any] | None:
    """Where the first scene's world lies in the second's, as `recon.poses.alignment` says it:
    scale, rotation (3 rows), translation. None where their photos don't tell."""
    own, theirs = cameras.poses_by_content(first), cameras.poses_by_content(second)
    both = [content for content in own if content in theirs]
    found = align(*(np.array([poses[one] for one in both]) for poses in (own, theirs)))
    if found is None:
        return None
    return {
        "scale": found.scale,
        "rotation": found.rotation.tolist(),
        "translation": found.translation.tolist(),
    }


def _by_content(job: Job) -> dict[str, HeldOut]:
    """Held-out photos by SHA-256: another upload of the same photos may name them otherwise."""
    contents = {Path(photo.name).stem: photo.sha256 for photo in job.photos.all()}
    return {contents[one.stem]: one for one in held_out_of(job) if one.stem in contents}


def _row(scale: Scale, first: Job, second: Job) -> dict[str, Any]:
    values = [getattr(job, scale.key) for job in (first, second)]
    texts = ["–" if value is None else scale.figure.format(value) for value in values]
    better = ""
    if None not in values and texts[0] != texts[1]:
        first_wins = (values[0] > values[1]) == scale.higher_is_better
        better = "first" if first_wins else "second"
    return {"label": scale.label, "first": texts[0], "second": texts[1], "better": better}


def _plain(label: str, first: int | None, second: int | None) -> dict[str, Any]:
    return _words(label, *("–" if value is None else f"{value:,}" for value in (first, second)))


def _words(label: str, first: str, second: str) -> dict[str, Any]:
    return {"label": label, "first": first, "second": second, "better": ""}
