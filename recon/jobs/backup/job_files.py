"""Jobs' folders on their way into a backup: what is copied, and why it fits the rows."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

from django.conf import settings

from recon.jobs.backup.manifest import SECRET, FileEntry
from recon.jobs.backup.stores import Store, StoreError, keep_file, object_name
from recon.jobs.folder import lock as folder_lock
from recon.jobs.folder import mirror, object_store
from recon.models import Job, StoredFile
from recon.pipeline.workspace import Workspace

logger = logging.getLogger(__name__)

#: Somebody chooses a cover, say. A worker holds the lock for much longer.
LOCK_WAIT_S = 2.0

#: How often the list of a job's files is read before one of them counts as lost.
LOOKS = 3


@dataclass
class Copied:
    """What one backup has copied so far."""

    files: int = 0
    file_bytes: int = 0
    new: int = 0  # files that the store did not have by name, size and time
    running: int = 0  # jobs of which only the photos are there
    lost: int = 0  # files that are listed, and that the site's object store has not
    deleted: list[str] = field(default_factory=list)  # jobs


def copy_all(
    store: Store,
    jobs: Mapping[UUID, str],
    earlier: Mapping[str, FileEntry],
    copied: Copied,
    room: Path,
) -> Iterator[FileEntry]:
    """Adds the files of `jobs` (each with the status that its row had) and the secret key to the
    store, and gives them one by one. `room` is for what is on its way.

    With an object store, a job's files are those that its rows list, and they never change. Else
    its folder is read under its lock, so that nobody writes there meanwhile. Where a worker holds
    it, only the photos are copied, which never change: what is half done is no use to anybody, and
    the restored job begins again. `earlier` are the files of the backup before this one: what has
    the same size and time is not read again.
    """
    data = Path(settings.DATA_DIR)
    paths = [data / SECRET] if (data / SECRET).is_file() else []
    for path in paths:
        yield _copy(store, path, path.stat(), earlier, copied)
    for pk, status in jobs.items():
        if mirror.is_used():
            yield from _copy_stored(store, pk, copied, room)
            continue
        for path in _files_of_job(pk, status, copied):
            try:
                yield _copy(store, path, path.stat(), earlier, copied)
            except FileNotFoundError:
                continue  # a photo was taken out of a draft


def _copy_stored(store: Store, pk: UUID, copied: Copied, room: Path) -> Iterator[FileEntry]:
    """The files of a job that the site's object store has. Raises StoreError.

    Objects never change, but one goes when its file is replaced: then the rows are read again.
    """
    done: dict[str, FileEntry] = {}
    lost: list[StoredFile] = []
    for _ in range(LOOKS):
        rows = list(StoredFile.objects.filter(job_id=pk).order_by("path"))
        done = {row.path: done[row.path] for row in rows if _is_done(row, done.get(row.path))}
        lost = []
        for row in rows:
            if row.path in done:
                continue
            try:
                done[row.path] = _keep_stored(store, row, copied, room)
            except object_store.ObjectMissing:
                lost.append(row)
        if not lost:
            break
    for row in lost:
        logger.error("Job %s: the object store has lost %s (%s)", pk, row.path, row.key)
    copied.lost += len(lost)
    copied.files += len(done)
    copied.file_bytes += sum(entry.size for entry in done.values())
    yield from done.values()
    if not done and not Job.objects.filter(pk=pk).exists():
        copied.deleted.append(str(pk))


def _is_done(row: StoredFile, entry: FileEntry | None) -> bool:
    return entry is not None and entry.sha256 == row.sha256


def _keep_stored(store: Store, row: StoredFile, copied: Copied, room: Path) -> FileEntry:
    """Raises ObjectMissing, StoreError."""
    name = object_name(row.sha256)
    if store.size(name) != row.size:
        fetched = room / "fetched"
        try:
            object_store.download(row.key, fetched, sha256=row.sha256)
        except object_store.NotNow as error:
            raise StoreError(
                f"{row.key} can't be read from the site's object store, or is not what was sent"
                f" there: {error.__cause__}"
            ) from error
        store.add(name, fetched)
        fetched.unlink()
        copied.new += 1
    return FileEntry(f"jobs/{row.job_id}/{row.path}", row.size, row.changed_ns, row.sha256)


def _files_of_job(pk: UUID, status: str, copied: Copied) -> Iterator[Path]:
    workspace = Workspace(Path(settings.DATA_DIR) / "jobs" / str(pk))
    try:
        if status == Job.Status.PROCESSING:
            raise folder_lock.FolderBusy
        with folder_lock.hold(workspace.root, wait_s=LOCK_WAIT_S):
            yield from _files(workspace.root)
    except folder_lock.FolderBusy:
        copied.running += 1
        yield from _files(workspace.upload)
    except FileNotFoundError:
        pass  # staff deleted the files, or somebody the job
    if not workspace.root.is_dir() and not Job.objects.filter(pk=pk).exists():
        copied.deleted.append(str(pk))


def _files(root: Path) -> list[Path]:
    """The files below `root`, in order; nothing hidden: locks, marks and half-made things."""
    found = []
    for folder, folders, names in os.walk(root):
        folders[:] = [name for name in folders if not name.startswith(".")]
        paths = (Path(folder) / name for name in names if not name.startswith("."))
        found += [path for path in paths if path.is_file() and not path.is_symlink()]
    return sorted(found)


def _copy(
    store: Store,
    path: Path,
    facts: os.stat_result,
    earlier: Mapping[str, FileEntry],
    copied: Copied,
) -> FileEntry:
    name = path.relative_to(settings.DATA_DIR).as_posix()
    known = earlier.get(name)
    is_same = known and (known.size, known.mtime_ns) == (facts.st_size, facts.st_mtime_ns)
    if known and is_same and store.size(object_name(known.sha256)) == known.size:
        digest = known.sha256
    else:
        digest = keep_file(store, path)
        copied.new += 1
    copied.files += 1
    copied.file_bytes += facts.st_size
    return FileEntry(name, facts.st_size, facts.st_mtime_ns, digest)
