"""The photo check of a whole set: from looks and pairs to findings. All of it is advice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recon.poses import connections, standing_still
from recon.poses.connections import Edge
from recon.poses.photo_check import copies
from recon.poses.photo_check.findings import Finding, PhotoSet
from recon.poses.photo_check.pure_rotation import is_turn
from recon.poses.photo_check.quick_pairs import PairFacts
from recon.poses.photo_check.set_findings import find_in_set
from recon.poses.photo_check.single_photo_findings import (
    Standing,
    find_in_photos,
    standing_of,
)

Array = NDArray[np.float64]


@dataclass(frozen=True)
class SetCheck:
    """All that the check found out about a set."""

    standings: dict[str, Standing]
    linked: dict[Edge, PairFacts]  # the pairs that show something in common
    groups: list[list[str]]
    findings: list[Finding]


def check_set(photos: PhotoSet) -> SetCheck:
    """Looks at the set as a whole."""
    linked = photos.linked_pairs()
    groups = connections.connected_components(photos.names, linked)
    standings = {name: standing_of(photos, name, linked) for name in photos.names}
    single = [*find_in_photos(photos, standings), *_alike(photos, linked)]
    unfit = {n for f in single if f.code in ("blurred", "featureless", "strip") for n in f.photos}
    whole = find_in_set(photos, linked, groups, unfit)
    return SetCheck(standings, linked, groups, [*single, *whole])


def _alike(photos: PhotoSet, linked: Mapping[Edge, PairFacts]) -> list[Finding]:
    """Copies, and near-copies. Where something stands still, every pair looks like one of those."""
    copied = copies.groups({name: look.small for name, look in photos.looks.items()})
    found = [Finding("copies", tuple(group)) for group in copied]
    still = standing_still.still_share([facts.still for facts in photos.pairs.values()])
    if still is not None:
        facts = {"percent": round(100 * still)}
        return [*found, Finding("stands_still", tuple(photos.names), facts)]
    near = [
        finding
        for finding in _duplicates(photos, linked)
        if not any(set(finding.photos) <= set(group) for group in copied)
    ]
    return [*found, *near]


def _duplicates(photos: PhotoSet, linked: Mapping[Edge, PairFacts]) -> list[Finding]:
    """Photos that are all nearly the same as each other. Neighbours of a camera that was turned
    explain each other too, and only count where they show the same."""
    limits = photos.limits
    turned = is_turn(photos.looks, linked, limits)
    overlap = limits.duplicate_overlap_turned if turned else limits.duplicate_overlap
    same = {
        frozenset(edge)
        for edge, facts in linked.items()
        if facts.inliers >= limits.duplicate_inliers
        and facts.flat >= limits.duplicate_flat
        and facts.overlap >= overlap
    }
    alike: list[list[str]] = []
    for name in photos.names:
        for group in alike:
            if all(frozenset((name, other)) in same for other in group):
                group.append(name)
                break
        else:
            alike.append([name])
    return [Finding("near_duplicates", tuple(group)) for group in alike if len(group) > 1]
