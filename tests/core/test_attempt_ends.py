"""When the relaxed mapper's attempts have shown enough."""

from __future__ import annotations

from pathlib import Path

import pytest

from recon.poses.ladder.attempt_ends import AttemptEnd, Start, enough

OWN: Start = None
FIRST: Start = (1, 2)
SECOND: Start = (3, 4)


def end(start: Start, photos: str, fitting: float = 0.9) -> AttemptEnd:
    return AttemptEnd(start, frozenset(photos), fitting)


@pytest.mark.parametrize(
    ("why", "ends", "coming", "total", "expected"),
    [
        ("all photos, nearly all matches", [end(OWN, "abc", 0.96)], OWN, 3, True),
        ("all photos, matches in doubt", [end(OWN, "abc", 0.9)], OWN, 3, False),
        ("matches fit, a photo is left out", [end(OWN, "abc", 0.99)], OWN, 4, False),
        ("its own start again says nothing new", [end(OWN, "abc")] * 3, FIRST, 4, False),
        ("its own start led nowhere", [end(OWN, ""), end(OWN, "ab")], FIRST, 6, True),
        ("its own start led to half", [end(OWN, ""), end(OWN, "abc")], FIRST, 6, False),
        ("two starts, the same end", [end(OWN, "abc"), end(FIRST, "abc")], SECOND, 4, True),
        ("the same photos, other places", [end(OWN, "abc", 0.78), end(FIRST, "abc", 0.87)],
         SECOND, 4, False),
        ("other photos", [end(OWN, "abc"), end(FIRST, "bcd")], SECOND, 5, False),
        ("another has more", [end(OWN, "abcd"), end(FIRST, "abc"), end(SECOND, "abc")],
         FIRST, 5, False),
        ("the second given start agrees with the first",
         [end(OWN, "abc"), end(FIRST, "abcd"), end(SECOND, "abcd")], FIRST, 5, True),
    ],
)  # fmt: skip
def test_attempts_end_by_what_they_led_to(
    why: str, ends: list[AttemptEnd], coming: Start, total: int, expected: bool
) -> None:
    assert enough(ends, coming, total) is expected, why


def test_no_model_is_an_end_too() -> None:
    assert AttemptEnd.of(OWN, [], Path("no.db")) == end(OWN, "", 0.0)
