"""What a PLY's header says, read without its values and without torch."""

from __future__ import annotations

import re
from pathlib import Path

_LONGEST = 4096  # bytes: ours have some 60 short lines
_COUNT = re.compile(rb"^element vertex (\d+)\r?$", re.MULTILINE)


def count_gaussians(path: Path) -> int | None:
    """How many the header promises; None for anything but a PLY. Raises FileNotFoundError."""
    with path.open("rb") as file:
        head = file.read(_LONGEST)
    match = _COUNT.search(head) if head.startswith(b"ply") else None
    return int(match[1]) if match else None
