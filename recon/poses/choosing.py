"""Which model is the best of several, and whether the best can still be beaten."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from recon.poses.model_checks import ModelFacts

_FIRM = 0.95  # of the photos


@dataclass(frozen=True)
class Candidate:
    """A model that passed the checks."""

    model: Any  # pycolmap reconstruction
    facts: ModelFacts
    names: tuple[str, ...]  # of the photos placed
    worth: float  # photos, where one that sees few points counts for less

    def beats(self, other: Candidate | None) -> bool:
        """More photos placed firmly; among equals more of the verified matches that fit, then more
        points a photo, then wider angles, then a smaller reprojection error."""
        return other is None or self.rank > other.rank

    @property
    def firm(self) -> bool:
        """Whether nearly all its photos count in full."""
        return self.worth >= _FIRM * len(self.names)

    @property
    def rank(self) -> tuple[float, ...]:
        """What models are compared by, the larger the better."""
        facts = self.facts
        return (
            round(self.worth, 1),
            round(facts.agreeing, 2),
            round(facts.points_per_photo / 10),
            round(facts.median_triangulation_angle),
            -facts.mean_reprojection_error,
        )


def candidate(model: Any, facts: ModelFacts, solid_points: float) -> Candidate:
    """`model` as a candidate. A photo with `solid_points` counts in full, one with half for half.

    So twelve photos that see 30 points each are worth no more than six that see 60: a global
    mapper can place every photo of `lund` on 138 points, and be wrong about where.
    """
    images = [model.images[i] for i in model.reg_image_ids()]
    worth = sum(min(1.0, image.num_points3D / solid_points) for image in images)
    return Candidate(model, facts, tuple(sorted(image.name for image in images)), worth)


def wins(candidate: Candidate, total: int) -> bool:
    """Whether nothing better can come: all photos, nearly all of them firmly."""
    return len(candidate.names) == total and candidate.firm


def best_of(candidates: Iterable[Candidate | None]) -> Candidate | None:
    """The best of those that there are; of equals the first."""
    return max((c for c in candidates if c is not None), key=lambda c: c.rank, default=None)
