"""What is asked by many pages at once, and read for the first of them."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Lock
from typing import Generic, TypeVar

T = TypeVar("T")

#: Off where rows change and the next look must see it: in most tests.
IS_ON = True


class Remembered(Generic[T]):
    """The answer of `read`, for so many seconds.

    While one thread reads it anew the others go on with the old one. Only where there is none do
    they wait, so a hundred pages that are opened at once cost one reading.
    """

    def __init__(self, read: Callable[[], T], seconds: float) -> None:
        self._read, self._seconds = read, seconds
        self._reading = Lock()
        self._held: tuple[float, T] | None = None  # since when, monotonic seconds

    def __call__(self) -> T:
        if not IS_ON:
            return self._read()
        held = self._held
        if held is not None and not self._is_old(held):
            return held[1]
        if held is not None and self._reading.locked():
            return held[1]
        with self._reading:
            held = self._held
            if held is None or self._is_old(held):
                held = self._held = (time.monotonic(), self._read())
            return held[1]

    def forget(self) -> None:
        """For whoever knows that something has changed."""
        self._held = None

    def _is_old(self, held: tuple[float, T]) -> bool:
        return time.monotonic() - held[0] > self._seconds
