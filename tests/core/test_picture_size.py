"""The size of a picture whose longest side is limited."""

from __future__ import annotations

import pytest

from recon.picture_size import fitted_size

Size = tuple[int, int]


@pytest.mark.parametrize(
    ("size", "longest", "expected"),
    [
        ((4000, 3000), 1600, (1600, 1200)),
        ((4000, 3000), 400, (400, 300)),
        ((3000, 4000), 400, (300, 400)),
        ((9000, 3), 300, (300, 1)),
    ],
)
def test_sizes_shrink_to_the_longest_side(size: Size, longest: int, expected: Size) -> None:
    assert fitted_size(*size, longest) == expected


@pytest.mark.parametrize("longest", [60, 400, None])
def test_photos_are_never_enlarged(longest: int | None) -> None:
    assert fitted_size(60, 40, longest) == (60, 40)


def test_a_side_keeps_as_many_pixels_as_are_needed() -> None:
    assert fitted_size(9000, 300, 96, at_least=8) == (96, 8)
