"""What people are told about photos that the real matching leaves unconnected."""

from __future__ import annotations

from recon.pipeline.photo_check.check_texts import explain_finding
from recon.poses.photo_check.findings import Finding
from recon.poses.photo_check.next_shots import advise

NAMES = [f"{n}.jpg" for n in range(1, 8)]
#: Photos 1 to 4 are connected, so are 5 and 6, and 7 is alone.
PAIRS = {(f"{a}.jpg", f"{b}.jpg"): 200.0 for a, b in ((1, 2), (2, 3), (3, 4), (5, 6))}


def said(found: list[Finding]) -> dict[str, str]:
    numbers = {name: n for n, name in enumerate(NAMES, start=1)}
    explained = [explain_finding(finding, numbers) for finding in found]
    return {one.code: one.sentence for one in explained}


def test_groups_that_look_unlike_are_two_places_with_nothing_between_them() -> None:
    told = said(advise(NAMES, PAIRS, lambda a, b: False))
    assert told["split"] == (
        "These look like 2 places: photos 1 to 4 and photos 5 and 6. One scene shows one place: "
        "make a scene of each."
    )
    assert "between" not in " ".join(told.values())


def test_groups_that_look_alike_may_be_two_sides_of_one_place() -> None:
    for alike in (None, lambda a, b: {a, b} == {"4.jpg", "5.jpg"}):
        told = said(advise(NAMES, PAIRS, alike))
        assert "2 groups that have nothing in common" in told["apart"]
        assert "If they show one, photos that overlap" in told["apart"]
        assert "split" not in told
