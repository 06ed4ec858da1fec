"""A zip of photos, perhaps with their camera positions: what is in it, within limits.

A zip may be made to hurt whoever opens it: a few kilobytes that unpack to gigabytes, zips in zips,
names that lead out of a folder. So names and declared sizes are looked at first, and each file is
read to its declared size at most. Runs in a decoding process (`decoding.tasks`).
"""

from __future__ import annotations

import re
import stat
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import BinaryIO, Literal

from recon.pipeline.errors import UserError
from recon.pipeline.photos.media import PHOTO_SUFFIXES
from recon.poses.pose_files.finding import MOST_BYTES as MOST_POSE_BYTES
from recon.poses.pose_files.finding import pose_files_among

Kind = Literal["photo", "poses"]

_STARTS = (b"PK\x03\x04", b"PK\x05\x06")  # the second: one without files
_MOST_FILES = 10_000
#: Bytes that one packed byte may become: text packs to a tenth, photos hardly at all.
_MOST_RATIO = 100
_MAY_BE_TINY = 2**20  # bytes: below, a ratio says nothing
_ENCRYPTED = 0x1
#: Smaller copies of `images` that nerfstudio and others put beside it.
_SMALLER_COPY = re.compile(r"(.+)_(2|4|8)$")

_DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, NotImplementedError,
            RuntimeError, KeyError, IndexError, OverflowError)  # fmt: skip


@dataclass(frozen=True)
class ZipLimits:
    """How much may come out of a zip."""

    max_photos: int
    min_photos: int  # only said
    max_bytes: int  # of all that is unpacked
    max_photo_bytes: int  # of one photo

    def check_count(self, count: int) -> None:
        if count > self.max_photos:
            facts = {"count": count, "minimum": self.min_photos, "maximum": self.max_photos}
            raise UserError("too_many_photos", **facts)


@dataclass(frozen=True)
class UnpackedFile:
    """One file that was in the zip."""

    kind: Kind
    path: str  # in the zip
    content: bytes


def is_zip(head: bytes) -> bool:
    """Whether a file that begins so is one."""
    return head.startswith(_STARTS)


def unpack(file: BinaryIO, name: str, limits: ZipLimits) -> Iterator[UnpackedFile]:
    """The zip's photos, then the files of its camera positions, by path.

    Raises UserError: zip_unreadable, zip_encrypted, zip_unsafe, zip_nested, zip_too_large,
    zip_photo_too_large, zip_without_photos, too_many_photos.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            entries = _safe_entries(archive, name, limits)
            photos, poses = _wanted(entries)
            if not photos and not poses:
                raise UserError("zip_without_photos", name=name)
            limits.check_count(len(photos))
            _check_sizes([*photos, *poses], name, limits.max_bytes)
            _check_each(photos, name, limits.max_photo_bytes)
            _check_sizes(poses, name, MOST_POSE_BYTES)
            for kind, chosen in (("photo", photos), ("poses", poses)):
                for entry in chosen:
                    content = archive.read(entry)
                    yield UnpackedFile(kind, entry.filename, content)  # type: ignore[arg-type]
    except _DAMAGED as error:
        raise UserError("zip_unreadable", name=name) from error


def _safe_entries(archive: zipfile.ZipFile, name: str, limits: ZipLimits) -> list[zipfile.ZipInfo]:
    """The files, without what systems hide in zips."""
    entries = archive.infolist()
    if len(entries) > _MOST_FILES:
        raise UserError("zip_too_large", name=name, limit_mb=limits.max_bytes // 2**20)
    for entry in entries:
        if not _stays_inside(entry):
            raise UserError("zip_unsafe", name=name, entry=_printable(entry.filename))
    files = [entry for entry in entries if not entry.is_dir() and not _is_hidden(entry)]
    if any(entry.filename.lower().endswith(".zip") for entry in files):
        raise UserError("zip_nested", name=name)
    if any(entry.flag_bits & _ENCRYPTED for entry in files):
        raise UserError("zip_encrypted", name=name)
    return files


def _stays_inside(entry: zipfile.ZipInfo) -> bool:
    """Whether its name leads nowhere else, and it is a file or a folder."""
    name = entry.orig_filename.replace("\\", "/")
    mode = entry.external_attr >> 16
    kind = stat.S_IFMT(mode)
    return not (
        name.startswith("/")
        or re.match(r"[A-Za-z]:", name)
        or ".." in name.split("/")
        or "\0" in name
        or kind not in (0, stat.S_IFREG, stat.S_IFDIR)
    )


def _is_hidden(entry: zipfile.ZipInfo) -> bool:
    return any(
        part.startswith(".") or part == "__MACOSX" for part in PurePosixPath(entry.filename).parts
    )


def _wanted(
    entries: Sequence[zipfile.ZipInfo],
) -> tuple[list[zipfile.ZipInfo], list[zipfile.ZipInfo]]:
    """The photos, and the files of camera positions."""
    by_name = {entry.filename: entry for entry in entries}
    photos = [entry for entry in entries if entry.filename.lower().endswith(PHOTO_SUFFIXES)]
    folders = {str(PurePosixPath(entry.filename).parent) for entry in photos}
    photos = [entry for entry in photos if not _is_smaller_copy(entry, folders)]
    poses = [by_name[name] for name in pose_files_among(list(by_name))]
    return sorted(photos, key=lambda entry: entry.filename), poses


def _is_smaller_copy(entry: zipfile.ZipInfo, folders: set[str]) -> bool:
    found = _SMALLER_COPY.match(str(PurePosixPath(entry.filename).parent))
    return found is not None and found.group(1) in folders


def _check_sizes(entries: Sequence[zipfile.ZipInfo], name: str, most: int) -> None:
    """By what the zip declares: no more than that is read."""
    total = sum(entry.file_size for entry in entries)
    if total > most:
        raise UserError("zip_too_large", name=name, limit_mb=most // 2**20)
    for entry in entries:
        packed = max(entry.compress_size, 1)
        if entry.file_size > _MAY_BE_TINY and entry.file_size / packed > _MOST_RATIO:
            raise UserError("zip_too_large", name=name, limit_mb=most // 2**20)


def _check_each(photos: Sequence[zipfile.ZipInfo], name: str, most: int) -> None:
    for photo in photos:
        if photo.file_size > most:
            facts = {"entry": _printable(photo.filename), "limit_mb": most / 2**20}
            raise UserError("zip_photo_too_large", name=name, **facts)


def _printable(name: str) -> str:
    return "".join(c for c in name if c.isprintable())[:100]
