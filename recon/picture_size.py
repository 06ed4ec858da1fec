"""The size that a picture is shown, drawn or measured at."""

from __future__ import annotations


def fitted_size(
    width: int, height: int, longest: int | None, *, at_least: int = 1
) -> tuple[int, int]:
    """`width` x `height` px shrunk, never enlarged, so that the longest side is at most `longest`
    px and the other has its share, but no fewer than `at_least` px. None is no limit."""
    factor = 1.0 if longest is None else min(1.0, longest / max(width, height))
    return max(at_least, round(width * factor)), max(at_least, round(height * factor))
