"""Cheap looks at a file's bytes before anything in it is decoded.

Files refused here are far from what any camera or program writes; the others are still decoded
within a budget (`budgets`). These looks make the answer quick and say what is wrong.
"""

from __future__ import annotations

import re
from typing import BinaryIO

from recon.pipeline.errors import UserError

#: Passes over the whole picture. Usual progressive JPEGs have 10, the most careful encoders 20.
JPEG_SCANS = 64

#: Of a PNG. 30 MB in pieces of 8 kB are 4,000.
PNG_CHUNKS = 20_000

#: Pixels of a video's frame: 8K, also the wider one of cinemas.
FRAME_PIXELS = 8192 * 4320

#: Threads that decode a video. Each keeps frames of its own.
VIDEO_THREADS = 4

_STARTS_SCAN, _ENDS = 0xDA, 0xD9
#: JPEG markers that stand alone, without a length: restarts, start, end, and the filler.
_ALONE = {0x01, *range(0xD0, 0xDA)}
_MARKER = re.compile(rb"\xff+[^\x00\xd0-\xd7\xff]")  # in scans: no stuffing, no restart


def check_photo(file: BinaryIO, name: str) -> None:
    """Leaves `file` at its start. Raises UserError("photo_too_complex")."""
    file.seek(0)
    head = file.read(8)
    file.seek(0)
    if head.startswith(b"\xff\xd8"):
        is_too_complex = _too_many_scans(file.read())
    elif head.startswith(b"\x89PNG"):
        is_too_complex = _too_many_chunks(file)
    else:
        is_too_complex = False
    file.seek(0)
    if is_too_complex:
        raise UserError("photo_too_complex", name=name)


def check_frame_size(width: int, height: int, name: str) -> None:
    """Raises UserError("video_too_large")."""
    if width * height > FRAME_PIXELS:
        most = round(FRAME_PIXELS / 1e6)
        raise UserError("video_too_large", name=name, width=width, height=height, maximum=most)


def _too_many_scans(jpeg: bytes) -> bool:
    """Of its first picture: others (phones add some) are not decoded."""
    if jpeg.count(b"\xff\xda") <= JPEG_SCANS:  # mostly, and quick
        return False
    scans, at = 0, 2
    while at + 4 <= len(jpeg) and scans <= JPEG_SCANS:
        if jpeg[at] != 0xFF:
            at += 1  # as decoders do: rubbish between segments is skipped
            continue
        kind = jpeg[at + 1]
        if kind == _ENDS:
            break
        if kind == 0xFF or kind in _ALONE:
            at += 1 if kind == 0xFF else 2
            continue
        at += 2 + int.from_bytes(jpeg[at + 2 : at + 4])
        if kind == _STARTS_SCAN:
            scans += 1
            found = _MARKER.search(jpeg, at)
            at = found.start() if found else len(jpeg)
    return scans > JPEG_SCANS


def _too_many_chunks(file: BinaryIO) -> bool:
    file.seek(8)
    for _ in range(PNG_CHUNKS):
        head = file.read(8)
        if len(head) < 8 or head[4:] == b"IEND":
            return False
        file.seek(int.from_bytes(head[:4]) + 4, 1)
    return True
