"""A request's body on its way in: first in memory, then in a file without a name, or nowhere.

It is written by the process's one I/O loop, as its bytes come, and read by a thread when it is
complete. The file has no name, so that a killed process leaves nothing behind.
"""

from __future__ import annotations

import shutil
import tempfile
from io import BytesIO
from pathlib import Path
from typing import IO

from waitress.adjustments import Adjustments
from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser
from waitress.receiver import ChunkedReceiver
from waitress.utilities import BadRequest

from instarecon_site.server.limits import MB, Limits

#: Why a body was not kept. The application answers; see `instarecon_site.middleware.refusals`.
TOO_LARGE, TOO_MANY, DISK_FULL = "too_large", "too_many_uploads", "disk_full"
#: Bytes that the lines between a body's chunks may have.
MAX_CHUNK_LINES = 16 * 1024
#: Bytes of chunks that are looked through at a time: for each chunk, however small, waitress copies
#: what follows it.
CHUNKS_AT_ONCE = 2 * 1024
#: Nobody says beforehand how long a body in chunks will be: after so many bytes, whether there is
#: still room for it is asked once more.
ASKED_EVERY = MB


#: Requests that may come together, before the first is answered. Browsers send one at a time; what
#: follows it is copied for each, so that thousands of the shortest would keep the loop busy.
MOST_AT_ONCE = 20


class Body:
    """What waitress's receivers write to. `refused` says why nothing is kept, or is empty."""

    def __init__(self, limits: Limits, folder: Path, declared: int) -> None:
        self.limits, self.declared = limits, declared
        self.size = 0
        self.refused = TOO_LARGE if declared > limits.body_bytes else ""
        self._file: IO[bytes] = tempfile.SpooledTemporaryFile(  # noqa: SIM115  (see `close`)
            limits.in_memory, dir=str(folder)
        )

    def __len__(self) -> int:
        return self.size

    def __bool__(self) -> bool:
        return True  # also while nothing has come yet

    @property
    def is_large(self) -> bool:
        return max(self.declared, self.size) > self.limits.in_memory

    @property
    def to_come(self) -> int:
        """Bytes that were announced and will need room on the disk."""
        return 0 if self.refused else max(self.declared - self.size, 0)

    def append(self, data: bytes) -> None:
        self.size += len(data)
        if not self.refused and self.size > self.limits.body_bytes:  # in chunks: nobody had said
            self.refuse(TOO_LARGE)
        if not self.refused:
            try:
                self._file.write(data)
            except OSError:  # the disk; whatever it is, the rest would fail as well
                self.refuse(DISK_FULL)

    def refuse(self, why: str) -> None:
        """Forgets what came and keeps nothing more."""
        self.refused = why
        self._file.close()
        self._file = BytesIO()

    def getfile(self) -> IO[bytes]:
        self._file.seek(0)
        return self._file

    def getbuf(self) -> Body:
        return self

    def close(self) -> None:
        self._file.close()


def has_room(folder: Path, wanted: int, reserve: int) -> bool:
    """Whether `wanted` bytes fit on the disk and leave `reserve` bytes free."""
    return shutil.disk_usage(folder).free - wanted >= reserve


class Request(HTTPRequestParser):
    """Waitress's parser, with our bodies.

    A body that is refused is read to its end and forgotten, so that the client hears the answer;
    where the client waits to be told to go on, or the body is far too long, it is answered at
    once and the connection ends.
    """

    body: Body | None = None
    completed: bool
    headers_finished: bool
    ask_at = 0  # bytes of a body in chunks

    def __init__(self, adj: Adjustments, channel: HTTPChannel) -> None:
        super().__init__(adj)
        self.channel = channel

    def parse_header(self, header_plus: bytes) -> None:
        super().parse_header(header_plus)
        server = self.channel.server
        self.channel.address = server.who_asks(self.channel, self.headers)
        if self.body_rcv is None:
            return
        self.body = Body(server.limits, server.spool, self.content_length)
        self.body_rcv.buf = self.body
        if not self.body.refused and (why := server.why_not(self.channel, self)):
            self.body.refuse(why)
        hopeless = self.content_length > server.limits.read_to_the_end
        if self.body.refused and (self.expect_continue or hopeless):
            self._answer_at_once()

    def received(self, data: bytes) -> int:
        if self.channel.begun > MOST_AT_ONCE:
            self.error, self.completed = BadRequest("Too many requests at once"), True
            return len(data)
        if self.chunked and self.headers_finished:
            data = data[: max(CHUNKS_AT_ONCE, self.body_rcv.chunk_remainder)]
        consumed: int = super().received(data)
        if self.body and not self.completed:
            if self.chunked:
                self._keep_or_refuse(self.body)
            if self.body.size > self.channel.server.limits.read_to_the_end:
                self._answer_at_once()
            elif self.chunked and _overlong(self.body_rcv):
                self.error, self.completed = BadRequest("Chunk header or trailer too long"), True
        return consumed

    def _keep_or_refuse(self, body: Body) -> None:
        """Asks about a body in chunks what was asked about others when they were announced."""
        if body.refused or not body.is_large or body.size < self.ask_at:
            return
        self.ask_at = body.size + ASKED_EVERY
        if why := self.channel.server.why_not(self.channel, self):
            body.refuse(why)

    def _answer_at_once(self) -> None:
        """What follows on this connection is no request: it ends after the answer."""
        self.expect_continue = False
        self.headers |= {"CONNECTION": "close", "CONTENT_LENGTH": str(self._said_or_come())}
        self.completed = True

    def _said_or_come(self) -> int:
        return max(self.content_length, self.body.size if self.body else 0)

    def get_body_stream(self) -> IO[bytes]:
        return self.body.getfile() if self.body else BytesIO()

    def close(self) -> None:
        if self.body:
            self.body.close()


def _overlong(receiver: ChunkedReceiver) -> bool:
    """Whether a chunk's header or the trailer, which waitress keeps in memory, has no end."""
    size = len(receiver.control_line) + len(receiver.chunk_end) + len(receiver.trailer)
    return size > MAX_CHUNK_LINES
