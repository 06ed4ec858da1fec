"""Jobs' folders on their way into a backup: what is copied, and why it fits the rows."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

from django.conf import settings

from recon.jobs.backup.manifest import FileEntry
from recon.jobs.backup.stores import Store, keep_file, object_name
from recon.jobs.folder import lock as folder_lock
from recon.models import Job
from recon.pipeline.workspace import Workspace

#: Somebody chooses a cover, say. A worker holds the lock for much longer.
LOCK_WAIT_S = 2.0

SECRET = "secret_key"  # noqa: S105  (a file's name)


@dataclass
class Copied:
    """What one backup has copied so far."""

    files: int = 0
    file_bytes: int = 0
    new: int = 0  # files that the store did not have by name, size and time
    running: int = 0  # jobs of which only the photos are there
    deleted: list[str] = field(default_factory=list)  # jobs


def copy_all(
    store: Store,
    jobs: Mapping[UUID, str],
    earlier: Mapping[str, FileEntry],
    copied: Copied,
) -> Iterator[FileEntry]:
    """Adds the files of `jobs` (each with the status that its row had) and the secret key to the
    store, and gives them one by one.

    A job's folder is read under its lock, so that nobody writes there meanwhile. Where a worker
    holds it, only the photos are copied, which never change: what is half done is no use to
    anybody, and the restored job begins again. `earlier` are the files of the backup before this
    one: what has the same size and time is not read again.
    """
    data = Path(settings.DATA_DIR)
    paths = [data / SECRET] if (data / SECRET).is_file() else []
    for path in paths:
        yield _copy(store, path, path.stat(), earlier, copied)
    for pk, status in jobs.items():
        for path in _files_of_job(pk, status, copied):
            try:
                yield _copy(store, path, path.stat(), earlier, copied)
            except FileNotFoundError:
                continue  # a photo was taken out of a draft


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
