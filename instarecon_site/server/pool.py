"""The threads that serve requests, and in which order.

Addresses take turns, so that one that requests a lot only waits for itself. `/healthz` has a thread
of its own: it is answered while all the others work, and says so when none of them makes progress.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from typing import TYPE_CHECKING

from waitress.task import ThreadedTaskDispatcher

if TYPE_CHECKING:
    from instarecon_site.server.channel import Channel

HEALTH = "/healthz"


class TurnsQueue:
    """A queue with one line for each address; whoever is taken from goes to the back.

    Every call is made under the lock of the pool that owns it.
    """

    def __init__(self) -> None:
        self._lines: dict[str, deque[Channel]] = {}  # in the order of their turns
        self._length = 0
        #: When somebody was taken, or came to an empty queue.
        self.moved_at = time.monotonic()

    def __len__(self) -> int:
        return self._length

    def append(self, channel: Channel) -> None:
        if not self._length:
            self.moved_at = time.monotonic()
        self._lines.setdefault(channel.client, deque()).append(channel)
        self._length += 1

    def popleft(self) -> Channel:
        client, line = next(iter(self._lines.items()))
        del self._lines[client]
        channel = line.popleft()
        if line:
            self._lines[client] = line  # to the back
        self._length -= 1
        self.moved_at = time.monotonic()
        return channel


class Pool(ThreadedTaskDispatcher):
    """Waitress's threads, with the queue above and a thread beside them."""

    #: Waitress would log each time that somebody waits.
    queue_logger = logging.Logger("waitress.queue", level=logging.ERROR)

    def __init__(self, threads: int, *, stuck_s: float) -> None:
        super().__init__()
        self.queue = TurnsQueue()
        self.stuck_s = stuck_s
        self._beside = ThreadedTaskDispatcher()
        self._beside.queue_logger = self.queue_logger
        self.set_thread_count(threads)
        self._beside.set_thread_count(1)

    def add_task(self, channel: Channel) -> None:
        if getattr(channel.requests[0], "path", "") == HEALTH:  # what is no HTTP has none
            self._beside.add_task(channel)
        else:
            super().add_task(channel)

    def is_stuck(self) -> bool:
        """Whether somebody has waited for `stuck_s` seconds without a thread becoming free."""
        with self.lock:
            return bool(self.queue) and time.monotonic() - self.queue.moved_at > self.stuck_s

    def shutdown(self, cancel_pending: bool = True, timeout: float = 5) -> bool:
        self._beside.shutdown(cancel_pending, timeout=timeout)
        return bool(super().shutdown(cancel_pending, timeout))
