"""Which photos are held out of training, to be measured on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

#: Photos taken from nearly one spot, see `viewpoints`: they are held out or trained on together.
Together = Sequence[Sequence[str]]


def split(
    names: Iterable[str], *, every: int, offset: int, offset_few: int, together: Together = ()
) -> tuple[list[str], list[str]]:
    """(train, test) names, both sorted: index % `every` == `offset` of the sorted names is test.

    With fewer than `every` names the one at index `offset_few` is, so that there is always one.
    Names that are `together` count as one, at the place of the first of them. Those that are more
    than half of all are trained on, so that there is something to measure.
    """
    units = _units(names, together)
    total = sum(map(len, units))
    few = len(units) < every
    chosen = units[offset_few : offset_few + 1] if few else units[offset::every]
    small = [unit for unit in chosen if 2 * len(unit) <= total]
    if chosen and not small:
        small = [min(units, key=len)]
    held_out = {name for unit in small for name in unit}
    ordered = sorted(name for unit in units for name in unit)
    return (
        [name for name in ordered if name not in held_out],
        [name for name in ordered if name in held_out],
    )


def folds(names: Iterable[str], *, every: int, together: Together = ()) -> list[list[str]]:
    """The test sets of a cross-validation: every name is in just one, sorted within.

    Fold f has the sorted names at index % `every` == f; with fewer names each is left out alone.
    Names that are `together` count as one. The test set of `split` is one of them, unless that
    would leave less than half of the names to train on.
    """
    units = _units(names, together)
    count = every if len(units) >= every else len(units)
    return [sorted(name for unit in units[first::count] for name in unit) for first in range(count)]


def _units(names: Iterable[str], together: Together) -> list[list[str]]:
    """What is held out as a whole: groups of names, and each other name alone, by first names.

    Where all names are one group, nothing could be measured otherwise: each is alone.
    """
    ordered = sorted(names)
    group_of = {name: number for number, group in enumerate(together) for name in group}
    units: dict[int | str, list[str]] = {}
    for name in ordered:
        units.setdefault(group_of.get(name, name), []).append(name)
    return list(units.values()) if len(units) > 1 else [[name] for name in ordered]
