"""A line between a program and a server that loses every third request, and a record of what got
through."""

from __future__ import annotations

import hashlib
import http.client
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

#: Where a request is lost, in turns.
WAYS = ("after", "middle", "before")
NEVER = 10**9


@dataclass(frozen=True)
class Through:
    """A request that reached the server. `file` is the SHA-256 of the file in its body, "" if it
    had none; `lost` says that the answer, or its second half, never came back."""

    method: str
    path: str
    status: int
    file: str
    lost: bool


@dataclass
class BadLine:
    """The line's address, and what happened on it."""

    url: str
    requests: int = 0
    lost: int = 0
    through: list[Through] = field(default_factory=list)

    def files(self) -> list[str]:
        """The digests of the files that the server took, one for each time."""
        return [one.file for one in self.through if one.file and one.status < 300]


@contextmanager
def bad_line(server_url: str, *, every: int = 3, first: int = 3) -> Iterator[BadLine]:
    """Loses each `every`-th request, from the `first` on: in turns after it was answered, in the
    middle of the answer, and before it arrives."""
    server = urlsplit(server_url)
    assert server.hostname is not None
    host, port = server.hostname, server.port
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            """Says nothing."""

        def forward(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            with lock:
                line.requests += 1
                is_lost = line.requests >= first and (line.requests - first) % every == 0
                way = WAYS[line.lost % 3] if is_lost else None
                line.lost += is_lost
            if way == "before":
                self.close_connection = True
                return
            status, headers, content = self._ask(body)
            found = Through(self.command, self.path, status, digest_of_file(body), way is not None)
            with lock:
                line.through.append(found)
            if way == "after":
                self.close_connection = True
                return
            self.send_response_only(status)
            for name, value in headers:
                if name.lower() not in ("connection", "transfer-encoding", "content-length"):
                    self.send_header(name, value)
            if status not in (204, 304):
                self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content[: len(content) // 2] if way == "middle" else content)
            self.close_connection = way == "middle"

        def _ask(self, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
            connection = http.client.HTTPConnection(host, port, timeout=60)
            headers = {
                name: value for name, value in self.headers.items() if name.lower() != "connection"
            }
            connection.request(self.command, self.path, body or None, headers)
            answer = connection.getresponse()
            content = answer.read()
            connection.close()
            return answer.status, answer.getheaders(), content

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = forward

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as proxy:
        line = BadLine(f"http://127.0.0.1:{proxy.server_port}")
        thread = threading.Thread(target=proxy.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield line
        finally:
            proxy.shutdown()
            thread.join()


def digest_of_file(body: bytes) -> str:
    """Of the one file in a form; "" where the body is none."""
    edge, _, rest = body.partition(b"\r\n")
    if not edge.startswith(b"--"):
        return ""
    found = re.search(rb"\r\n\r\n(.*)\r\n" + re.escape(edge), b"\r\n" + rest, re.DOTALL)
    assert found is not None, "a form that was read whole has its last line"
    return hashlib.sha256(found[1]).hexdigest()
