"""Where backups lie: in a folder or a bucket, which hold many and each file's content once, or in
a tar file, which holds one.

All have the same names in them, so a folder may be packed by hand and a tar file unpacked:

    objects/ab/abcdef…          the content of a file, by its SHA-256
    snapshots/NAME/…            one backup: its manifest, its tables, the list of its files
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Protocol

MANIFEST = "manifest.json"
MANIFESTS = re.compile(rf"snapshots/([^/]+)/{re.escape(MANIFEST)}")
#: What `object_name` makes: its folder, and the digest.
OBJECT = re.compile(r"objects/([0-9a-f]{2})/([0-9a-f]{64})")


class StoreError(Exception):
    """A store that can't be read or written. Its text is for whoever runs the site."""


class Store(Protocol):
    """What a backup is written to and read from, by names with slashes."""

    #: A folder beside what is written, for what is still being made.
    room: Path

    def snapshots(self) -> list[str]:
        """The names of the complete backups, the oldest first."""

    def size(self, name: str) -> int | None:
        """In bytes; None where there is nothing of that name."""

    def open(self, name: str) -> IO[bytes]:
        """Raises StoreError where there is nothing of that name."""

    def add(self, name: str, source: Path) -> None:
        """Copies the file `source` under a name that is new."""


class Shelf(Store, Protocol):
    """One that holds many backups."""

    def remove_snapshot(self, name: str) -> None:
        """The manifest first: what has none counts for nothing."""

    def remove_objects(self, but: set[str]) -> int:
        """Removes the contents that no backup needs: all whose digest is not in `but`."""


def object_name(digest: str) -> str:
    return f"objects/{digest[:2]}/{digest}"


def keep_file(store: Store, source: Path) -> str:
    """Adds the file, unless its content is there already. Returns its SHA-256."""
    with source.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if store.size(object_name(digest)) is None:
        store.add(object_name(digest), source)
    return digest


class FolderStore:
    """A folder. Backups in it share the files that have not changed between them."""

    def __init__(self, folder: Path) -> None:
        self.folder = self.room = folder

    def snapshots(self) -> list[str]:
        found = (self.folder / "snapshots").glob(f"*/{MANIFEST}")
        return sorted(path.parent.name for path in found)

    def size(self, name: str) -> int | None:
        try:
            return (self.folder / name).stat().st_size
        except FileNotFoundError:
            return None

    def open(self, name: str) -> IO[bytes]:
        try:
            return (self.folder / name).open("rb")
        except FileNotFoundError as error:
            raise StoreError(f"{self.folder} has no {name}.") from error

    def add(self, name: str, source: Path) -> None:
        path = self.folder / name
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.name}.partial")
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with source.open("rb") as original, os.fdopen(descriptor, "wb") as file:
            shutil.copyfileobj(original, file, 2**20)
            file.flush()
            os.fsync(descriptor)  # what a manifest lists is on the disk before it is
        temporary.replace(path)

    def remove_snapshot(self, name: str) -> None:
        """The manifest first: what has none counts for nothing."""
        folder = self.folder / "snapshots" / name
        (folder / MANIFEST).unlink()
        shutil.rmtree(folder)

    def remove_objects(self, but: set[str]) -> int:
        """Removes the contents that no backup needs: all whose digest is not in `but`."""
        found = [path for path in (self.folder / "objects").glob("*/*") if path.name not in but]
        for path in found:
            path.unlink()
        return len(found)


class TarStore:
    """A tar file, written from beginning to end once, or read."""

    def __init__(self, path: Path, archive: tarfile.TarFile) -> None:
        self.room = path.parent
        self._path, self._archive = path, archive
        self._members = {member.name: member for member in _members(path, archive)}

    def snapshots(self) -> list[str]:
        found = (MANIFESTS.fullmatch(name) for name in self._members)
        return sorted(match[1] for match in found if match)

    def size(self, name: str) -> int | None:
        member = self._members.get(name)
        return member.size if member else None

    def open(self, name: str) -> IO[bytes]:
        member = self._members.get(name)
        file = self._archive.extractfile(member) if member else None
        if file is None:
            raise StoreError(f"{self._path} has no {name}.")
        return file

    def add(self, name: str, source: Path) -> None:
        with source.open("rb") as file:
            member = self._archive.gettarinfo(arcname=name, fileobj=file)
            member.mode, member.uid, member.gid, member.uname, member.gname = 0o600, 0, 0, "", ""
            self._archive.addfile(member, file)
        self._members[name] = member


def _members(path: Path, archive: tarfile.TarFile) -> list[tarfile.TarInfo]:
    if archive.mode != "r":
        return []
    try:
        return archive.getmembers()
    except tarfile.TarError as error:
        raise StoreError(f"{path} is damaged: {error}") from error


@contextmanager
def folder_for_writing(path: Path) -> Iterator[FolderStore]:
    """One writer at a time. Raises StoreError."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _only_one(path):
        yield FolderStore(path)


@contextmanager
def archive_for_writing(path: Path) -> Iterator[TarStore]:
    """A tar file that is there once the block ends well. Raises StoreError."""
    if path.exists():
        raise StoreError(f"{path} is there already; a tar file holds one backup.")
    temporary = path.with_name(f".{path.name}.partial")
    try:
        descriptor = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file, tarfile.open(fileobj=file, mode="w") as archive:
            yield TarStore(path, archive)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def archive_for_reading(path: Path) -> Iterator[TarStore]:
    """Raises StoreError."""
    try:
        archive = tarfile.open(path, mode="r:")  # noqa: SIM115  (closed below)
    except (OSError, tarfile.TarError) as error:
        raise StoreError(f"{path} can't be read as a backup: {error}") from error
    with archive:
        yield TarStore(path, archive)


@contextmanager
def _only_one(folder: Path) -> Iterator[None]:
    with (folder / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StoreError(f"Another backup is being written to {folder}.") from None
        yield
