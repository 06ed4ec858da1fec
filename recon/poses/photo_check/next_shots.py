"""What to photograph next, from the real matching: where the photos are not connected."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import combinations, product

from recon.poses import connections
from recon.poses.connections import Edge
from recon.poses.photo_check.findings import Finding

#: Verified matches; fewer are a link that mapping may not get across.
THIN_INLIERS = 30

#: Thin links named at most.
MOST_THIN = 3


def advise(
    names: Sequence[str],
    strengths: Mapping[Edge, float],
    alike: Callable[[str, str], bool] | None = None,
) -> list[Finding]:
    """Findings as the photo check's, from the `strengths` of pairs: their verified matches.

    `alike` says whether two photos could be of one place by their colours. Groups that share
    nothing may be two sides of one place; where their colours differ, too, they look like two.
    """
    groups = connections.connected_components(names, strengths)
    main, rest = groups[0], groups[1:]
    if len(main) == 1:
        return [Finding("nothing_in_common", tuple(names))] if len(names) > 1 else []
    found = [Finding("stranger", (group[0],)) for group in rest if len(group) == 1]
    several = [group for group in rest if len(group) > 1]
    if several:
        shown = [main, *several]
        every = tuple(name for group in shown for name in group)
        code = "split" if alike and _unlike(shown, alike) else "apart"
        found.append(Finding(code, every, {"groups": shown}))
    tree = connections.spanning_tree(names, strengths)
    thin = sorted((e for e in tree if strengths[e] < THIN_INLIERS), key=lambda e: strengths[e])
    found += [
        Finding(
            "thin_link", tuple(sorted(edge, key=list(names).index)), {"points": strengths[edge]}
        )
        for edge in thin[:MOST_THIN]
    ]
    return found


def _unlike(groups: Sequence[Sequence[str]], alike: Callable[[str, str], bool]) -> bool:
    """Whether no photo of one group could be of another's place."""
    return not any(
        alike(a, b) for one, other in combinations(groups, 2) for a, b in product(one, other)
    )
