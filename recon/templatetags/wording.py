"""Numbers as people say them, for the templates."""

from __future__ import annotations

import json
import math
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
def time_range(eta: tuple[float, float] | None) -> str:
    """A (low, high) range of seconds, rounded the way that one would say it."""
    if eta is None:
        return "–"
    low, high = eta
    if high < 60:
        return "under a minute"
    low_minutes, high_minutes = max(int(low // 60), 1), max(round(high / 60), 1)
    if low_minutes >= high_minutes:
        return f"about {high_minutes} min"
    return f"{low_minutes} to {high_minutes} min"


@register.filter
def megabytes(size: int) -> str:
    """`size` in bytes, as static/js/upload-checks.js says it before a photo is sent."""
    value = size / 2**20
    if value < 0.1:
        return f"{math.ceil(size / 1024)} kB"
    return f"{value:.1f} MB" if value < 10 else f"{value:.0f} MB"


@register.filter
def as_json(value: Any) -> str:
    """`value` as JSON for a data attribute; the template escapes its quotes."""
    return json.dumps(value)
