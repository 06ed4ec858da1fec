"""Several scenes of the same photos: which there are, and how two of them are aligned."""

from __future__ import annotations

from itertools import islice
from typing import TypedDict

import numpy as np
from django.db.models import Count, prefetch_related_objects

from recon.models import Job, Photo
from recon.poses.models.alignment import align
from recon.web.result import cameras

#: How many photos have a place in both of two scenes before they are worth comparing, how many
#: such scenes are listed, and how many are looked at to find them.
SHARED, LISTED, LOOKED_AT = 3, 8, 24


def others_of(job: Job) -> list[Job]:
    """The other finished scenes of its owner or its team in which (mostly) the same photos have a
    place, newest first."""
    beside = Job.objects.beside(job)
    same = Photo.objects.filter(sha256__in=job.photos.values("sha256"), job__in=beside)
    shared = (
        same.exclude(job=job)
        .values("job")
        .annotate(count=Count("sha256", distinct=True))
        .filter(count__gte=SHARED)
    )
    others = Job.objects.with_rows().filter(
        pk__in=shared.values("job"), status=Job.Status.COMPLETED
    )
    looked_at = others.order_by("-completed_at").prefetch_related("photos")[:LOOKED_AT]
    return list(islice((other for other in looked_at if share_a_place(job, other)), LISTED))


def share_a_place(first: Job, second: Job) -> bool:
    """Whether enough photos have a place in both scenes."""
    prefetch_related_objects([first, second], "photos")
    return len(cameras.placed(first) & cameras.placed(second)) >= SHARED


class WorldAlignment(TypedDict):
    """Where one scene's world lies in another's, as in `recon.poses.models.alignment`."""

    scale: float
    rotation: list[list[float]]  # 3 rows
    translation: list[float]


def alignment(first: Job, second: Job) -> WorldAlignment | None:
    """The first scene's world in the second's. None if their photos can't show it."""
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
