"""Which photos are held out of training, to be measured on."""

from __future__ import annotations

from collections.abc import Iterable


def split(
    names: Iterable[str], *, every: int, offset: int, offset_few: int
) -> tuple[list[str], list[str]]:
    """(train, test) names, both sorted: index % `every` == `offset` of the sorted names is test.

    With fewer than `every` names the one at index `offset_few` is, so that there is always one.
    """
    ordered = sorted(names)
    few = len(ordered) < every
    test = ordered[offset_few : offset_few + 1] if few else ordered[offset::every]
    held_out = set(test)
    return [name for name in ordered if name not in held_out], test
