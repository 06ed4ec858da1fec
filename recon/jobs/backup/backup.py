"""Makes a backup: first the rows, all of one moment, then the files of the jobs among them.

In this order every row that is restored has its files, but for what was deleted in between, which
the manifest names. The site goes on meanwhile.
"""

from __future__ import annotations

import tempfile
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

from recon import __version__
from recon.jobs.backup import job_files, tables
from recon.jobs.backup.manifest import (
    FILES,
    FileEntry,
    Manifest,
    TableEntry,
    read_files,
    snapshot_name,
    table_name,
    write_lines,
    write_manifest,
)
from recon.jobs.backup.opening import Place, opened_for_writing
from recon.jobs.backup.stores import Store, StoreError, TarStore
from recon.jobs.folder import data_folder
from recon.models import Job


@dataclass(frozen=True)
class Made:
    """A new backup: its name, and what is in it."""

    snapshot: str
    rows: int
    files: int
    file_bytes: int
    new: int  # files that were not in the store
    running: int  # jobs of which only the photos are there
    lost: int  # files that the site's object store has not


def make(target: Place, profile: str = "") -> Made:
    """A backup of the whole site in the bucket, folder or tar file `target`; `profile` is AWS's.

    Raises StoreError, ForeignDataFolder.
    """
    data_folder.require_own()
    with opened_for_writing(target, profile) as store:
        earlier = _files_of_last(store)
        with tempfile.TemporaryDirectory(dir=store.room, prefix=".backup-") as folder:
            return _make(store, Path(folder), earlier)


def forget_old(target: Place, keep: int, profile: str = "") -> int:
    """Removes all but the newest `keep` backups of a folder or bucket. Returns how many."""
    with opened_for_writing(target, profile) as store:
        if isinstance(store, TarStore):
            raise StoreError("A tar file holds one backup; there are no older ones in it.")
        names = store.snapshots()
        old = names[: max(len(names) - keep, 0)]
        for name in old:
            store.remove_snapshot(name)
        if old:
            needed = {file.sha256 for name in store.snapshots() for file in read_files(store, name)}
            store.remove_objects(but=needed)
        return len(old)


def _make(store: Store, room: Path, earlier: dict[str, FileEntry]) -> Made:
    now = datetime.now(UTC)
    snapshot = now.strftime("%Y%m%dT%H%M%S-%fZ")
    entries, jobs, migrations = _write_tables(store, snapshot, room)
    copied = job_files.Copied()
    files = job_files.copy_all(store, jobs, earlier, copied, room)
    lines = ([file.path, file.size, file.mtime_ns, file.sha256] for file in files)
    _, digest = write_lines(room / FILES, lines)
    store.add(snapshot_name(snapshot, FILES), room / FILES)
    manifest = Manifest(
        made_at=now.isoformat(),
        product=__version__,
        migrations=migrations,
        tables=entries,
        files=copied.files,
        file_bytes=copied.file_bytes,
        files_sha256=digest,
        deleted=copied.deleted,
    )
    write_manifest(store, snapshot, manifest, room)
    rows = sum(entry.rows for entry in entries.values())
    return Made(
        snapshot,
        rows,
        copied.files,
        copied.file_bytes,
        copied.new,
        running=copied.running,
        lost=copied.lost,
    )


def _write_tables(
    store: Store, snapshot: str, room: Path
) -> tuple[dict[str, TableEntry], dict[UUID, str], dict[str, list[str]]]:
    """The tables in the store; the jobs among their rows with their status; what was migrated."""
    entries = {}
    written = []
    with tables.one_moment():
        for model in tables.tables():
            label = model._meta.label
            path = room / f"{label}.gz"
            entries[label] = TableEntry(*write_lines(path, tables.rows_of(model)))
            written.append((table_name(label), path))
        jobs = dict(Job.objects.order_by("created_at", "pk").values_list("pk", "status"))
        applied: dict[str, list[str]] = defaultdict(list)
        for app, name in MigrationRecorder(connection).applied_migrations():
            applied[app].append(name)
    for name, path in written:
        store.add(snapshot_name(snapshot, name), path)
        path.unlink()
    return entries, jobs, {app: sorted(names) for app, names in sorted(applied.items())}


def _files_of_last(store: Store) -> dict[str, FileEntry]:
    last = store.snapshots()[-1:]
    return {file.path: file for name in last for file in read_files(store, name)}
