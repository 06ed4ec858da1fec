"""What the photo check reports: findings, and the set that they are about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from recon.poses.connections import Edge
from recon.poses.photo_check import colours
from recon.poses.photo_check.check_limits import CheckLimits
from recon.poses.photo_check.photo_look import PhotoLook
from recon.poses.photo_check.quick_pairs import PairFacts


@dataclass(frozen=True)
class Finding:
    """A code, the photos that it is about, in the person's order, and facts for its sentence."""

    code: str
    photos: tuple[str, ...]
    facts: Mapping[str, object] = field(default_factory=dict)

    @property
    def groups(self) -> list[list[str]]:
        """The photos' groups, where it is about several; else none."""
        groups = self.facts.get("groups", ())
        return [list(group) for group in groups] if isinstance(groups, Sequence) else []


@dataclass(frozen=True)
class PhotoSet:
    """The looks by photo name, in the person's order, and the facts of every pair (a before b)."""

    looks: Mapping[str, PhotoLook]
    pairs: Mapping[Edge, PairFacts]
    limits: CheckLimits

    @property
    def names(self) -> list[str]:
        return list(self.looks)

    def linked_pairs(self) -> dict[Edge, PairFacts]:
        limit = self.limits.linked
        return {edge: facts for edge, facts in self.pairs.items() if facts.log_chance <= limit}

    def alike(self, a: str, b: str) -> bool:
        """Whether two photos could be of one place, by their colours."""
        apart = colours.distance(self.looks[a].colours, self.looks[b].colours)
        return apart <= self.limits.unlike
