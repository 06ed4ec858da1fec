"""How much a client may use, and for how long. Each process of the web server counts its own."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings

MB = 2**20


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What one process allows. Nothing in here holds a thread, only sockets and disk."""

    #: Connections from one address, unless a trusted proxy hides who is behind it.
    connections_of_one: int
    connections: int = 1000
    #: Bodies larger than `in_memory` that one address may have under way or in work.
    uploads_of_one: int = 32
    #: Bytes of them that have come or were announced, in lengths of the longest body.
    bodies_of_one: int = 4
    #: Seconds from a connection, or from a request's first byte, to the end of its head.
    head_s: float = 15
    head_bytes: int = 64 * 1024
    #: Seconds that a connection may stay open between two requests.
    idle_s: float = 60
    #: Seconds without one byte moving, in a body or in an answer.
    stalled_s: float = 60
    #: Bytes per second that must come of a body, or go of an answer, on average, once `stalled_s`
    #: are over.
    rate: float = 2048
    #: Seconds that a body may take in all, however steadily it comes.
    body_s: float = 4 * 60 * 60
    #: Bytes of a body that stay in memory; what is longer goes into a nameless file.
    in_memory: int = MB // 8
    #: The longest body that is kept, bytes. A longer one is read and forgotten, so that a browser
    #: gets to see the answer, up to `read_to_the_end` bytes; from there on it is cut off.
    body_bytes: int
    read_to_the_end: int
    #: Free bytes that uploads under way leave on the disk.
    disk_reserve: int = 200 * MB
    #: Seconds that somebody may wait for a thread before the process counts as stuck.
    stuck_s: float = 60


def limits_by_settings() -> Limits:
    """The site's limits, by its settings."""
    longest = settings.MAX_UPLOAD_SIZE_MB * MB
    return Limits(
        connections_of_one=settings.MAX_CONNECTIONS_PER_ADDRESS,
        body_bytes=longest + FORM_OVERHEAD,
        read_to_the_end=READ_TO_THE_END * longest + FORM_OVERHEAD,
    )


#: What a form may weigh besides its files: boundaries, headers, the text fields.
FORM_OVERHEAD = 4 * MB
#: Bodies up to this many times the limit are read to their end.
READ_TO_THE_END = 2
