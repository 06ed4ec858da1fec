"""How many photos make a scene."""

from __future__ import annotations

import pytest

from recon.pipeline.errors import UserError
from recon.pipeline.photos.photo_count import check_count


@pytest.mark.parametrize("count", [3, 20])
def test_as_many_as_the_limits_say_are_enough_and_not_too_many(count: int) -> None:
    check_count(count, 3, 20)


@pytest.mark.parametrize(("count", "code"), [(2, "too_few_photos"), (21, "too_many_photos")])
def test_fewer_and_more_are_refused_with_the_limits(count: int, code: str) -> None:
    with pytest.raises(UserError) as caught:
        check_count(count, 3, 20)
    assert caught.value.code == code
    assert caught.value.facts == {"count": count, "minimum": 3, "maximum": 20}
