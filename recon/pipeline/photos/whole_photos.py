"""Whether a photo's file holds all of its pixels, for when its decoder does not say.

A cut-off file mostly fails to decode. Two kinds pass: a PNG whose pixels end early but in good
order, and a JPEG or WebP that was given its full length before its content came, whose rest is
zeros, as interrupted copies leave it. The missing part comes out black or grey.
"""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

#: This many zeros at the end are not compressed picture data.
_LOST = 4096  # bytes
_PIECE = 2**18  # bytes decompressed at a time

#: Samples a pixel by PNG's colour types, and where and how densely the passes of an interlaced
#: picture lie: first column, first row, steps.
_SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2),
          (0, 1, 1, 2))  # fmt: skip


def is_whole(source: Path | BinaryIO, kind: str) -> bool:
    """Whether the file of a photo of `kind`, which was decoded, holds all of it."""
    if isinstance(source, Path):
        with source.open("rb") as file:
            return _is_whole(file, kind)
    return _is_whole(source, kind)


def _is_whole(file: BinaryIO, kind: str) -> bool:
    if kind == "PNG" and not _png_is_whole(file):
        return False
    return not _end_is_lost(file, kind)


def _png_is_whole(file: BinaryIO) -> bool:
    """Whether as many bytes come out of its stream as its header asks for."""
    file.seek(8)
    needed, unpacked = 0, 0
    stream = zlib.decompressobj()
    for kind, content in _png_chunks(file):
        if kind == b"IHDR":
            needed = _png_bytes(content)
        elif kind == b"IDAT":
            try:
                unpacked += _count_unpacked(stream, content, needed - unpacked)
            except zlib.error:
                return False
            if unpacked >= needed:
                return True
    return unpacked >= needed


def _png_chunks(file: BinaryIO) -> Iterator[tuple[bytes, bytes]]:
    while len(head := file.read(8)) == 8:
        length, kind = struct.unpack(">I4s", head)
        if kind in (b"IHDR", b"IDAT"):
            yield kind, file.read(length)
        else:
            file.seek(length, os.SEEK_CUR)
        file.seek(4, os.SEEK_CUR)  # checksum


def _png_bytes(header: bytes) -> int:
    width, height, depth, colour, _, _, interlaced = struct.unpack(">IIBBBBB", header[:13])
    bits = depth * _SAMPLES.get(colour, 1)
    total = 0
    for column, row, right, down in _ADAM7 if interlaced else ((0, 0, 1, 1),):
        columns = -(-(width - column) // right) if width > column else 0
        rows = -(-(height - row) // down) if height > row else 0
        total += rows * (1 + -(-columns * bits // 8)) if columns else 0  # a filter's byte a row
    return total


def _count_unpacked(stream: zlib._Decompress, content: bytes, most: int) -> int:
    """How many bytes come out of `content`; counting ends once `most` are there."""
    count = 0
    while content and count < most and not stream.eof:
        count += len(stream.decompress(content, _PIECE))
        content = stream.unconsumed_tail
    return count


def _end_is_lost(file: BinaryIO, kind: str) -> bool:
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - _LOST))
    if size < 2 * _LOST or any(file.read(_LOST)):
        return False
    file.seek(0)
    content = file.read()
    if kind == "JPEG":
        # Some cameras pad their files, and phones append films: then the picture has an end.
        return content.find(b"\xff\xd9", max(0, content.find(b"\xff\xda"))) < 0
    return kind == "WEBP" and _last_chunk(content) in (b"VP8 ", b"VP8L")


def _last_chunk(content: bytes) -> bytes:
    """The kind of the last chunk of a WebP."""
    at, kind = 12, b""
    while at + 8 <= len(content):
        kind, length = struct.unpack_from("<4sI", content, at)
        at += 8 + length + length % 2
    return kind
