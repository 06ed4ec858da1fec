"""Which model is the best of several, and whether the best can still be beaten."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from recon.poses.models.checks import ModelFacts

if TYPE_CHECKING:
    from pycolmap import Reconstruction

_FIRM = 0.95  # of the photos

#: A model that so large a part of the verified matches fit is convincing.
CONVINCING = 0.95
#: Where it also has all photos, and so large a part of their full worth, later rungs find more
#: points, but none that place the photos better.
_ENOUGH = 0.75

#: Models of the same photos whose worth differs by less, as a part of them, are worth the same:
#: how exactly they place the photos then counts for more than how many points are seen.
_NEAR = 0.1
#: Shares of fitting matches that differ by less are the same.
SAME_FIT = 0.05


@dataclass(frozen=True)
class Candidate:
    """A model that passed the checks."""

    model: Reconstruction
    facts: ModelFacts
    names: tuple[str, ...]  # of the photos placed
    worth: float  # photos, where one that sees few points counts for less
    firm_photos: int  # that count in full

    def beats(self, other: Candidate | None) -> bool:
        """More photos placed firmly; among models that are close in that and have the same photos,
        the one that clearly more of the verified matches fit, then the more exact one.
        """
        if other is None:
            return True
        near = abs(self.worth - other.worth) <= _NEAR * len(self.names)
        if self.names != other.names or not near:
            return self.worth > other.worth
        return self._quality > other._quality

    @property
    def firm(self) -> bool:
        """Whether nearly all its photos count in full."""
        return self.worth >= _FIRM * len(self.names)

    @property
    def convincing(self) -> bool:
        """Whether its photos count for enough and its matches fit."""
        return self.facts.agreeing >= CONVINCING and self.worth >= _ENOUGH * len(self.names)

    @property
    def _quality(self) -> tuple[float, ...]:
        facts = self.facts
        # The error of a pose falls with the root of the points that it is computed from.
        exactness = facts.points_per_photo**0.5 / max(facts.median_reprojection_error, 1e-6)
        return (
            round(facts.agreeing / SAME_FIT),
            round(exactness, 1),
            round(self.worth, 1),
            round(facts.median_triangulation_angle),
            -facts.mean_reprojection_error,
        )


def candidate(model: Reconstruction, facts: ModelFacts, solid_points: float) -> Candidate:
    """`model` as a candidate. A photo with `solid_points` counts in full, one with half for half.

    So twelve photos that see 30 points each are worth no more than six that see 60: a global
    mapper can place every photo of `lund` on 138 points, and be wrong about where.
    """
    seen = [model.images[i].num_points3D / solid_points for i in model.reg_image_ids()]
    names = tuple(sorted(model.images[i].name for i in model.reg_image_ids()))
    worth = sum(min(1.0, part) for part in seen)
    return Candidate(model, facts, names, worth, firm_photos=sum(part >= 1.0 for part in seen))


def wins(candidate: Candidate, total: int) -> bool:
    """Whether nothing better can come: all photos, and nearly all of them firmly, or so many that
    the matches leave no doubt about the others."""
    return len(candidate.names) == total and (candidate.firm or candidate.convincing)


def best_of(candidates: Iterable[Candidate | None]) -> Candidate | None:
    """The best of those that there are; among equals the first."""
    best: Candidate | None = None
    for found in candidates:
        if found is not None and found.beats(best):
            best = found
    return best
