"""How large something is, as a person would say it.

static/js/upload/upload-checks.js does the same.
"""

from __future__ import annotations

import math

KB, MB, GB = 2**10, 2**20, 2**30


def size_in_words(size: float) -> str:
    """`size` in bytes: "98 kB", "4.2 MB", "500 MB", "20 GB"."""
    if size < 0.1 * MB:
        return f"{math.ceil(size / KB)} kB"
    # What would round to 1024 MB is a gigabyte.
    unit, name = (MB, "MB") if size < GB - MB / 2 else (GB, "GB")
    value = size / unit
    number = f"{value:.1f}".removesuffix(".0") if value < 10 else f"{value:.0f}"
    return f"{number} {name}"


def sizes_in_words(facts: dict[str, object]) -> dict[str, str]:
    """For each fact in megabytes, such as `limit_mb`, what a text says: `limit`."""
    return {
        name.removesuffix("_mb"): size_in_words(value * MB)
        for name, value in facts.items()
        if name.endswith("_mb") and isinstance(value, int | float)
    }
