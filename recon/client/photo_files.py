"""Which files on this machine are sent: photos and videos, recognised by their first bytes.

The site looks at each of them properly; here is only decided what is worth sending.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from recon.client.errors import WrongUse

_CHUNK = 1 << 20  # bytes
_JPEG, _PNG, _EBML = b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"\x1aE\xdf\xa3"
#: Brands of the box format that HEIC and AVIF photos share with videos.
_PHOTO_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1", b"avif",
                 b"avis")  # fmt: skip
#: That of Canon's raw photos, which are neither.
_RAW_BRAND = b"crx "


@dataclass(frozen=True)
class PhotoFile:
    """A photo or a video to send."""

    path: Path
    sha256: str
    size: int  # bytes
    is_video: bool

    @property
    def name(self) -> str:
        """What the site is told. On this machine it may have bytes that are no text."""
        return sendable(self.path.name)


def sendable(name: str) -> str:
    """`name` with a question mark for each byte that is no text."""
    return name.encode(errors="replace").decode()


def find(paths: Iterable[Path]) -> tuple[list[PhotoFile], list[Path]]:
    """The photos and videos among the files, and those in the folders, by name; and the files that
    are neither. A file that is byte for byte the same as an earlier one is not repeated.

    Raises WrongUse where a path is not there or can't be read.
    """
    chosen: dict[str, PhotoFile] = {}
    others = []
    for path in paths:
        for file in _files_in(path):
            try:
                found = _look_at(file)
            except OSError as error:
                raise WrongUse(f"{file} can't be read: {error.strerror}.") from error
            if found is None:
                others.append(file)
            else:
                chosen.setdefault(found.sha256, found)
    return list(chosen.values()), others


def _files_in(path: Path) -> list[Path]:
    if path.is_dir():
        found = [file for file in path.iterdir() if file.is_file() and file.name[:1] != "."]
        return sorted(found, key=lambda file: file.name)
    if not path.is_file():
        raise WrongUse(f"{path} is not there, or is not a file.")
    return [path]


def _look_at(path: Path) -> PhotoFile | None:
    with path.open("rb") as file:
        head = file.read(16)
        kind = kind_of(head)
        if kind is None:
            return None
        digest, size = hashlib.sha256(head), len(head)
        while piece := file.read(_CHUNK):
            digest.update(piece)
            size += len(piece)
    return PhotoFile(path, digest.hexdigest(), size, is_video=kind == "video")


def kind_of(head: bytes) -> str | None:
    """ "photo", "video" or None, by a file's first 16 bytes."""
    if head.startswith((_JPEG, _PNG)) or (head[:4] == b"RIFF" and head[8:12] == b"WEBP"):
        return "photo"
    if head[4:8] == b"ftyp":
        brand = head[8:12]
        return "photo" if brand in _PHOTO_BRANDS else None if brand == _RAW_BRAND else "video"
    old_movie = head[4:8] in (b"moov", b"mdat", b"wide", b"free", b"skip")
    return "video" if head.startswith(_EBML) or old_movie else None
