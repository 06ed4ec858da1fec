"""Numbers as people say them, for the templates."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Protocol, TypeVar

from django import template
from django.utils.translation import gettext

from recon.pipeline.words import progress_texts, sizes

register = template.Library()


class _HasPictures(Protocol):
    urls: Mapping[str, str]


_Shown = TypeVar("_Shown", bound=_HasPictures)


@register.filter
def duration(seconds: float | None) -> str:
    """`seconds` in the two largest units that matter: "8 s", "2 min 05 s", "1 h 12 min"."""
    if seconds is None:
        return "–"
    whole = max(round(seconds), 0)
    if whole < 60:
        return gettext("{seconds} s").format(seconds=whole)
    if whole < 3600:
        minutes, rest = divmod(whole, 60)
        return gettext("{minutes} min {seconds} s").format(minutes=minutes, seconds=f"{rest:02}")
    hours, rest = divmod(whole // 60, 60)
    return gettext("{hours} h {minutes} min").format(hours=hours, minutes=f"{rest:02}")


@register.filter
def time_range(seconds: tuple[float, float] | None) -> str:
    """A (low, high) range of seconds, rounded the way that one would say it.

    Rounding leaves a range that was narrow enough no wider than `WIDEST` times.
    """
    if seconds is None:
        return "–"
    low, high, unit = shown_range(*seconds)
    if unit == "s" and high <= 10:
        return gettext("a few seconds")
    if low == high:
        return gettext("about {time}").format(time=_time(low, unit))
    if unit == "min" and high >= 60:
        return gettext("{low} to {high}").format(low=_hours(low), high=_hours(high))
    text = gettext("{low} to {high} s") if unit == "s" else gettext("{low} to {high} min")
    return text.format(low=_with_half(low), high=_with_half(high))


@register.filter
def about(seconds: float) -> str:
    """One expected time: "a moment", "about 40 s", "about 3 min"."""
    if seconds < 2.5:
        return gettext("a moment")
    _, high, unit = shown_range(seconds, seconds)
    return gettext("about {time}").format(time=_time(high, unit))


#: How many times the low end the high end of a range may be, if it was no more before rounding.
WIDEST = 1.6


def shown_range(low: float, high: float) -> tuple[float, float, str]:
    """The range as it is shown: its ends in seconds or minutes, and which of the two."""
    unit, size = ("s", 1.0) if high < 180 else ("min", 60.0)
    grid = next(step for limit, step in _GRIDS[unit] if high / size < limit)
    ends = [max(round(end / size / grid), 1) * grid for end in (low, high)]
    if high <= WIDEST * low:
        while ends[1] > WIDEST * ends[0]:
            ends[1] -= grid
    return ends[0], ends[1], unit


#: In which steps ranges are said, up to which high end: seconds, then minutes.
_GRIDS: dict[str, list[tuple[float, float]]] = {
    "s": [(20, 1), (90, 5), (180, 10)],
    "min": [(10, 0.5), (60, 1), (math.inf, 5)],
}


def _time(value: float, unit: str) -> str:
    if unit == "min" and value >= 60:
        return _hours(value)
    text = gettext("{seconds} s") if unit == "s" else gettext("{minutes} min")
    return text.format(seconds=_with_half(value), minutes=_with_half(value))


def _with_half(value: float) -> str:
    whole = int(value)
    half = "½" if value > whole else ""
    return f"{whole or ''}{half}"


def _hours(minutes: float) -> str:
    hours, rest = divmod(round(minutes), 60)
    if not hours:
        return gettext("{minutes} min").format(minutes=rest)
    if not rest:
        return gettext("{hours} h").format(hours=hours)
    return gettext("{hours} h {minutes} min").format(hours=hours, minutes=f"{rest:02}")


@register.filter
def in_words(progress: dict[str, object]) -> str:
    """What a worker is doing, in the reader's language; without its own guess at the time, since
    the page has a better one.
    """
    return progress_texts.sentence(progress, timed=False)


@register.filter
def megabytes(size: int) -> str:
    """`size` in bytes, as static/js/upload/upload-checks.js says it before a photo is sent."""
    return sizes.size_in_words(size)


@register.filter
def of_megabytes(count: int) -> str:
    """A limit that the settings name in megabytes."""
    return sizes.size_in_words(count * sizes.MB)


@register.filter
def thousands(count: int) -> str:
    """A count with its thousands apart: "50,213"."""
    return f"{count:,}"


@register.filter
def with_pictures(held_out: list[_Shown]) -> list[_Shown]:
    """The held-out photos whose pictures are still there."""
    return [one for one in held_out if one.urls]


@register.filter
def as_json(value: object) -> str:
    """`value` as JSON for a data attribute; the template escapes its quotes."""
    return json.dumps(value)
