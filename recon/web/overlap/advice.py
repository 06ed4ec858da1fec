"""What is said about a job's photos, for their owner: findings as sentences, with what can be done.

A finding comes from the photo check or from the real matching (`recon.poses.photo_check.findings`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.conf import settings

from recon.models import Job, Photo
from recon.pipeline.photo_check.check_texts import explain_finding
from recon.pipeline.words.photo_names import numbers_in_words
from recon.poses.photo_check.findings import Finding

#: What is said of single photos, of which one may go.
DROPPABLE = (
    "unreadable",
    "not_looked_at",
    "strip",
    "blurred",
    "featureless",
    "too_dark",
    "too_bright",
    "copies",
    "near_duplicates",
    "stranger",
)
#: What is said of photos of several places.
OF_PLACES = ("split", "apart")
MOST_SHOWN = 4  # photos of one finding with a link each


@dataclass(frozen=True)
class Node:
    number: int
    photo: Photo
    url: str  # of its small picture
    x: float  # of its upper left corner
    y: float
    state: str  # "", "advice" where something was said of it, "left-out" where it has no place


@dataclass(frozen=True)
class Place:
    """Photos that could be a scene of their own."""

    numbers: str  # in words
    photos: list[Node]
    pks: str  # of the photos, for a form
    is_here: bool  # it is what the job's scene was made of
    lacks: int  # how many photos it needs besides


@dataclass(frozen=True)
class Said:
    """A finding as sentences, with the photos that it is about."""

    code: str
    title: str
    advice: str
    photos: list[Node]
    places: list[Place]  # where the photos seem to be of several

    @property
    def is_of_single_photos(self) -> bool:
        """Whether the photos can be shown one by one."""
        return self.may_drop or self.code == "thin_link"

    @property
    def may_drop(self) -> bool:
        """Whether removing a photo may be the answer."""
        droppable = self.code in DROPPABLE or self.code.startswith("photo_")  # an error's own
        return droppable and len(self.photos) <= MOST_SHOWN


def said_of(
    job: Job, finding: Finding, numbers: Mapping[str, int], nodes: Mapping[str, Node]
) -> Said:
    explained = explain_finding(finding, numbers)
    photos = [nodes[name] for name in finding.photos]
    groups = finding.groups if finding.code in OF_PLACES else []
    places = [_place(job, [nodes[name] for name in group]) for group in groups]
    return Said(explained.code, explained.title, explained.advice, photos, places)


def _place(job: Job, photos: list[Node]) -> Place:
    photos = sorted(photos, key=lambda node: node.number)
    return Place(
        numbers=numbers_in_words([node.number for node in photos]),
        photos=photos,
        pks=" ".join(str(node.photo.pk) for node in photos),
        is_here=job.is_completed and any(node.state != "left-out" for node in photos),
        lacks=max(settings.MIN_PHOTOS - len(photos), 0),
    )
