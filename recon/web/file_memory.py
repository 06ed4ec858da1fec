"""What was read of a file is remembered as long as the file is the same, in each process."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, wraps
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")


def remember(most: int) -> Callable[[Callable[[Path], T]], Callable[[Path], T]]:
    """For a function of one file: it is asked once for each state of the file, and the last `most`
    answers are kept. They are shared, so nobody changes one. What it raises is not kept."""

    def decorate(read: Callable[[Path], T]) -> Callable[[Path], T]:
        @lru_cache(maxsize=most)
        def remembered(path: Path, *_: int) -> T:
            return read(path)

        @wraps(read)
        def asked(path: Path) -> T:
            now = path.stat()
            return remembered(path, now.st_ino, now.st_mtime_ns, now.st_size)

        return asked

    return decorate
