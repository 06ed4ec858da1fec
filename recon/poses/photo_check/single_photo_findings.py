"""What is found about single photos: blurred, too dark or bright, bare, a strip, small.

How sharp and how bright a photo is, is judged beside its siblings.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recon.poses.connections import Edge
from recon.poses.photo_check import sharpness
from recon.poses.photo_check.check_limits import CheckLimits
from recon.poses.photo_check.findings import Finding, PhotoSet
from recon.poses.photo_check.photo_look import PhotoLook
from recon.poses.photo_check.quick_pairs import PairFacts

Array = NDArray[np.float64]

#: Common points from which on two photos' sharpness is compared there.
COMPARED_AT_LEAST = 20


@dataclass(frozen=True)
class Standing:
    """How one photo stands among its siblings."""

    sharpness: float  # log2 of its fine detail against theirs
    exposure: float  # EV against theirs
    whiter: float  # share of its pixels without detail in white, against theirs


def find_in_photos(photos: PhotoSet, standings: Mapping[str, Standing]) -> list[Finding]:
    found, limits = [], photos.limits
    for name, look in photos.looks.items():
        if standings[name].sharpness <= limits.blurred:
            less = round(100 * (1 - 2 ** standings[name].sharpness))
            found.append(Finding("blurred", (name,), {"percent": less}))
        code = _brightness_code(look, standings[name], limits)
        if code:
            found.append(Finding(code, (name,)))
    blurred = {name for finding in found for name in finding.photos if finding.code == "blurred"}
    bare = [
        name
        for name, look in photos.looks.items()
        if name not in blurred
        and len(look.features.points) < limits.few_features
        and not _is_strip(look, limits)
    ]
    if bare:
        found.append(Finding("featureless", tuple(bare)))
    return [*found, *_strips(photos), *_small(photos)]


def standing_of(photos: PhotoSet, name: str, linked: Mapping[Edge, PairFacts]) -> Standing:
    """Compared with the photos that it overlaps; with those that look alike where these are few.

    One that looks like no other is judged by its brightness alone, which may be why.
    """
    others = [other for other in photos.names if other != name]
    siblings = [b if a == name else a for a, b in linked if name in (a, b)]
    if len(siblings) < 2:
        siblings = [other for other in others if photos.alike(other, name)]
    own = photos.looks[name]
    details = np.array([photos.looks[sibling].detail for sibling in siblings])
    light = [photos.looks[other].brightness for other in siblings or others]
    return Standing(
        sharpness=_softer(name, own.detail, details, linked),
        exposure=_from_the_middle(own.brightness.level, [b.level for b in light]),
        whiter=_from_the_middle(own.brightness.white, [b.white for b in light]),
    )


def _softer(name: str, own: Array, siblings: Array, linked: Mapping[Edge, PairFacts]) -> float:
    """How far the photo's detail lies below its siblings', log2.

    A photo of smooth things has less fine detail as a whole without being blurred, and as much
    where it shows what its siblings show. A heavily blurred one keeps few common points, which are
    its best. So where the common points say less, the middle between the two counts.
    """
    whole = sharpness.below(own, siblings)
    changes = [
        np.array(facts.detail_change) * (1 if name == b else -1)
        for (a, b), facts in linked.items()
        if name in (a, b) and facts.detail_change and facts.inliers >= COMPARED_AT_LEAST
    ]
    if len(changes) < 2:
        return whole
    common = float(np.median(changes, axis=0).min())
    return (whole + common) / 2 if common > whole else whole


def _from_the_middle(own: float, others: list[float]) -> float:
    """How far `own` is from the middle one of `others`; the nearer where two are in the middle."""
    if not others:
        return 0.0
    ordered = sorted(others)
    middle = (ordered[(len(ordered) - 1) // 2], ordered[len(ordered) // 2])
    return min((own - value for value in middle), key=abs)


def _strips(photos: PhotoSet) -> list[Finding]:
    return [
        Finding("strip", (name,), {"width": look.width, "height": look.height})
        for name, look in photos.looks.items()
        if _is_strip(look, photos.limits)
    ]


def _is_strip(look: PhotoLook, limits: CheckLimits) -> bool:
    return max(look.width, look.height) > limits.strip * min(look.width, look.height)


def _small(photos: PhotoSet) -> list[Finding]:
    limits = photos.limits
    small = {
        name: (look.width, look.height)
        for name, look in photos.looks.items()
        if not _is_strip(look, limits)
        and (
            max(look.width, look.height) < limits.small_longest
            or min(look.width, look.height) < limits.small_shortest
        )
    }
    if not small:
        return []
    width, height = min(small.values(), key=lambda size: size[0] * size[1])
    return [Finding("small", tuple(small), {"width": width, "height": height})]


def _brightness_code(look: PhotoLook, standing: Standing, limits: CheckLimits) -> str | None:
    light = look.brightness
    if standing.exposure <= limits.darker or light.highlights <= limits.dark_highlights:
        return "too_dark"
    clipped = standing.whiter >= limits.whiter or light.white >= limits.white
    if standing.exposure >= limits.brighter or clipped:
        return "too_bright"
    return None
