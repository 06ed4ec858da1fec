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


def folds(names: Iterable[str], *, every: int) -> list[list[str]]:
    """The test sets of a cross-validation: every name is in just one, sorted within.

    Fold f has the sorted names at index % `every` == f; with fewer names each is left out alone.
    The test set of `split` is one of them.
    """
    ordered = sorted(names)
    count = every if len(ordered) >= every else len(ordered)
    return [ordered[first::count] for first in range(count)]
