"""A process of the web server: gunicorn starts, watches and ends it, waitress does the talking.

    gunicorn instarecon_site.wsgi --worker-class instarecon_site.server.worker.BufferingWorker

Gunicorn's own threads each wait for one client; some dozens of slow ones hold them all. Here a
thread gets a request when the whole of it has come, and gives the answer to the I/O loop.
"""

from __future__ import annotations

import contextlib
import os
import resource
import sys
from dataclasses import replace
from typing import Any

from gunicorn.workers.base import Worker
from waitress import wasyncore
from waitress.adjustments import Adjustments

from instarecon_site.server.limits import Limits, limits_by_settings
from instarecon_site.server.memory import share_arenas
from instarecon_site.server.pool import Pool
from instarecon_site.server.server import Server

#: Seconds between two looks at the clock: for whose time is over, and for gunicorn's heartbeat.
TURN_S = 1.0
#: Files that a process has open besides: libraries, the database, pipes to other processes.
OTHER_FILES = 200


class BufferingWorker(Worker):
    """See above. `--threads` is how many requests are worked on at a time."""

    def init_process(self) -> None:
        share_arenas()  # the application starts threads when it is loaded
        super().init_process()

    def run(self) -> None:
        from django.conf import settings

        limits = within_open_files(limits_by_settings())
        self.map: dict[int, Any] = {}
        pool = Pool(self.cfg.threads, stuck_s=limits.stuck_s)
        servers = [
            Server(
                self.wsgi,
                limits=limits,
                spool=settings.FILE_UPLOAD_TEMP_DIR,
                trust_proxy=settings.TRUST_PROXY,
                map=self.map,
                _sock=listener.sock,
                bind_socket=False,
                sockinfo=(listener.sock.family, listener.sock.type, 0, listener.sock.getsockname()),
                dispatcher=pool,
                adj=adjustments(backlog=self.cfg.backlog, head_bytes=limits.head_bytes),
            )
            for listener in self.sockets
        ]
        _Waker(self.PIPE[0], self.map)
        while self.alive and self.ppid == os.getppid():
            self._turn()
        for server in servers:
            server.drain(self._turn, self.cfg.graceful_timeout)
        pool.shutdown(timeout=1)

    def _turn(self) -> None:
        self.notify()
        wasyncore.loop(timeout=TURN_S, use_poll=True, map=self.map, count=1)


def within_open_files(limits: Limits) -> Limits:
    """As many connections as the system lets this process have files open, or fewer.

    A connection may need two: its own, and the file that its body or its answer lies in.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 2 * limits.connections + OTHER_FILES
    if soft != resource.RLIM_INFINITY and soft < wanted:
        allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        with contextlib.suppress(ValueError, OSError):  # macOS has a limit that it does not tell
            resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
        soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        fitting = max((soft - OTHER_FILES) // 2, 10)
        return replace(limits, connections=min(limits.connections, fitting))
    return limits


class _Waker(wasyncore.file_dispatcher):
    """Ends a wait of the loop when a signal came."""

    def __init__(self, descriptor: int, map: dict[int, Any]) -> None:
        super().__init__(descriptor, map=map)

    def writable(self) -> bool:
        return False

    def handle_read(self) -> None:
        with contextlib.suppress(OSError):
            self.recv(4096)


def adjustments(*, backlog: int, head_bytes: int) -> Adjustments:
    return Adjustments(
        ident=None,  # no Server header
        recv_bytes=64 * 1024,
        cleanup_interval=TURN_S,
        max_request_header_size=head_bytes,
        max_request_body_size=sys.maxsize,  # `body` decides
        # A thread never waits for a reader: what is longer than this goes through a file.
        outbuf_overflow=256 * 1024,
        outbuf_high_watermark=sys.maxsize,
        connection_limit=sys.maxsize,  # `server` decides
        log_socket_errors=False,
        clear_untrusted_proxy_headers=False,  # settings.TRUST_PROXY decides
        asyncore_use_poll=True,
        backlog=backlog,
    )
