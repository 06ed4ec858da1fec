"""What was read from a file is remembered for as long as the file stays the same, in each
process."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from functools import lru_cache, wraps
from pathlib import Path
from typing import TypeVar

Key = TypeVar("Key", bound=Hashable)
T = TypeVar("T")


def remember(
    most: int, file_of: Callable[[Key], Path]
) -> Callable[[Callable[[Key], T]], Callable[[Key], T]]:
    """For a function that reads the one file `file_of(key)`: it is asked once for each state of the
    file, and the last `most` answers are kept. They are shared, so nobody may change one. What it
    raises is not kept; a missing file raises FileNotFoundError."""

    def decorate(read: Callable[[Key], T]) -> Callable[[Key], T]:
        @lru_cache(maxsize=most)
        def remembered(key: Key, *_: int) -> T:
            return read(key)

        @wraps(read)
        def asked(key: Key) -> T:
            now = file_of(key).stat()
            return remembered(key, now.st_ino, now.st_mtime_ns, now.st_size)

        return asked

    return decorate
