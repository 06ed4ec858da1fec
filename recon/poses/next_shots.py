"""What to photograph next, from the real matching: where the photos do not hang together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from recon.poses import connections
from recon.poses.findings import Finding
from recon.poses.set_findings import nearest_before

#: Verified matches; fewer are a link that mapping may not get across.
THIN_INLIERS = 30

#: Thin links named at most.
MOST_THIN = 3


def advise(names: Sequence[str], pairs: Sequence[Mapping[str, Any]]) -> list[Finding]:
    """Findings as the photo check's, from verified `pairs` ({"a", "b", "inliers"})."""
    strengths = {(pair["a"], pair["b"]): float(pair["inliers"]) for pair in pairs}
    groups = connections.groups(names, strengths)
    main, rest = groups[0], groups[1:]
    if len(main) == 1:
        return [Finding("nothing_in_common", tuple(names))] if len(names) > 1 else []
    found = [
        Finding("stranger", (group[0],), {"near": nearest_before(names, group[0], main)})
        for group in rest
        if len(group) == 1
    ]
    several = [group for group in rest if len(group) > 1]
    if several:
        shown = [main, *several]
        every = tuple(name for group in shown for name in group)
        found.append(Finding("split", every, {"groups": shown}))
    backbone = connections.backbone(names, strengths)
    thin = sorted((e for e in backbone if strengths[e] < THIN_INLIERS), key=lambda e: strengths[e])
    found += [
        Finding(
            "thin_link", tuple(sorted(edge, key=list(names).index)), {"points": strengths[edge]}
        )
        for edge in thin[:MOST_THIN]
    ]
    return found
