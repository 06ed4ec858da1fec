"""What the two sides of the channel to a decoding process say to each other.

A message is a JSON object, then bytes that belong to it (a picture), and, on the way to the child,
open files. The child is not trusted: what it says is read within limits, and never unpickled.
"""

from __future__ import annotations

import json
import os
import socket
import struct
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

_HEAD = struct.Struct(">II")  # bytes of the JSON object, bytes after it
LONGEST_OBJECT = 2**20
LONGEST_BODY = 2**28


class ChannelClosed(Exception):
    """The other side is gone, or has broken the protocol."""


#: JSON that the two sides send each other; each task says what it wants in it.
Facts = dict[str, Any]


@dataclass(frozen=True)
class Message:
    facts: Facts
    body: bytes = b""
    files: list[int] = field(default_factory=list)  # descriptors, the receiver's to close


def send(channel: socket.socket, message: Message) -> None:
    """Raises OSError."""
    text = json.dumps(message.facts).encode()
    head = _HEAD.pack(len(text), len(message.body))
    # So few bytes go as one; descriptors travel with the first of them.
    socket.send_fds(channel, [head], message.files)
    channel.sendall(text)
    channel.sendall(message.body)


def receive(channel: socket.socket, *, most_files: int = 0) -> Message:
    """The next message. Raises ChannelClosed, TimeoutError."""
    files: list[int] = []
    try:
        head, files, _, _ = socket.recv_fds(channel, _HEAD.size, most_files)
        head += _exactly(channel, _HEAD.size - len(head)) if head else b""
        if not head:
            raise ChannelClosed
        text, body = _HEAD.unpack(head)
        if text > LONGEST_OBJECT or body > LONGEST_BODY:
            raise ChannelClosed
        facts = json.loads(_exactly(channel, text))
        if not isinstance(facts, dict):
            raise ChannelClosed
        return Message(facts, _exactly(channel, body), files)
    except BaseException as error:
        _close(files)
        if isinstance(error, TimeoutError) or not isinstance(error, OSError | ValueError):
            raise
        raise ChannelClosed from error


def _exactly(channel: socket.socket, count: int) -> bytes:
    received = bytearray()
    while len(received) < count:
        part = channel.recv(min(count - len(received), 2**20))
        if not part:
            raise ChannelClosed
        received += part
    return bytes(received)


def _close(files: Sequence[int]) -> None:
    for one in files:
        with suppress(OSError):
            os.close(one)
