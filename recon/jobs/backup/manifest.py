"""What a backup says about itself: `manifest.json` and the list of its files."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any

from recon.jobs.backup.stores import MANIFEST, Store, StoreError
from recon.pipeline.records import VERSION, RecordError, as_record
from recon.pipeline.workspace import write_json

#: The one file of the data folder that is no job's.
SECRET = "secret_key"  # noqa: S105  (a file's name)

#: The list of files, in a snapshot.
FILES = "files.jsonl.gz"


@dataclass(frozen=True)
class TableEntry:
    """One table, in `tables/LABEL.jsonl.gz`."""

    rows: int
    sha256: str


@dataclass(frozen=True)
class FileEntry:
    """One file of the data folder; its content is an object of the store."""

    path: str  # in the data folder
    size: int  # bytes
    mtime_ns: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """One backup. `deleted` are jobs that are among the rows, and were deleted before their files
    were copied."""

    made_at: str
    product: str  # the site's version
    migrations: dict[str, list[str]]  # of each app: those that were applied
    tables: dict[str, TableEntry]
    files: int
    file_bytes: int
    files_sha256: str  # of the list
    deleted: list[str] = field(default_factory=list)
    version: int = VERSION


def snapshot_name(snapshot: str, name: str) -> str:
    return f"snapshots/{snapshot}/{name}"


def table_name(label: str) -> str:
    return f"tables/{label}.jsonl.gz"


def write_manifest(store: Store, snapshot: str, manifest: Manifest, room: Path) -> None:
    """Makes the backup complete; everything that it lists is there by now."""
    path = room / MANIFEST
    write_json(path, asdict(manifest))
    store.add(snapshot_name(snapshot, MANIFEST), path)


def read_manifest(store: Store, snapshot: str) -> Manifest:
    """Raises StoreError."""
    name = snapshot_name(snapshot, MANIFEST)
    try:
        with store.open(name) as file:
            return as_record(json.load(file), Manifest, Path(name))
    except (ValueError, RecordError) as error:
        raise StoreError(f"{name} can't be read: {error}") from error


def write_lines(path: Path, lines: Iterable[object]) -> tuple[int, str]:
    """Writes each as a line of JSON, compressed; how many, and the SHA-256 of the file."""
    count = 0
    with gzip.GzipFile(path, "wb", compresslevel=6, mtime=0) as file:
        for line in lines:
            file.write(json.dumps(line, ensure_ascii=False).encode() + b"\n")
            count += 1
    with path.open("rb") as written:
        return count, hashlib.file_digest(written, "sha256").hexdigest()


def read_lines(file: IO[bytes]) -> Iterator[Any]:
    with gzip.GzipFile(fileobj=file) as lines:
        yield from map(json.loads, lines)


def check_digest(store: Store, name: str, sha256: str) -> None:
    """Raises StoreError where the file is not what was written."""
    with store.open(name) as file:
        if hashlib.file_digest(file, "sha256").hexdigest() != sha256:  # type: ignore[arg-type]
            raise StoreError(f"{name} is damaged: its SHA-256 is another one.")


def read_files(store: Store, snapshot: str) -> Iterator[FileEntry]:
    """The files of a backup. Raises StoreError where the list is damaged."""
    name = snapshot_name(snapshot, FILES)
    try:
        with store.open(name) as file:
            for path, size, mtime_ns, sha256 in read_lines(file):
                yield FileEntry(path, size, mtime_ns, sha256)
    except (OSError, EOFError, ValueError, TypeError) as error:
        raise StoreError(f"{name} can't be read: {error}") from error


def safe_path(path: str) -> str:
    """The path of a file in the data folder. Raises StoreError for one that leads out of it."""
    if path != SECRET and (not path.startswith("jobs/") or ".." in Path(path).parts):
        raise StoreError(f"The backup has a file {path}, which is none of a site's.")
    return path
