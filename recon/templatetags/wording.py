"""Numbers as people say them, for the templates."""

from __future__ import annotations

import json
import math
import re
from typing import Any

from django import template

register = template.Library()


@register.filter
def duration(seconds: float | None) -> str:
    """`seconds` in the two largest units that matter: "8 s", "2 min 05 s", "1 h 12 min"."""
    if seconds is None:
        return "–"
    whole = max(round(seconds), 0)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02} min"


@register.filter
def time_range(seconds: tuple[float, float] | None) -> str:
    """A (low, high) range of seconds, rounded the way that one would say it.

    Rounding leaves a range that was narrow enough no wider than `WIDEST` times.
    """
    if seconds is None:
        return "–"
    low, high, unit = shown_range(*seconds)
    if unit == "s" and high <= 10:
        return "a few seconds"
    if unit == "min" and high >= 60:
        return f"{_hours(low)} to {_hours(high)}" if low < high else f"about {_hours(low)}"
    said = f"{_halves(low)} to {_halves(high)}" if low < high else f"about {_halves(low)}"
    return f"{said} {unit}"


@register.filter
def about(seconds: float) -> str:
    """One expected time: "a moment", "about 40 s", "about 3 min"."""
    if seconds < 2.5:
        return "a moment"
    _, high, unit = shown_range(seconds, seconds)
    return f"about {_hours(high) if unit == 'min' and high >= 60 else f'{_halves(high)} {unit}'}"


#: How many times the low end the high end of a range may be, where it was so before rounding.
WIDEST = 1.6


def shown_range(low: float, high: float) -> tuple[float, float, str]:
    """The range as it is said: its ends in seconds or minutes, and which of the two."""
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


def _halves(value: float) -> str:
    whole = int(value)
    half = "½" if value > whole else ""
    return f"{whole or ''}{half}"


def _hours(minutes: float) -> str:
    hours, rest = divmod(round(minutes), 60)
    if not hours:
        return f"{rest} min"
    return f"{hours} h {rest:02} min" if rest else f"{hours} h"


@register.filter
def without_time_left(message: str) -> str:
    """A step's message without its own guess at the time, where the page tells a better one."""
    return re.sub(r", \d+ s left$", "", message)


@register.filter
def megabytes(size: int) -> str:
    """`size` in bytes, as static/js/upload-checks.js says it before a photo is sent."""
    value = size / 2**20
    if value < 0.1:
        return f"{math.ceil(size / 1024)} kB"
    return f"{value:.1f} MB" if value < 10 else f"{value:.0f} MB"


@register.filter
def thousands(count: int) -> str:
    """A count with its thousands apart: "50,213"."""
    return f"{count:,}"


@register.filter
def with_pictures(held_out: list[Any]) -> list[Any]:
    """Of held-out photos those whose pictures are still there."""
    return [one for one in held_out if one.urls]


@register.filter
def as_json(value: Any) -> str:
    """`value` as JSON for a data attribute; the template escapes its quotes."""
    return json.dumps(value)
