"""Files as people really send them: other kinds, broken metadata, 360-degree pictures."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import numpy as np
from PIL import Image

from tests.heic import heic_bytes

#: A Canon raw photo, as far as anything reads it.
CR3 = b"\0\0\0\x18ftypcrx \0\0\0\1crx isom\0\0\x01\0moov" + bytes(500)

XMP_HEAD = b"http://ns.adobe.com/xap/1.0/\0"
GPANO = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-'
    b'syntax-ns#"><rdf:Description xmlns:GPano="http://ns.google.com/photos/1.0/panorama/" '
    b'GPano:ProjectionType="equirectangular"/></rdf:RDF></x:xmpmeta>'
)


def texture(seed: int = 0, size: tuple[int, int] = (320, 240)) -> Image.Image:
    """An ordinary picture with detail, and a red corner at its upper left."""
    width, height = size
    dice = np.random.default_rng(seed)
    coarse = dice.integers(0, 255, (height // 8, width // 8, 3), dtype=np.uint8)
    image = Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC)
    image.paste((255, 0, 0), (0, 0, width // 4, height // 4))
    return image


def sphere(width: int = 512, turned: float = 0.0) -> Image.Image:
    """A full sphere, as 360-degree cameras record it: waves on its surface."""
    height = width // 2
    azimuth = (np.arange(width) + 0.5) / width * 2 * np.pi + turned
    polar = (np.arange(height) + 0.5) / height * np.pi
    azimuth, polar = np.meshgrid(azimuth, polar)
    rays = np.stack(
        [np.sin(polar) * np.cos(azimuth), np.cos(polar), np.sin(polar) * np.sin(azimuth)], -1
    )
    dice = np.random.default_rng(5)
    total = np.zeros((height, width, 3))
    for _ in range(25):
        wave = dice.normal(size=3) * dice.choice([4.0, 15.0, 30.0])
        colour = dice.normal() + dice.normal(0, 0.2, 3)
        total += np.sin(rays @ wave + dice.uniform(0, 6))[..., None] * colour
    return Image.fromarray(np.clip(128 + 20 * total, 0, 255).astype(np.uint8))


def encoded(image: Image.Image, kind: str = "JPEG", **options: Any) -> bytes:
    if kind == "HEIF":
        return heic_bytes(image, **options)
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def with_segment(jpeg: bytes, marker: int, content: bytes) -> bytes:
    """The JPEG with one more segment at its start."""
    segment = b"\xff" + bytes([marker]) + struct.pack(">H", len(content) + 2) + content
    return jpeg[:2] + segment + jpeg[2:]


def with_chunk(png: bytes, kind: bytes, content: bytes, *, last: bool = False) -> bytes:
    """The PNG with one more chunk before its pixels, or after them."""
    at = len(png) - 12 if last else 33
    return png[:at] + png_chunk(kind, content) + png[at:]


def png_chunk(kind: bytes, content: bytes) -> bytes:
    checksum = struct.pack(">I", zlib.crc32(kind + content))
    return struct.pack(">I", len(content)) + kind + content + checksum


def with_webp_chunk(webp: bytes, kind: bytes, content: bytes, flag: int) -> bytes:
    """The plain WebP as an extended one with one more chunk after its pixels."""
    with Image.open(io.BytesIO(webp)) as image:
        sides = b"".join(struct.pack("<I", side - 1)[:3] for side in image.size)
    body = (
        b"WEBP" + _riff(b"VP8X", bytes([flag, 0, 0, 0]) + sides) + webp[12:] + _riff(kind, content)
    )
    return b"RIFF" + struct.pack("<I", len(body)) + body


def _riff(kind: bytes, content: bytes) -> bytes:
    return kind + struct.pack("<I", len(content)) + content + b"\0" * (len(content) % 2)


def tiff(tags: dict[int, tuple[int, bytes]], order: str = "<") -> bytes:
    """A TIFF of one directory; each tag has a type and its value's bytes."""
    start = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}IH", 8, len(tags))
    entries, beside, at = b"", b"", len(start) + 12 * len(tags) + 4
    for tag, (kind, value) in sorted(tags.items()):
        count = len(value) // {1: 1, 2: 1, 3: 2, 4: 4}[kind]
        if len(value) > 4:
            place, beside = struct.pack(f"{order}I", at + len(beside)), beside + value
        else:
            place = value.ljust(4, b"\0")
        entries += struct.pack(f"{order}HHI", tag, kind, count) + place
    return start + entries + bytes(4) + beside
