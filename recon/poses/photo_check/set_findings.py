"""What a photo check's pair graph says about the set as a whole."""

from __future__ import annotations

from collections.abc import Mapping

from recon.poses import connections
from recon.poses.connections import Edge
from recon.poses.photo_check.check_limits import CheckLimits
from recon.poses.photo_check.findings import Finding, PhotoSet
from recon.poses.photo_check.pure_rotation import is_turn
from recon.poses.photo_check.quick_pairs import PairFacts


def find_in_set(
    photos: PhotoSet, linked: Mapping[Edge, PairFacts], groups: list[list[str]], unfit: set[str]
) -> list[Finding]:
    """What the pair graph says. Photos in `unfit` have their own finding: they can't be matched."""
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
    found = [Finding("stranger", (part[0],)) for part in foreign if len(part) == 1]
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
    weakest = min((inside[edge] for edge in connections.spanning_tree(part, inside)), default=0.0)
    possible = len(part) * (len(part) - 1) / 2
    return weakest >= -limits.strong and len(inside) >= limits.dense * possible


def _thin_links(photos: PhotoSet, linked: Mapping[Edge, PairFacts]) -> list[Finding]:
    """The weak links of a set."""
    strengths = {edge: float(facts.inliers) for edge, facts in linked.items()}
    thin = [
        edge
        for edge in connections.spanning_tree(photos.names, strengths)
        if strengths[edge] < photos.limits.thin_inliers
    ]
    thin.sort(key=lambda edge: strengths[edge])
    return [
        Finding("thin_link", edge, {"points": int(strengths[edge])})
        for edge in sorted(thin[: photos.limits.most_thin])
    ]
