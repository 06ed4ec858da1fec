"""One connection: when it has had its time, and one line in the log for each answer."""

from __future__ import annotations

import time
from functools import partial
from socket import socket
from typing import Any

from waitress.adjustments import Adjustments
from waitress.channel import HTTPChannel
from waitress.server import BaseWSGIServer
from waitress.task import ErrorTask, Task, WSGITask
from waitress.utilities import Error

from instarecon_site.addresses import network_of
from instarecon_site.monitoring.log_facts import NUMBER, PERSON, sane_request_id
from instarecon_site.server import access_log
from instarecon_site.server.body import Body, Request

#: Bytes of an answer that are read from its file at a time.
SENT_AT_ONCE = 256 * 1024


class RequestTimeout(Error):
    code, reason = 408, "Request Timeout"


class _Logged(Task):
    """A task that leaves a line in the access log."""

    number = ""  # of the request, for all lines about it
    user_id: int | None = None

    def service(self) -> None:
        try:
            super().service()
        finally:
            access_log.write(self)


class ServeTask(_Logged, WSGITask):
    """Answers a request to the application. HEAD gets the head that GET would get, and no body
    (RFC 9110, 9.3.2), whatever the application gives: on a connection that goes on, a client would
    take it for the next answer."""

    def write(self, data: bytes) -> None:
        super().write(b"" if self.request.command == "HEAD" else data)

    def finish(self) -> None:
        if self.request.command == "HEAD":
            if not self.wrote_header:
                self.write(b"")
            self.chunked_response = False  # the end of the chunks would be a body, too
        super().finish()

    def get_environment(self) -> dict[str, Any]:
        environ: dict[str, Any] = super().get_environment()
        body = self.request.body
        self.number = sane_request_id(environ.get("HTTP_X_REQUEST_ID"))
        environ[NUMBER], environ[PERSON] = self.number, partial(setattr, self, "user_id")
        environ["recon.refused"] = body.refused if body else ""
        environ["recon.is_stuck"] = self.channel.server.task_dispatcher.is_stuck()
        return environ


class RefuseTask(_Logged, ErrorTask):
    """Answers malformed HTTP; the application never hears of it."""


class Channel(HTTPChannel):
    """Waitress's connection. It is always in one of these states, each with its own patience:

    a head is coming, a body is coming, a thread works on the answer, the answer is going out, or
    it is idle. Only the third holds a thread.
    """

    sendbuf_len: int
    task_class = ServeTask
    error_task_class = RefuseTask

    def __init__(
        self,
        server: BaseWSGIServer,
        sock: socket,
        addr: tuple[str, int],
        adj: Adjustments,
        map: dict[int, object] | None = None,
    ) -> None:
        self.network = network_of(addr[0])
        self.address = addr[0]  # who asks; with a trusted proxy, known when a head was read
        self.parser_class = self._begin
        self.begun = 0  # requests in what was read at once
        self.began = time.time()  # being here, or the request that is coming
        self._stalled: tuple[float, float] = (0.0, 0.0)  # after which activity, since when
        self.sent = 0  # bytes
        self._going_out: tuple[float, int] | None = None  # an answer: since when, sent before it
        super().__init__(server, sock, addr, adj, map=map)
        # Waitress reads what the kernel may take at once, megabytes, and sends what it does take.
        self.sendbuf_len = min(self.sendbuf_len, SENT_AT_ONCE)

    def _begin(self, adj: Adjustments) -> Request:
        self.begun += 1
        return Request(adj, self)

    def received(self, data: bytes) -> bool:
        self.begun = 0
        if self.request is None:
            self.began = time.time()
        return bool(super().received(data))

    def send(self, data: bytes, do_close: bool = True) -> int:
        count = int(super().send(data, do_close))
        self.sent += count
        return count

    def service(self) -> None:
        super().service()
        self.began = time.time()

    @property
    def client(self) -> str:
        """The address that limits count this connection's requests for."""
        return network_of(self.address)

    @property
    def is_working(self) -> bool:
        """A thread is working on a request, or one is waiting for a thread."""
        return bool(self.requests)

    @property
    def body(self) -> Body | None:
        """The body that is coming, or that a thread works on; None where there is none."""
        # A copy: the thread may take its request off the list at any moment.
        current = next(iter(self.requests[:1]), self.request)
        return current.body if current else None

    @property
    def is_dispensable(self) -> bool:
        """Nothing is lost by closing it: it is idle, or its head has not come yet."""
        nothing_going = not (self.requests or self.total_outbufs_len or self.will_close)
        return nothing_going and (self.request is None or not self.request.headers_finished)

    def overdue(self, now: float) -> str:
        """Why its time is up; empty while it is not."""
        limits = self.server.limits
        silent = now - self.last_activity
        if self.total_outbufs_len:  # where a thread waits to write more, closing wakes it up
            return "stalled" if self._is_read_too_slowly(now) else ""
        self._going_out = None
        if self.requests:
            return ""
        waited = now - self.began
        if self.request is None:
            first = self.last_activity == self.creation_time
            return "idle" if waited > (limits.head_s if first else limits.idle_s) else ""
        if not self.request.headers_finished:
            return "head" if waited > limits.head_s else ""
        if silent > limits.stalled_s or waited > limits.body_s:
            return "body"
        late = waited - limits.stalled_s
        return "body" if late > 0 and self.body_came() < late * limits.rate else ""

    def _is_read_too_slowly(self, now: float) -> bool:
        limits = self.server.limits
        if self._stalled[0] != self.last_activity:
            self._stalled = (self.last_activity, now)
        self._going_out = self._going_out or (now, self.sent)
        since, before = self._going_out
        late = now - since - limits.stalled_s
        too_slow = late > 0 and self.sent - before < late * limits.rate
        return too_slow or now - self._stalled[1] > limits.stalled_s

    def body_came(self) -> int:
        return self.body.size if self.body else 0

    def give_up(self, why: str) -> None:
        """Closes it, with an answer if a request has begun. Only in the I/O loop."""
        if why in ("head", "body") and self.request is not None:
            self.request.error = RequestTimeout(f"The {why} took too long to arrive.")
            self.request.version = "1.1"
            self.error_task_class(self, self.request).service()
            self.close_when_flushed = True
        else:
            self.will_close = True

    def handle_close(self) -> None:
        super().handle_close()
        if self.request is not None:  # what was still coming; a thread closes what it has
            self.request.close()

    def del_channel(self, map: dict[int, object] | None = None) -> None:
        super().del_channel(map)
        self.server.forget(self)
