"""Clients that are slow on purpose, many at a time, all in one thread.

    with Crowd([half_head(port) for _ in range(200)]) as crowd:
        ...  # ask the site something
    crowd.ended  # what became of those that ended earlier

Whatever each is doing ends with the block at the latest. They only connect to 127.0.0.1.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Coroutine, Mapping, Sequence
from typing import Any

HOST = "127.0.0.1"
#: Pieces per second that a slow sender or reader handles.
PIECES = 5

Client = Coroutine[Any, Any, str]


class Crowd:
    """Clients that run while a block does. `ended` has the results of those that finished."""

    def __init__(self, clients: Sequence[Client]) -> None:
        self.clients = clients
        self.ended: list[str] = []
        self._begun, self._over = threading.Event(), asyncio.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()))

    def __enter__(self) -> Crowd:
        self._thread.start()
        self._begun.wait()
        return self

    def __exit__(self, *error: object) -> None:
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join()

    def wait(self, *, at_least_s: float = 0) -> None:
        """Waits until all of them have ended, and for at least `at_least_s`."""
        until = time.monotonic() + at_least_s
        while len(self.ended) < len(self.clients) or time.monotonic() < until:
            time.sleep(0.2)

    async def _run(self) -> None:
        self._loop = asyncio.get_running_loop()
        tasks = [asyncio.create_task(one) for one in self.clients]
        for task in tasks:
            task.add_done_callback(self._note)
        await asyncio.sleep(0.5)  # until they are all connected
        self._begun.set()
        await self._over.wait()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _note(self, task: asyncio.Task[str]) -> None:
        if not task.cancelled():
            error = task.exception()
            self.ended.append(type(error).__name__ if error else task.result())


async def half_head(port: int, *, every_s: float = 2.0) -> str:
    """Sends a request's head a byte at a time, and never its end. Returns how that was ended."""
    reader, writer = await asyncio.open_connection(HOST, port)
    try:
        writer.write(b"GET /jobs/ HTTP/1.1\r\nHost: localhost\r\nX-Slow: ")
        while True:
            try:
                async with asyncio.timeout(every_s):
                    return status_of(await reader.read(1024))
            except TimeoutError:
                writer.write(b"x")
    finally:
        writer.close()


async def slow_upload(
    port: int, path: str, headers: Mapping[str, str], body: bytes, *, rate: float
) -> str:
    """Sends `body` at `rate` bytes per second, as an honest phone would. Returns the status."""
    reader, writer = await asyncio.open_connection(HOST, port)
    try:
        writer.write(head("POST", path, {**headers, "Content-Length": str(len(body))}))
        piece = max(int(rate / PIECES), 1)
        for start in range(0, len(body), piece):
            writer.write(body[start : start + piece])
            await writer.drain()
            await asyncio.sleep(1 / PIECES)
        return status_of(await reader.read(1024))
    finally:
        writer.close()


async def slow_reader(port: int, path: str, headers: Mapping[str, str], *, rate: float) -> str:
    """Requests a file and reads `rate` bytes of it per second. Returns the status at the end."""
    # A small window, so that the kernel does not receive the file for us.
    reader, writer = await asyncio.open_connection(HOST, port, limit=int(rate))
    try:
        writer.write(head("GET", path, headers))
        said = await reader.read(64)
        while await reader.read(max(int(rate / PIECES), 1)):
            await asyncio.sleep(1 / PIECES)
        return status_of(said)
    finally:
        writer.close()


def head(method: str, path: str, headers: Mapping[str, str]) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost", "Connection: close"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def count_ends(ended: Sequence[str]) -> str:
    """`12 × 408; 3 × closed`, or a dash if none has ended yet."""
    found = Counter(ended)
    return "; ".join(f"{count} × {what}" for what, count in sorted(found.items())) or "–"


def status_of(answer: bytes) -> str:
    """`"200"`, or `"closed"` if there was no answer."""
    return answer.split(b" ", 2)[1].decode() if answer.startswith(b"HTTP/") else "closed"
