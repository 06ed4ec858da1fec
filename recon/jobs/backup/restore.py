"""Makes an empty site the one of a backup.

Files come first, each compared with its SHA-256 while it is copied, and rows last, in one
transaction: a restore that fails leaves the site as empty as it was.

The tables are made as they were when the backup was, filled, and then brought up to date. So a
backup of an earlier version can be restored, and one of a later version is refused.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.db import connection, transaction
from django.db.migrations.executor import MigrationExecutor

from accounts.models import User
from recon.jobs import attempts
from recon.jobs.backup import stored_files, tables
from recon.jobs.backup.manifest import (
    FILES,
    SECRET,
    FileEntry,
    Manifest,
    check_digest,
    read_files,
    read_lines,
    read_manifest,
    safe_path,
    snapshot_name,
    table_name,
)
from recon.jobs.backup.opening import Place, opened_for_reading
from recon.jobs.backup.stores import Store, StoreError, object_name
from recon.jobs.folder import data_folder, mirror, object_store, photo_files
from recon.models import Job, Photo


class NotEmpty(Exception):
    """The site has people or scenes of its own. Its text is for whoever runs it."""


@dataclass(frozen=True)
class Restored:
    """What a restore has written, or would."""

    snapshot: str
    made_at: str
    rows: int
    files: int
    file_bytes: int


def check(source: Place, snapshot: str = "", profile: str = "") -> Restored:
    """Reads all of a backup, the newest where none is named, and changes nothing.

    Raises StoreError for the first thing that is missing or not what was written.
    """
    with opened_for_reading(source, profile) as store:
        name, manifest = _chosen(store, snapshot)
        _check_tables(store, name, manifest)
        for digest, size in {file.sha256: file.size for file in read_files(store, name)}.items():
            _check_size(store, digest, size)
            check_digest(store, object_name(digest), digest)
        return _restored(name, manifest)


def restore(source: Place, snapshot: str = "", profile: str = "") -> Restored:
    """Raises NotEmpty, StoreError; DatabaseError where the database is away, NotNow where the
    site's object store is."""
    with opened_for_reading(source, profile) as store:
        name, manifest = _chosen(store, snapshot)
        require_empty()
        executor = MigrationExecutor(connection)
        targets = _targets(executor, manifest)
        _check_tables(store, name, manifest)
        for file in read_files(store, name):
            _check_size(store, file.sha256, file.size)
        with _files_in_place(store, name) as token:
            executor.migrate(targets)
            _load(executor, targets, store, name, manifest)
            call_command("migrate", interactive=False, verbosity=0)
            stored_files.list_them(store, name, token)
        data_folder.adopt()
        _settle(manifest)
        return _restored(name, manifest)


def require_empty() -> None:
    """Raises NotEmpty where the database has people or jobs, or the data folder or the object
    store has jobs."""
    there = set(connection.introspection.table_names())
    has_rows = any(
        model._meta.db_table in there and model._base_manager.exists() for model in (User, Job)
    )
    if mirror.is_used() and any("/" in key for key in object_store.all_keys()):
        raise NotEmpty(
            f"The object store {settings.STORAGE_URL} is not empty. A backup is only restored to an"
            " empty one: name another folder in the bucket (STORAGE_URL)."
        )
    if has_rows or any(_jobs_folder().glob("*")):
        raise NotEmpty(
            "This site is not empty: it has accounts or scenes. A backup is only restored to an"
            f" empty database (DATABASE_URL) and an empty data folder ({settings.DATA_DIR})."
        )


def _chosen(store: Store, snapshot: str) -> tuple[str, Manifest]:
    there = store.snapshots()
    if not there or (snapshot and snapshot not in there):
        said = f"no backup {snapshot}" if snapshot else "no complete backup"
        raise StoreError(f"There is {said}. There are: {', '.join(there) or 'none'}.")
    name = snapshot or there[-1]
    return name, read_manifest(store, name)


def _restored(name: str, manifest: Manifest) -> Restored:
    rows = sum(entry.rows for entry in manifest.tables.values())
    return Restored(name, manifest.made_at, rows, manifest.files, manifest.file_bytes)


def _check_tables(store: Store, snapshot: str, manifest: Manifest) -> None:
    check_digest(store, snapshot_name(snapshot, FILES), manifest.files_sha256)
    for label, entry in manifest.tables.items():
        check_digest(store, snapshot_name(snapshot, table_name(label)), entry.sha256)


def _check_size(store: Store, digest: str, size: int) -> None:
    found = store.size(object_name(digest))
    if found != size:
        problem = "is missing" if found is None else f"has {found} bytes instead of {size}"
        raise StoreError(f"{object_name(digest)} {problem}.")


# --- Files ---


@contextmanager
def _files_in_place(store: Store, snapshot: str) -> Iterator[str]:
    """All files are where they belong in the block; if it fails, none of them. Gives what the keys
    of this restore's objects are made with."""
    token = secrets.token_hex(16)
    try:
        _copy_files(store, snapshot, token)
        yield token
    except BaseException:
        shutil.rmtree(_jobs_folder(), ignore_errors=True)
        if mirror.is_used():
            stored_files.remove(store, snapshot, token)
        raise


def _copy_files(store: Store, snapshot: str, token: str) -> None:
    photos: dict[str, Path] = {}  # scenes of the same photos share their files
    if mirror.is_used():
        stored_files.send(store, snapshot, token, _copy_file)
    for entry in read_files(store, snapshot):
        if mirror.is_used() and entry.path != SECRET:
            continue
        path = Path(settings.DATA_DIR) / safe_path(entry.path)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        is_photo = "/upload/images/" in entry.path
        if is_photo and entry.sha256 in photos:
            photo_files.link(photos[entry.sha256], path, shown_as=path.name)
            continue
        _copy_file(store, entry, path)
        if is_photo:
            photos[entry.sha256] = path


def _copy_file(store: Store, entry: FileEntry, path: Path) -> None:
    temporary = path.with_name(f".{path.name[:200]}.partial")
    total = hashlib.sha256()
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with store.open(object_name(entry.sha256)) as source, os.fdopen(descriptor, "wb") as file:
        while part := source.read(2**20):
            total.update(part)
            file.write(part)
    if total.hexdigest() != entry.sha256:
        temporary.unlink()
        raise StoreError(f"{object_name(entry.sha256)} is damaged: its SHA-256 is another one.")
    os.utime(temporary, ns=(entry.mtime_ns, entry.mtime_ns))
    temporary.replace(path)


def _jobs_folder() -> Path:
    return Path(settings.DATA_DIR) / "jobs"


# --- Rows ---


def _targets(executor: MigrationExecutor, manifest: Manifest) -> list[tuple[str, str]]:
    """The last migrations of each app that the backup's tables had. Raises StoreError."""
    applied = {(app, name) for app, names in manifest.migrations.items() for name in names}
    if later := sorted(applied - set(executor.loader.disk_migrations)):
        raise StoreError(
            f"The backup was made by another version of InstaRecon3D ({manifest.product}, with"
            f" {'.'.join(later[-1])}), which this one can't read. Restore it with that version."
        )
    nodes = executor.loader.graph.node_map
    return sorted(
        one
        for one in applied
        if not any(child.key in applied and child.key[0] == one[0] for child in nodes[one].children)
    )


def _load(
    executor: MigrationExecutor,
    targets: list[tuple[str, str]],
    store: Store,
    snapshot: str,
    manifest: Manifest,
) -> None:
    registry = executor.loader.project_state(targets).apps
    models = {model._meta.label: model for model in tables.tables(registry)}
    if unknown := manifest.tables.keys() - models.keys():
        raise StoreError(f"The backup has a table that this site has not: {min(unknown)}.")
    with transaction.atomic():
        tables.empty(models.values())
        for label, entry in manifest.tables.items():
            try:
                with store.open(snapshot_name(snapshot, table_name(label))) as file:
                    written = tables.load(models[label], read_lines(file))
            except (ValueError, ValidationError) as error:
                raise StoreError(f"The rows of {label} can't be read: {error}") from error
            if written != entry.rows:
                raise StoreError(f"{label} has {written} rows instead of {entry.rows}.")
        tables.go_on_counting(list(models.values()))
    ContentType.objects.clear_cache()  # their numbers are the backup's now


def _settle(manifest: Manifest) -> None:
    """What was going on when the backup was made is not going on here."""
    for job in Job.objects.filter(pk__in=manifest.deleted):
        job.delete()
    for draft in Job.objects.filter(status=Job.Status.DRAFT):
        draft.workspace.upload.mkdir(parents=True, exist_ok=True)
        gone = [photo.pk for photo in draft.photos.all() if not _has(draft, photo)]
        Photo.objects.filter(pk__in=gone).delete()
    for job in Job.objects.filter(status=Job.Status.PROCESSING):
        attempts.hand_back(job.pk, job.attempt)


def _has(draft: Job, photo: Photo) -> bool:
    return mirror.has(draft, mirror.path_of(draft, photo.path))
