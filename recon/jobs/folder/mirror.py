"""Jobs' folders on several machines: the object store has each file, a machine what it needs of
them.

With an object store (`recon.jobs.folder.object_store`), nothing but that, the database and Redis is
shared, and `DATA_DIR/jobs` is a machine's own: a worker's while it runs a job, else a copy of what
was asked for. `StoredFile` rows say what a job's folder has. Whoever has written files there sends
them with `upload`, and lists them with `record` in the transaction that makes them true; whoever
reads files there asks for them with `pull` first. Without an object store the folder itself is
shared, and all of this does nothing.

Files that one machine can make anew from others (small copies of photos, say) are not sent.
"""

from __future__ import annotations

import logging
import os
import secrets
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

from django.db import transaction
from django.db.models import Q, QuerySet

from recon.jobs.folder import lock as folder_lock
from recon.jobs.folder import object_store
from recon.models import Job, StoredFile

logger = logging.getLogger(__name__)

#: How long a request waits while another on this machine fetches files of the same job, seconds.
PULL_WAIT_S = 60.0
PULLING = "pulling"

#: How long a signed address works, seconds: time to begin, not to end.
SIGNED_FOR_S = 300

is_used = object_store.is_used


def path_of(job: Job, path: Path) -> str:
    """A file of the job's folder as rows name it."""
    return path.relative_to(job.folder).as_posix()


def make_folder(job: Job) -> None:
    """Each machine has a folder of its own for a job that exists, made when it is first needed."""
    if is_used() and Job.objects.filter(pk=job.pk).exists():
        job.workspace.upload.mkdir(parents=True, exist_ok=True)


def has(job: Job, path: str) -> bool:
    """Whether the job's folder has this file, here or in the store."""
    return (job.folder / path).is_file() or (is_used() and rows(job, [path]).exists())


def pull(job: Job, *paths: str, exactly: bool = False) -> None:
    """Makes files or folders of the job's folder, or all of it, as the store has them.

    A file that the store does not have is left alone, or removed with `exactly`. Does nothing
    where a process of this machine writes in the folder: what lies here is the newest then. Raises
    NotNow, also where others fetch the same for long; an object
    that the store has lost is left out and logged.
    """
    if not is_used() or not _differs(job, paths, exactly=exactly):
        return
    job.folder.mkdir(parents=True, exist_ok=True)
    try:
        with (
            folder_lock.hold_place(job.folder / PULLING, wait_s=PULL_WAIT_S),
            suppress(folder_lock.FolderBusy),
            folder_lock.hold(job.folder),
        ):
            pull_here(job, *paths, exactly=exactly)
    except folder_lock.FolderBusy as error:
        raise object_store.NotNow("too_busy") from error


def pull_here(job: Job, *paths: str, exactly: bool = False) -> None:
    """The same for a process that holds the folder's lock itself."""
    if not is_used():
        return
    (job.folder / folder_lock.LOCK_NAME).touch()  # `evict` goes by it
    wanted = list(rows(job, paths))
    for row in wanted:
        _fetch(job, row)
    if exactly:
        for path in _others(job, paths, {row.path for row in wanted}):
            path.unlink(missing_ok=True)


def upload(job: Job, paths: Iterable[Path]) -> list[StoredFile]:
    """Sends files of the job's folder, and returns rows that are not saved: see `record`.

    Raises NotNow, FileNotFoundError.
    """
    if not is_used():
        return []
    return [_sent(job, path) for path in paths]


def record(files: Collection[StoredFile]) -> None:
    """Lists what `upload` sent, in the transaction around it; what was there before goes when that
    commits."""
    for job_id in {file.job_id for file in files}:
        paths = [file.path for file in files if file.job_id == job_id]
        before = StoredFile.objects.filter(job=job_id, path__in=paths)
        old = list(before.values_list("key", flat=True))
        before.delete()
        remove_unlisted_on_commit(old)
    StoredFile.objects.bulk_create(files)


def record_as(path: Path, files: Collection[StoredFile]) -> None:
    """`record` for the one file that `upload` sent and that is called `path` now."""
    for file in files:
        file.path = path_of(file.job, path)
    record(files)


def keep(job: Job, *paths: Path) -> bool:
    """`upload` and `record` for files that nothing else hangs on. False where the job is gone."""
    if not is_used():
        return True
    files = upload(job, paths)
    with transaction.atomic():
        if not Job.objects.select_for_update().filter(pk=job.pk).order_by().exists():
            remove_unlisted_on_commit([file.key for file in files])
            return False
        record(files)
    return True


def link(source: Job, job: Job, paths: dict[str, str]) -> list[StoredFile]:
    """Rows of `job`, not saved, with the content of files of `source`: `paths` maps the latter's to
    the former's. Nothing is copied. Call it in the transaction that saves them: it locks `source`,
    so that it is not deleted meanwhile."""
    if not is_used():
        return []
    list(Job.objects.select_for_update().filter(pk=source.pk).order_by())
    return [
        StoredFile(job=job, path=paths[row.path], key=row.key, sha256=row.sha256, size=row.size,
                   changed_ns=row.changed_ns)
        for row in rows(source, list(paths))
    ]  # fmt: skip


def forget(job: Job, *paths: str) -> None:
    """Takes files, folders, or all of the job's off the store, when the transaction commits."""
    if not is_used():
        return
    gone = rows(job, paths)
    keys = list(gone.values_list("key", flat=True))
    gone.delete()
    remove_unlisted_on_commit(keys)


def keys_of(job: Job) -> list[str]:
    """The objects of a job that is about to be deleted, for `remove_unlisted`."""
    return list(rows(job).values_list("key", flat=True)) if is_used() else []


def address_of(job: Job, path: str, *, name: str, media_type: str) -> str | None:
    """Where anybody can fetch a file from the store, for some minutes, saved as `name`; None where
    the store does not have it."""
    row = rows(job, [path]).first()
    if row is None:
        return None
    return object_store.address_of(row.key, name=name, media_type=media_type, seconds=SIGNED_FOR_S)


def remove_unlisted(keys: Collection[str]) -> None:
    """Deletes those objects that no row names."""
    if not keys:
        return
    listed = set(StoredFile.objects.filter(key__in=keys).values_list("key", flat=True))
    object_store.remove(sorted(set(keys) - listed))


def rows(job: Job, paths: Collection[str] = ()) -> QuerySet[StoredFile]:
    """Of these files, and of all below these folders; without any, of the whole folder."""
    chosen = Q()
    for path in paths:
        chosen |= Q(path=path) | Q(path__startswith=f"{path}/")
    return StoredFile.objects.filter(chosen, job=job).order_by("path")


def _sent(job: Job, path: Path) -> StoredFile:
    facts, digest = path.stat(), object_store.digest_of(path)
    # Its own each time: nobody else's removal can mean it.
    key = f"{job.pk}/{digest[:16]}-{secrets.token_hex(8)}"
    object_store.upload(path, key)
    return StoredFile(
        job=job,
        path=path_of(job, path),
        key=key,
        sha256=digest,
        size=facts.st_size,
        changed_ns=facts.st_mtime_ns,
    )


def files_in(job: Job, *paths: str) -> list[Path]:
    """The files here that lie in these folders of the job's folder, or in all of it. Hidden ones
    are somebody's work, and small copies are made anew where they are asked for."""
    found = []
    for start in [job.folder / path for path in paths] or [job.folder]:
        for path in sorted(start.rglob("*")):
            parts = path.relative_to(job.folder).parts
            if parts[0] != "thumbs" and not any(p.startswith(".") for p in parts):
                found += [path] if path.is_file() else []
    return found


def _differs(job: Job, paths: Collection[str], *, exactly: bool) -> bool:
    wanted = list(rows(job, paths))
    if not all(is_current(job, row) for row in wanted):
        return True
    return exactly and any(_others(job, paths, {row.path for row in wanted}))


def is_current(job: Job, row: StoredFile) -> bool:
    """Whether the file lies here as the row says."""
    try:
        here = (job.folder / row.path).stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    return (here.st_size, here.st_mtime_ns) == (row.size, row.changed_ns)


def _fetch(job: Job, row: StoredFile) -> None:
    if is_current(job, row):
        return
    path = job.folder / row.path
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        object_store.download(row.key, path, sha256=row.sha256)
        os.utime(path, ns=(row.changed_ns, row.changed_ns))  # the same ETag on all machines
    except object_store.ObjectMissing:
        logger.error("Job %s: the object store has lost %s (%s)", job.pk, row.path, row.key)


def _others(job: Job, paths: Collection[str], listed: Collection[str]) -> Iterator[Path]:
    """The files here that are not listed; hidden ones are somebody's work."""
    for start in [job.folder / path for path in paths] or [job.folder]:
        for path in list(start.rglob("*")) if start.is_dir() else [start]:
            name = path.relative_to(job.folder).as_posix()
            if path.is_file() and name not in listed and not path.name.startswith("."):
                yield path


def remove_unlisted_on_commit(keys: Collection[str]) -> None:
    if keys:
        transaction.on_commit(partial(remove_unlisted, keys))
