"""How many may decode at a time on this machine, however many processes ask.

A slot is an `flock` on a file: the kernel releases it when its holder dies, however it dies. It
holds for all processes that share the folder, including containers on one machine.
"""

from __future__ import annotations

import fcntl
import os
import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_RETRY_S = 0.02


class NoSlot(Exception):
    """None came free in time, or too many wait already."""


class Slots:
    """`count` slots, in this process and, with a `folder`, among all that share it.

    At most `threads` of this process hold one or wait for one: the others serve the pages.
    """

    def __init__(self, count: int, folder: Path | None = None, *, threads: int = 1000) -> None:
        self._here = threading.BoundedSemaphore(count)
        self._places = threading.BoundedSemaphore(threads)
        self._files = [folder / f"slot-{number}" for number in range(count)] if folder else []
        self._looking = threading.Lock()  # one thread looks for all that wait

    @contextmanager
    def hold(self, patience_s: float | None) -> Iterator[None]:
        """Raises NoSlot after `patience_s` seconds (None: waits as long as it takes)."""
        end = None if patience_s is None else time.monotonic() + patience_s
        if not self._places.acquire(blocking=patience_s is None):
            raise NoSlot
        try:
            if not self._here.acquire(timeout=_seconds_until(end)):
                raise NoSlot
            try:
                descriptor = self._lock_one(end)
                try:
                    yield
                finally:
                    if descriptor is not None:
                        os.close(descriptor)
            finally:
                self._here.release()
        finally:
            self._places.release()

    def _lock_one(self, end: float | None) -> int | None:
        if not self._files:
            return None
        if not self._looking.acquire(timeout=_seconds_until(end)):
            raise NoSlot
        try:
            self._files[0].parent.mkdir(parents=True, exist_ok=True)
            while True:
                for path in random.sample(self._files, len(self._files)):
                    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
                    try:
                        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                        return descriptor
                    except BlockingIOError:
                        os.close(descriptor)
                if end is not None and time.monotonic() >= end:
                    raise NoSlot
                time.sleep(_RETRY_S)
        finally:
            self._looking.release()


def _seconds_until(end: float | None) -> float:
    """Seconds until `end`, as `acquire` takes them: -1 is for ever."""
    return -1.0 if end is None else max(0.0, end - time.monotonic())
