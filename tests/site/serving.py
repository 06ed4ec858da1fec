"""The web server with a real socket, and what a client sends it."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from waitress import wasyncore

from instarecon_site.server import worker
from instarecon_site.server.limits import MB, Limits
from instarecon_site.server.pool import Pool
from instarecon_site.server.server import Server
from tests.waiting import wait_until

GENEROUS = Limits(connections_of_one=50, body_bytes=8 * MB, read_to_the_end=16 * MB)
HALF = b"GET /half HTTP/1.1\r\nHost: x\r\nX-More: "


class Running:
    """A server whose loop runs in a thread. What it is told to do happens between two turns."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.port = int(server.effective_port)
        self.over = False
        self._todo: list[Callable[[], None]] = []
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self) -> None:
        while not self.over:
            wasyncore.loop(timeout=0.05, use_poll=True, map=self.server._map, count=1)
            while self._todo:
                self._todo.pop(0)()

    def between_turns(self, do: Callable[[], None]) -> None:
        done = threading.Event()
        self._todo.append(lambda: (do(), done.set())[0])
        self.server.pull_trigger()
        assert done.wait(10)

    def later(self, seconds: float) -> None:
        """As if `seconds` had passed."""
        self.between_turns(lambda: self.server.maintenance(time.time() + seconds))

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=20)

    def ask(self, path: str = "/", *lines: str, body: bytes = b"", method: str = "GET") -> bytes:
        with self.connect() as client:
            client.sendall(head(path, *lines, method=method))
            client.sendall(body)
            return read_all(client)

    def until(self, condition: Callable[[], bool]) -> None:
        wait_until(condition, "the server has come so far", longest_s=0.01)


def head(path: str, *lines: str, method: str = "GET") -> bytes:
    rest = ["Host: x", *lines, "Connection: close", "", ""]
    return "\r\n".join([f"{method} {path} HTTP/1.1", *rest]).encode()


def read_all(client: socket.socket) -> bytes:
    """Reads until the other side ends it, in whatever way."""
    parts = []
    with suppress(ConnectionResetError):
        while part := client.recv(65536):
            parts.append(part)
    return b"".join(parts)


def echo(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    """Says what was refused, how many bytes came, and what they were if there are few."""
    body = environ["wsgi.input"].read()
    said = f"{environ['recon.refused']}|{len(body)}|".encode() + body[:20]
    start_response("200 OK", [("Content-Length", str(len(said)))])
    return [said]


@contextmanager
def running(
    app: Any, spool: Path, *, threads: int = 2, trust_proxy: bool = False, **limits: Any
) -> Iterator[Running]:
    listener = socket.create_server(("127.0.0.1", 0))
    chosen = Limits(**{**vars(GENEROUS), **limits})
    pool = Pool(threads, stuck_s=chosen.stuck_s)
    server = Server(
        app,
        limits=chosen,
        spool=spool,
        trust_proxy=trust_proxy,
        map={},
        _sock=listener,
        bind_socket=False,
        sockinfo=(listener.family, listener.type, 0, listener.getsockname()),
        dispatcher=pool,
        adj=worker.adjustments(backlog=128, head_bytes=chosen.head_bytes),
    )
    site = Running(server)
    try:
        yield site
    finally:
        site.over = True
        site.thread.join()
        server.drain(lambda: None, 0)
        pool.shutdown(timeout=1)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Running]:
    with running(echo, tmp_path) as site:
        yield site


def size_of_spool(folder: Path) -> int:
    """Bytes in files of the folder that this process has open, nameless ones too."""
    total = 0
    for link in Path("/proc/self/fd").iterdir():
        try:
            if str(link.readlink()).startswith(str(folder)):
                total += link.stat().st_size
        except OSError:
            continue
    return total
