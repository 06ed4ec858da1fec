"""What the photo check has to say: from looks and pairs to findings.

A finding is a code, the photos that it is about (in the person's order) and facts for its
sentence. Every one is advice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from recon.poses import colours, connections, sharpness
from recon.poses.connections import Edge
from recon.poses.photo_check import CheckLimits, PhotoLook
from recon.poses.quick_pairs import PairFacts
from recon.poses.turning import is_turn


@dataclass(frozen=True)
class Finding:
    code: str
    photos: tuple[str, ...]
    facts: dict[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        return {**asdict(self), "photos": list(self.photos)}


@dataclass(frozen=True)
class Standing:
    """How one photo stands among its siblings."""

    sharpness: float  # log2 of its fine detail against theirs
    exposure: float  # EV against theirs
    whiter: float  # share of its pixels without detail in white, against theirs


@dataclass(frozen=True)
class Verdict:
    """All that the check found out about a set."""

    standings: dict[str, Standing]
    linked: dict[Edge, PairFacts]  # the pairs that show something in common
    groups: list[list[str]]
    findings: list[Finding]


@dataclass(frozen=True)
class PhotoSet:
    """The looks by photo name, in the person's order, and the facts of every pair (a before b)."""

    looks: Mapping[str, PhotoLook]
    pairs: Mapping[Edge, PairFacts]
    limits: CheckLimits

    @property
    def names(self) -> list[str]:
        return list(self.looks)

    def linked(self) -> dict[Edge, PairFacts]:
        limit = self.limits.linked
        return {edge: facts for edge, facts in self.pairs.items() if facts.log_chance <= limit}

    def alike(self, a: str, b: str) -> bool:
        """Whether two photos could be of one place, by their colours."""
        apart = colours.distance(self.looks[a].colours, self.looks[b].colours)
        return apart <= self.limits.unlike


def judge(photos: PhotoSet) -> Verdict:
    """Looks at the set as a whole."""
    linked = photos.linked()
    groups = connections.groups(photos.names, linked)
    standings = {name: _standing(photos, name, linked) for name in photos.names}
    single = [*_of_single_photos(photos, standings), *_duplicates(photos, linked)]
    unfit = {n for f in single if f.code in ("blurred", "featureless") for n in f.photos}
    whole = _of_the_set(photos, linked, groups, unfit)
    return Verdict(standings, linked, groups, [*single, *whole])


def _standing(photos: PhotoSet, name: str, linked: Mapping[Edge, PairFacts]) -> Standing:
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
        sharpness=sharpness.below(own.detail, details),
        exposure=_from_the_middle(own.brightness.level, [b.level for b in light]),
        whiter=_from_the_middle(own.brightness.white, [b.white for b in light]),
    )


def _from_the_middle(own: float, others: list[float]) -> float:
    """How far `own` is from the middle one of `others`; the nearer where two are in the middle."""
    if not others:
        return 0.0
    ordered = sorted(others)
    middle = (ordered[(len(ordered) - 1) // 2], ordered[len(ordered) // 2])
    return min((own - value for value in middle), key=abs)


def _of_single_photos(photos: PhotoSet, standings: Mapping[str, Standing]) -> list[Finding]:
    found, limits = [], photos.limits
    small = []
    for name, look in photos.looks.items():
        standing = standings[name]
        if standing.sharpness <= limits.blurred:
            less = round(100 * (1 - 2**standing.sharpness))
            found.append(Finding("blurred", (name,), {"percent": less}))
        elif len(look.features.points) < limits.few_features:
            found.append(Finding("featureless", (name,)))
        code = _brightness_code(look, standing, limits)
        if code:
            found.append(Finding(code, (name,)))
        longest, shortest = max(look.width, look.height), min(look.width, look.height)
        if longest < limits.small_longest or shortest < limits.small_shortest:
            small.append(name)
    if small:
        sizes = [photos.looks[name] for name in small]
        width, height = min(((s.width, s.height) for s in sizes), key=lambda s: s[0] * s[1])
        found.append(Finding("small", tuple(small), {"width": width, "height": height}))
    return found


def _brightness_code(look: PhotoLook, standing: Standing, limits: CheckLimits) -> str | None:
    light = look.brightness
    if standing.exposure <= limits.darker or light.highlights <= limits.dark_highlights:
        return "too_dark"
    clipped = standing.whiter >= limits.whiter or light.white >= limits.white
    if standing.exposure >= limits.brighter or clipped:
        return "too_bright"
    return None


def _duplicates(photos: PhotoSet, linked: Mapping[Edge, PairFacts]) -> list[Finding]:
    limits = photos.limits
    same = [
        edge
        for edge, facts in linked.items()
        if facts.inliers >= limits.duplicate_inliers
        and facts.flat >= limits.duplicate_flat
        and facts.overlap >= limits.duplicate_overlap
    ]
    return [
        Finding("near_duplicates", tuple(group))
        for group in connections.groups(photos.names, same)
        if len(group) > 1
    ]


def _of_the_set(
    photos: PhotoSet, linked: Mapping[Edge, PairFacts], groups: list[list[str]], unfit: set[str]
) -> list[Finding]:
    """What the pair graph says. Photos in `unfit` have had their word: they can't be matched."""
    fit = [n for n in photos.names if n not in unfit]
    parts = [[n for n in group if n in fit] for group in groups]
    parts = sorted((part for part in parts if part), key=len, reverse=True)
    if is_turn(photos.looks, linked, photos.limits):
        return [Finding("turned_on_the_spot", tuple(photos.names))]
    if len(fit) < 3:
        return []
    if len(parts) > 1:
        return _of_parts(photos, parts, linked)
    return _thin_links(photos, linked)


def _of_parts(
    photos: PhotoSet, parts: list[list[str]], linked: Mapping[Edge, PairFacts]
) -> list[Finding]:
    """Parts that really are of other places, and parts for which the quick look is too weak."""
    main, rest = parts[0], parts[1:]
    if len(main) == 1:
        return [Finding("few_common_points", tuple(n for part in parts for n in part))]
    foreign = [part for part in rest if _is_foreign(photos, part, parts, linked)]
    weak = [part for part in rest if part not in foreign]
    found = [
        Finding("stranger", (part[0],), {"near": nearest_before(photos.names, part[0], main)})
        for part in foreign
        if len(part) == 1
    ]
    several = [part for part in foreign if len(part) > 1]
    if several:
        shown = [main, *several]
        every = tuple(name for part in shown for name in part)
        found.append(Finding("split", every, {"groups": shown}))
    if weak:
        lone = tuple(name for part in weak for name in part)
        found.append(Finding("few_common_points", lone, {"groups": [main, *weak]}))
    return found


def _is_foreign(
    photos: PhotoSet, part: list[str], parts: list[list[str]], linked: Mapping[Edge, PairFacts]
) -> bool:
    """Whether `part` is of another place, or the quick look is too weak to say.

    It is where it looks like none of the other photos, or where the others were matched beyond
    doubt and many times over, so that this part would have been too.
    """
    others = [name for other in parts if other is not part for name in other]
    if not any(photos.alike(a, b) for a in part for b in others):
        return True
    large = [other for other in parts if other is part or len(other) > 1]
    return all(_holds_well(p, linked, photos.limits) for p in large if len(p) > 1) and not any(
        len(other) == 1 for other in parts if other is not part
    )


def _holds_well(part: list[str], linked: Mapping[Edge, PairFacts], limits: CheckLimits) -> bool:
    """Whether every photo of `part` is linked beyond doubt, and with many of the others."""
    inside = {e: -f.log_chance for e, f in linked.items() if e[0] in part and e[1] in part}
    weakest = min((inside[edge] for edge in connections.backbone(part, inside)), default=0.0)
    possible = len(part) * (len(part) - 1) / 2
    return weakest >= -limits.strong and len(inside) >= limits.dense * possible


def nearest_before(order: Sequence[str], name: str, main: Sequence[str]) -> str:
    """The photo of `main` that comes before `name` in `order`, or after where none does."""
    places = {other: place for place, other in enumerate(order)}
    before = [other for other in main if places[other] < places[name]]
    return max(before, key=places.__getitem__) if before else min(main, key=places.__getitem__)


def _thin_links(photos: PhotoSet, linked: Mapping[Edge, PairFacts]) -> list[Finding]:
    """The places where a set hangs by a thread."""
    strengths = {edge: float(facts.inliers) for edge, facts in linked.items()}
    thin = [
        edge
        for edge in connections.backbone(photos.names, strengths)
        if strengths[edge] < photos.limits.thin_inliers
    ]
    thin.sort(key=lambda edge: strengths[edge])
    return [
        Finding("thin_link", edge, {"points": int(strengths[edge])})
        for edge in sorted(thin[: photos.limits.most_thin])
    ]
