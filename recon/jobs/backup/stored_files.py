"""The files of a restored site that has an object store: sent there, and listed.

An object's key follows from the file and from a token of the restore, so what was sent first is
listed later without a word in between, however many files there are.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from uuid import UUID

from django.conf import settings
from django.db import transaction

from recon.jobs.backup.manifest import SECRET, FileEntry, read_files, safe_path
from recon.jobs.backup.stores import Store, StoreError
from recon.jobs.folder import mirror, object_store
from recon.models import StoredFile

#: Rows of one INSERT, and objects of one removal.
BATCH = 500

Copy = Callable[[Store, FileEntry, Path], None]


def send(store: Store, snapshot: str, token: str, copy: Copy) -> None:
    """Each file on its own by way of this machine's disk, where `copy` compares its checksum.

    Raises StoreError, NotNow.
    """
    with tempfile.TemporaryDirectory(dir=settings.DATA_DIR, prefix=".restore-") as folder:
        path = Path(folder) / "file"
        for entry, key, is_new in _placed(store, snapshot, token):
            if is_new:
                copy(store, entry, path)
                object_store.upload(path, key)
                path.unlink()


def list_them(store: Store, snapshot: str, token: str) -> None:
    """The rows of what was sent, in place of the backup's; without an object store, none."""
    with transaction.atomic():
        StoredFile.objects.all().delete()
        if not mirror.is_used():
            return
        placed = _placed(store, snapshot, token)
        while some := list(islice(placed, BATCH)):
            StoredFile.objects.bulk_create(_row(entry, key) for entry, key, _ in some)


def remove(store: Store, snapshot: str, token: str) -> None:
    """What was sent, as much of it as there is."""
    keys = (key for _, key, is_new in _placed(store, snapshot, token) if is_new)
    while some := list(islice(keys, BATCH)):
        object_store.remove(some)


def _placed(store: Store, snapshot: str, token: str) -> Iterator[tuple[FileEntry, str, bool]]:
    """The jobs' files, the key of each, and whether that is new: scenes of the same photos share
    theirs."""
    photos: dict[str, str] = {}
    for entry in read_files(store, snapshot):
        if safe_path(entry.path) == SECRET:
            continue
        job, path = _job_and_path(entry)
        own = hashlib.sha256(f"{token}/{entry.path}".encode()).hexdigest()[:16]
        key = f"{job}/{entry.sha256[:16]}-{own}"
        is_photo = path.startswith("upload/images/")
        if is_photo and entry.sha256 in photos:
            yield entry, photos[entry.sha256], False
            continue
        if is_photo:
            photos[entry.sha256] = key
        yield entry, key, True


def _row(entry: FileEntry, key: str) -> StoredFile:
    job, path = _job_and_path(entry)
    return StoredFile(
        job_id=job,
        path=path,
        key=key,
        sha256=entry.sha256,
        size=entry.size,
        changed_ns=entry.mtime_ns,
    )


def _job_and_path(entry: FileEntry) -> tuple[UUID, str]:
    try:
        _, job, path = entry.path.split("/", 2)
        return UUID(job), path
    except ValueError as error:
        raise StoreError(
            f"The backup has a file {entry.path}, which is none of a job's."
        ) from error
