"""Broken photos and videos: small sound files of every kind that is accepted, then damage.

`mutant(seed, number)` is always the same file: both choose its kind, and what is done to it.
"""

from __future__ import annotations

import io
import random
import zlib
from collections.abc import Callable
from functools import cache

import av
from PIL import Image

from tests.heic import heic_bytes

KINDS = ("jpg", "progressive.jpg", "png", "webp", "avif", "heic", "mp4", "mov", "webm", "mkv")
SIZE = (160, 120)
_NAMES = {"jpg": "JPEG", "png": "PNG", "webp": "WEBP", "avif": "AVIF"}
#: Numbers that break arithmetic, as bytes.
_EXTREMES = [bytes.fromhex(one) for one in (
    "00", "ff", "0000", "ffff", "7fff", "8000", "00000000", "ffffffff", "7fffffff", "80000000",
    "00000001",
)]  # fmt: skip

Damage = Callable[[random.Random, bytearray], None]


def mutant(seed: int, number: int) -> tuple[str, bytes]:
    """Kind (how its name ends) and content."""
    dice = random.Random(f"{seed}-{number}")  # noqa: S311 - to be repeated, not to be secret
    kind = KINDS[number % len(KINDS)]
    content = bytearray(sound(kind))
    for _ in range(dice.choice((1, 1, 2, 4, 8, 32))):
        dice.choice(DAMAGES)(dice, content)
    if kind == "png" and dice.random() < 0.7:
        _mend_checksums(content)
    return kind, bytes(content)


@cache
def sound(kind: str) -> bytes:
    """A good file, with metadata, as that is where most of the formats' pitfalls are."""
    if kind in ("mp4", "mov", "webm", "mkv"):
        return _video(kind)
    picture, file = _picture(0), io.BytesIO()
    if kind == "heic":
        return heic_bytes(picture, exif=_exif().tobytes(), quarter_turns=1)
    options: dict[str, object] = {"exif": _exif()}
    if kind == "progressive.jpg":
        options |= {"progressive": True}
    picture.save(file, _NAMES[kind.rpartition(".")[2]], **options)
    return file.getvalue()


def _exif() -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "Maker"
    return exif


def _picture(shift: int) -> Image.Image:
    dice = random.Random(shift)  # noqa: S311
    coarse = Image.frombytes("RGB", (20, 15), dice.randbytes(900))
    return coarse.resize(SIZE, Image.Resampling.BICUBIC)


def _video(kind: str) -> bytes:
    file = io.BytesIO()
    container = {"mkv": "matroska"}.get(kind, kind)
    # Without random numbers and creation times.
    with av.open(file, "w", format=container, options={"fflags": "bitexact"}) as output:
        stream = output.add_stream("libvpx" if kind == "webm" else "mpeg4", rate=5)
        stream.width, stream.height = SIZE
        stream.pix_fmt = "yuv420p"
        for number in range(15):
            frame = av.VideoFrame.from_image(_picture(number))
            output.mux(stream.encode(frame))
        output.mux(stream.encode())
    return file.getvalue()


def _mend_checksums(png: bytearray) -> None:
    """Without this hardly any damage gets past the first check."""
    at = 8
    while at + 12 <= len(png):
        end = at + 8 + int.from_bytes(png[at : at + 4])
        if end + 4 > len(png):
            return
        png[end : end + 4] = zlib.crc32(png[at + 4 : end]).to_bytes(4)
        at = end + 4


def _flip(dice: random.Random, content: bytearray) -> None:
    content[dice.randrange(len(content))] ^= 1 << dice.randrange(8)


def _replace(dice: random.Random, content: bytearray) -> None:
    extreme = dice.choice(_EXTREMES)
    at = dice.randrange(len(content))
    content[at : at + len(extreme)] = extreme


def _replace_early(dice: random.Random, content: bytearray) -> None:
    """Replaces bytes where headers and indexes are."""
    extreme = dice.choice(_EXTREMES)
    at = dice.randrange(min(len(content), 700))
    content[at : at + len(extreme)] = extreme


def _cut(dice: random.Random, content: bytearray) -> None:
    del content[dice.randrange(16, len(content)) if len(content) > 16 else 0 :]
    content += b"" if content else b"\0"


def _remove(dice: random.Random, content: bytearray) -> None:
    at = dice.randrange(len(content))
    del content[at : at + dice.randrange(1, 64)]
    content += b"" if content else b"\0"


def _repeat(dice: random.Random, content: bytearray) -> None:
    at = dice.randrange(len(content))
    part = content[at : at + dice.randrange(1, 256)]
    content[at:at] = part * dice.choice((1, 2, 16, 256))


def _insert(dice: random.Random, content: bytearray) -> None:
    at = dice.randrange(len(content))
    content[at:at] = dice.randbytes(dice.randrange(1, 64))


def _graft(dice: random.Random, content: bytearray) -> None:
    """Inserts a part of another kind of file."""
    other = sound(dice.choice(KINDS))
    start = dice.randrange(len(other))
    at = dice.randrange(len(content))
    part = other[start : start + dice.randrange(1, 2000)]
    content[at : at + len(part)] = part


DAMAGES: tuple[Damage, ...] = (
    _flip, _flip, _replace, _replace_early, _replace_early, _cut, _remove, _repeat, _insert, _graft,
)  # fmt: skip
