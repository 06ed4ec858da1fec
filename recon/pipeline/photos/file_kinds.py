"""What kind of file it is that can't be used here: recognised by its first bytes, so that people
are told its kind instead of "damaged".

Cameras' raw formats share their boxes with others: most are TIFFs, Canon's CR3 is in the box
format of videos. Within a TIFF the tags decide; a name counts only where the content leaves it
open.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from recon.pipeline.errors import UserError
from recon.pipeline.photos.media import HEAD, container_of, is_photo

#: Names of raw photos, for files whose content does not tell.
RAW_SUFFIXES = (".3fr", ".arw", ".cr2", ".cr3", ".crw", ".dcr", ".dng", ".erf", ".fff", ".gpr",
                ".iiq", ".kdc", ".mef", ".mos", ".mrw", ".nef", ".nrw", ".orf", ".pef", ".raf",
                ".raw", ".rw2", ".rwl", ".sr2", ".srf", ".srw", ".x3f")  # fmt: skip

#: Bytes that are enough for all kinds but TIFF.
_HEAD = 512

#: Offset, bytes there, kind. The first that fits counts.
_RAWS = (
    (0, b"FUJIFILMCCD-RAW", "RAF"),
    (8, b"CR\x02", "CR2"),
    (6, b"HEAPCCDR", "CRW"),
    (4, b"ftypcrx ", "CR3"),
    (0, b"IIRO", "ORF"),
    (0, b"IIRS", "ORF"),
    (0, b"MMOR", "ORF"),
    (0, b"IIU\x00", "RW2"),
    (0, b"FOVb", "X3F"),
    (0, b"\x00MRM", "MRW"),
)
_PICTURES = (
    (0, b"II+\x00", "BigTIFF"),
    (0, b"MM\x00+", "BigTIFF"),
    (0, b"GIF87a", "GIF"),
    (0, b"GIF89a", "GIF"),
    (0, b"BM", "BMP"),  # two letters begin many texts: see `_is_bitmap`
    (0, b"8BPS", "PSD"),
    (0, b"\xff\x0a", "JPEG XL"),
    (4, b"JXL \r\n\x87\n", "JPEG XL"),
    (4, b"jP  \r\n\x87\n", "JPEG 2000"),
    (0, b"\xff\x4f\xff\x51", "JPEG 2000"),
    (0, b"II\xbc\x01", "JPEG XR"),
    (0, b"v/1\x01", "OpenEXR"),
    (0, b"#?RADIANCE", "Radiance HDR"),
    (0, b"\x00\x00\x01\x00", "ICO"),
    (0, b"qoif", "QOI"),
    (0, b"gimp xcf", "XCF"),
    (0, b"DDS ", "DDS"),
    (0, b"BPG\xfb", "BPG"),
    (0, b"\x8aMNG", "MNG"),
)
_VIDEOS = (
    (8, b"AVI ", "AVI"),
    (0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "WMV"),
    (0, b"FLV\x01", "FLV"),
    (0, b"\x00\x00\x01\xba", "MPEG"),
    (0, b"\x00\x00\x01\xb3", "MPEG"),
    (0, b"OggS", "Ogg"),
    (0, b".RMF", "RealMedia"),
)
_OTHERS = (
    (0, b"%PDF-", "PDF"),
    (0, b"PK\x03\x04", "ZIP"),
    (0, b"PK\x05\x06", "ZIP"),
    (0, b"Rar!\x1a\x07", "RAR"),
    (0, b"7z\xbc\xaf\x27\x1c", "7z"),
    (0, b"\x1f\x8b\x08", "gzip"),
    (257, b"ustar", "tar"),
    (0, b"%!PS", "PostScript"),
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "Microsoft Office"),
    (0, b"glTF", "glTF"),
    (0, b"ply\n", "PLY"),
    (0, b"ply\r\n", "PLY"),
    (0, b"ID3", "MP3"),
    (8, b"WAVE", "WAV"),
    (0, b"fLaC", "FLAC"),
)
_MARKUP = ((b"<svg", "SVG"), (b"<!doctype html", "HTML"), (b"<html", "HTML"))

#: TIFF: tags, the photometric interpretations and compressions that only raw photos have, and
#: what the makers' raws are called.
_DNG_VERSION, _MAKER, _SUBFILE, _PHOTOMETRIC, _COMPRESSION, _SUB_IFDS = (
    0xC612, 0x010F, 0x00FE, 0x0106, 0x0103, 0x014A)  # fmt: skip
_RAW_PHOTOMETRIC = (32803, 34892)  # colour filter array, linear raw
_RAW_COMPRESSION = (32767, 32769, 32770, 34713, 65535)  # Sony, packed, Samsung, Nikon, Pentax
_MAKERS = {"NIKON": "NEF", "SONY": "ARW", "PENTAX": "PEF", "RICOH": "PEF", "CANON": "CR2",
           "SAMSUNG": "SRW", "HASSELBLAD": "3FR", "PHASE ONE": "IIQ", "LEAF": "MOS",
           "MAMIYA": "MEF", "EPSON": "ERF", "SEIKO EPSON": "ERF", "KODAK": "DCR",
           "EASTMAN KODAK": "DCR", "LEICA": "RWL", "PANASONIC": "RW2", "OLYMPUS": "ORF",
           "FUJIFILM": "RAF", "GOPRO": "GPR"}  # fmt: skip
_MOST_IFDS, _MOST_ENTRIES = 12, 256


@dataclass(frozen=True)
class FileKind:
    """What a file is."""

    name: str  # as people know it: "NEF", "PDF"
    family: str  # raw, picture, video or other


def kind_of(source: Path | BinaryIO, name: str = "") -> FileKind | None:
    """The kind of a file that can't be used here; None for one that can, and for the unknown.

    `name` counts only where the content leaves the kind open. The place in a file stays.
    """
    if isinstance(source, Path):
        with source.open("rb") as file:
            return _kind(file, name)
    source.seek(0)
    kind = _kind(source, name)
    source.seek(0)
    return kind


def is_raw(path: Path) -> bool:
    """Whether the file is a camera's raw photo."""
    kind = kind_of(path, path.name)
    return kind is not None and kind.family == "raw"


def refuse_other_kinds(source: Path | BinaryIO, name: str) -> None:
    """Raises UserError: photo_raw, photo_other_kind, video_other_kind."""
    kind = kind_of(source, name)
    if kind is None:
        return
    codes = {"raw": "photo_raw", "video": "video_other_kind"}
    raise UserError(codes.get(kind.family, "photo_other_kind"), name=name, kind=kind.name)


def _kind(file: BinaryIO, name: str) -> FileKind | None:
    head = file.read(_HEAD)
    suffix = PurePosixPath(name.lower()).suffix
    named_raw = suffix.removeprefix(".").upper() if suffix in RAW_SUFFIXES else None
    for family, table in (("raw", _RAWS), ("picture", _PICTURES), ("video", _VIDEOS),
                          ("other", _OTHERS)):  # fmt: skip
        for offset, magic, kind in table:
            if head.startswith(magic, offset) and (kind != "BMP" or _is_bitmap(head)):
                return FileKind(kind, family)
    if head[:4] in (b"II*\0", b"MM\0*"):
        raw = _raw_in_tiff(file, head) or named_raw
        return FileKind(raw, "raw") if raw else FileKind("TIFF", "picture")
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    for tag, kind in _MARKUP:
        if start.startswith(tag) or (start.startswith((b"<?xml", b"<!--")) and tag in start):
            return FileKind(kind, "picture" if kind == "SVG" else "other")
    if _is_transport_stream(head):
        return FileKind("MPEG-TS", "video")
    return FileKind(named_raw, "raw") if named_raw and not _is_used(head) else None


def _is_used(head: bytes) -> bool:
    """Whether the content claims a kind that is read here, so that its name does not matter."""
    return is_photo(head[:HEAD]) or container_of(head[:HEAD]) is not None


def _is_bitmap(head: bytes) -> bool:
    """Reserved bytes that are zero, and a header of a length that exists."""
    return head[6:10] == bytes(4) and head[14:18] in (
        struct.pack("<I", size) for size in (12, 40, 52, 56, 64, 108, 124)
    )


def _is_transport_stream(head: bytes) -> bool:
    """Packets of 188 bytes, or of 192 with a time before each (cameras' AVCHD)."""
    return any(
        all(head[start + step * n : start + step * n + 1] == b"\x47" for n in range(2))
        for start, step in ((0, 188), (4, 192))
    )


def _raw_in_tiff(file: BinaryIO, head: bytes) -> str | None:
    """The kind of raw photo in a TIFF, or None for an ordinary one."""
    order = "<" if head[:2] == b"II" else ">"
    maker, is_raw, is_preview = "", False, False
    try:
        for number, tags in enumerate(_ifds(file, order)):
            if _DNG_VERSION in tags:
                return "DNG"
            if number == 0:
                maker = _text(file, order, tags.get(_MAKER)).upper()
                is_preview = bool(_number(order, tags.get(_SUBFILE)) & 1)
            is_raw = is_raw or _number(order, tags.get(_PHOTOMETRIC)) in _RAW_PHOTOMETRIC
            is_raw = is_raw or _number(order, tags.get(_COMPRESSION)) in _RAW_COMPRESSION
    except (OSError, struct.error, ValueError):
        pass  # cut off: what was found counts
    known = next((kind for start, kind in _MAKERS.items() if maker.startswith(start)), None)
    if is_raw:
        return known or "DNG"
    return known if is_preview else None


Entry = tuple[int, int, bytes]  # type, count, the four bytes of the value or its offset


def _ifds(file: BinaryIO, order: str) -> Iterator[dict[int, Entry]]:
    """The tags of a TIFF's directories, those of sub-directories after their parent's."""
    file.seek(4)
    waiting = [struct.unpack(f"{order}I", file.read(4))[0]]
    seen: set[int] = set()
    while waiting and len(seen) < _MOST_IFDS:
        offset = waiting.pop(0)
        if offset in seen or not offset:
            continue
        seen.add(offset)
        file.seek(offset)
        count = struct.unpack(f"{order}H", file.read(2))[0]
        tags: dict[int, Entry] = {}
        for _ in range(min(count, _MOST_ENTRIES)):
            tag, kind, length, value = struct.unpack(f"{order}HHI4s", file.read(12))
            tags[tag] = (kind, length, value)
        yield tags
        if count <= _MOST_ENTRIES:
            following = file.read(4)
            waiting += struct.unpack(f"{order}I", following) if len(following) == 4 else ()
        waiting += _offsets(file, order, tags.get(_SUB_IFDS))


def _offsets(file: BinaryIO, order: str, entry: Entry | None) -> list[int]:
    if entry is None:
        return []
    _, count, value = entry
    if count == 1:
        return [struct.unpack(f"{order}I", value)[0]]
    file.seek(struct.unpack(f"{order}I", value)[0])
    count = min(count, _MOST_IFDS)
    return list(struct.unpack(f"{order}{count}I", file.read(4 * count)))


def _number(order: str, entry: Entry | None) -> int:
    if entry is None:
        return 0
    kind, _, value = entry
    return int(struct.unpack(f"{order}H", value[:2])[0] if kind == 3 else
               struct.unpack(f"{order}I", value)[0])  # fmt: skip


def _text(file: BinaryIO, order: str, entry: Entry | None) -> str:
    if entry is None:
        return ""
    _, count, value = entry
    if count > 4:
        file.seek(struct.unpack(f"{order}I", value)[0])
        value = file.read(min(count, 64))
    return re.sub(r"[^ -~]", "", value.decode("latin-1")).strip()
