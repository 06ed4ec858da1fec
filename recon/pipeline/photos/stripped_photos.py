"""A photo's file without its metadata, for those whose metadata keeps the decoders from the pixels.

Damaged text, profiles and the like are cut out, box by box; what holds pixels is copied as it is.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator

#: PNG: what the pixels need.
_PNG_CHUNKS = (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND")
_PNG_START = b"\x89PNG\r\n\x1a\n"

#: JPEG: application segments and comments go, but Adobe's, which says how colours are stored.
_JPEG_DROPPED, _ADOBE, _ADOBES = (*range(0xE0, 0xF0), 0xFE), 0xEE, 14
_JPEG_SCAN, _JPEG_ALONE = 0xDA, (0x01, *range(0xD0, 0xD9))

#: WebP: pictures and their transparency stay. Flags of the header: profile, EXIF, XMP.
_WEBP_DROPPED, _WEBP_FLAGS = (b"ICCP", b"EXIF", b"XMP "), 0x20 | 0x08 | 0x04

#: HEIC and AVIF: items of these types are renamed to one that nobody reads.
_ITEMS, _NOBODYS = (b"Exif", b"mime", b"uri "), b"skip"


def strip_metadata(content: bytes) -> io.BytesIO | None:
    """`content` without metadata; None if its format is not known here."""
    try:
        if content.startswith(_PNG_START):
            return io.BytesIO(_PNG_START + b"".join(_png_chunks(content)))
        if content.startswith(b"\xff\xd8"):
            return io.BytesIO(b"\xff\xd8" + b"".join(_jpeg_segments(content)))
        if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
            body = b"WEBP" + b"".join(_webp_chunks(content))
            return io.BytesIO(b"RIFF" + struct.pack("<I", len(body)) + body)
        if content[4:8] == b"ftyp":
            return io.BytesIO(_without_items(content))
    except struct.error:  # cut off within a box
        return None
    return None


def _png_chunks(content: bytes) -> Iterator[bytes]:
    at, has_palette = len(_PNG_START), False
    while at + 12 <= len(content):
        length, kind = struct.unpack_from(">I4s", content, at)
        # One transparent grey or colour, or a value for each of a palette.
        is_odd = kind == b"tRNS" and not has_palette and length not in (2, 6)
        has_palette = has_palette or kind == b"PLTE"
        if kind in _PNG_CHUNKS and not is_odd:
            yield content[at : at + 12 + length]
        if kind == b"IEND":
            return
        at += 12 + length


def _jpeg_segments(content: bytes) -> Iterator[bytes]:
    at = 2
    while at + 4 <= len(content):
        if content[at] != 0xFF:  # between segments: decoders skip it, and so is it skipped here
            at = content.find(b"\xff", at)
            if at < 0:
                return
            continue
        marker = content[at + 1]
        if marker == 0xFF:
            at += 1
            continue
        if marker == _JPEG_SCAN:
            yield content[at:]
            return
        length = 0 if marker in _JPEG_ALONE else struct.unpack_from(">H", content, at + 2)[0]
        is_adobes = content[at + 4 : at + 9] == b"Adobe" and length >= _ADOBES
        if marker not in _JPEG_DROPPED or (marker == _ADOBE and is_adobes):
            yield content[at : at + 2 + length]
        at += 2 + length


def _webp_chunks(content: bytes) -> Iterator[bytes]:
    at = 12
    while at + 8 <= len(content):
        kind, length = struct.unpack_from("<4sI", content, at)
        chunk = content[at : at + 8 + length + length % 2]
        if kind == b"VP8X" and length:
            chunk = chunk[:8] + bytes([chunk[8] & ~_WEBP_FLAGS]) + chunk[9:]
        if kind not in _WEBP_DROPPED:
            yield chunk
        at += 8 + length + length % 2


def _without_items(content: bytes) -> bytes:
    """The item types stand in `infe` boxes: after their version, a number and a protection."""
    changed = bytearray(content)
    end = content.find(b"mdat") if b"mdat" in content else len(content)
    at = content.find(b"infe", 0, end)
    while at >= 0:
        version = content[at + 4] if at + 4 < len(content) else 0
        place = at + 8 + (4 if version >= 3 else 2) + 2
        if version >= 2 and content[place : place + 4] in _ITEMS:
            changed[place : place + 4] = _NOBODYS
        at = content.find(b"infe", at + 4, end)
    return bytes(changed)
