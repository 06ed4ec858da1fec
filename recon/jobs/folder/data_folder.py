"""Ties database and data folder together: a token is in both, and changes all the time.

Rows say where work stands, the folder has the work. With another folder under the same database,
`reconcile` would take every missing job folder for a dead worker and end what runs elsewhere. So a
process that wants to write asks here first, and is refused with a sentence.

`reconcile` gives both a new token in each round. A copy of the folder, taken for a backup or for a
second machine, is therefore distinguishable from the original half a minute later. A folder that
was moved or restored on purpose is made the right one by `manage.py adopt_data_folder`.

With an object store, that is tied instead, by a token that stays: folders are machines' own then.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings
from django.db import connection
from django.utils import timezone

from recon.jobs.folder import object_store
from recon.models import DataFolder, Job, StoredFile

NAME = "folder_token"
LOCK = f".{NAME}.lock"
#: The object that says which database an object store belongs to.
OWNER_OBJECT = "instarecon3d-site"


class ForeignDataFolder(Exception):
    """The database belongs to another data folder. Its text is for whoever runs the site."""


def require_own() -> None:
    """At a start: raises ForeignDataFolder where database and folder do not belong together.

    A database and a folder that are both new are joined here. Raises DatabaseError where the
    database is away, or was never migrated.
    """
    if object_store.is_used():
        _require_own_store()
        return
    with _locked():
        row, tokens = _row(), _tokens()
        if row is None and _database_has_more_than(tokens):
            raise ForeignDataFolder(_only_one_is_joined(bool(tokens)))
        _check(row, tokens)


def confirm() -> None:
    """While the site runs: the same, and a new token for both."""
    if object_store.is_used():
        _require_own_store()
        return
    with _locked():
        token, new = _check(_row(), _tokens()), secrets.token_hex(16)
        # Whichever of these two is the last before a crash, the row's token stands in the file.
        _write([token, new])
        changed = DataFolder.objects.filter(pk=DataFolder.ONLY, token=token).update(**_here(new))
        _write([new] if changed else [token])


def adopt() -> DataFolder | None:
    """Makes this folder the database's, and returns what it belonged to until now."""
    if object_store.is_used():
        before = _row()
        _join_store(before.token if before else secrets.token_hex(16))
        return before
    with _locked():
        before = _row()
        _join()
        return before


def _require_own_store() -> None:
    """Raises ForeignDataFolder, NotNow."""
    row, token = _row(), object_store.read(OWNER_OBJECT)
    if row is not None and row.token == token:
        return
    # What is new on either side has nothing to lose.
    if token is None and (row is None or not StoredFile.objects.exists()):
        _join_store(row.token if row else secrets.token_hex(16))
        return
    raise ForeignDataFolder(_ANOTHER_STORE.format(address=settings.STORAGE_URL))


def _join_store(token: str) -> None:
    object_store.write(OWNER_OBJECT, token)
    here = {**_here(token), "path": settings.STORAGE_URL}
    DataFolder.objects.update_or_create(pk=DataFolder.ONLY, defaults=here)


def _check(row: DataFolder | None, tokens: list[str]) -> str:
    """The token of both. Joins what is new."""
    if row is None:
        return _join()
    if row.token in tokens:
        return row.token
    if _database_lies_in_folder():  # so it came with it, maybe copied a moment apart
        return _join()
    raise ForeignDataFolder(_another(row))


def _join() -> str:
    token = secrets.token_hex(16)
    _write([*_tokens(), token])
    DataFolder.objects.update_or_create(pk=DataFolder.ONLY, defaults=_here(token))
    _write([token])
    return token


def _here(token: str) -> dict[str, object]:
    return {
        "token": token,
        "path": str(settings.DATA_DIR),
        "host": socket.gethostname(),
        "seen_at": timezone.now(),
    }


def _row() -> DataFolder | None:
    return DataFolder.objects.filter(pk=DataFolder.ONLY).first()


def _database_has_more_than(tokens: list[str]) -> bool:
    """Whether each of two that were never tied together already has contents of its own.

    A database without a token has none of its own yet. Where this folder has one, it is another
    database's, if there is work in it; where it has none, the jobs' folders are elsewhere: there
    never were any here, or other jobs'.
    """
    here = Path(settings.DATA_DIR) / "jobs"
    if tokens:
        return any(here.glob("*/*")) and not Job.objects.exists()
    # Only those that a worker has had its hands on: their folders can't be missing for long.
    worked_on = Job.objects.filter(status__in=(Job.Status.PROCESSING, Job.Status.COMPLETED))
    jobs = list(worked_on.order_by("-created_at")[:20])
    if not jobs or any(job.folder.is_dir() for job in jobs):
        return False
    return not here.is_dir() or any(here.iterdir())


def _database_lies_in_folder() -> bool:
    name = str(connection.settings_dict["NAME"])
    return connection.vendor == "sqlite" and Path(name).resolve().is_relative_to(settings.DATA_DIR)


@contextmanager
def _locked() -> Iterator[None]:
    """Processes of one site take turns, or one would read between two writes of another."""
    descriptor = os.open(Path(settings.DATA_DIR) / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _tokens() -> list[str]:
    try:
        return (Path(settings.DATA_DIR) / NAME).read_text().split()
    except FileNotFoundError:
        return []


def _write(tokens: list[str]) -> None:
    path = Path(settings.DATA_DIR) / NAME
    temporary = path.with_name(f".{NAME}.new")  # one at a time: see `_locked`
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write("\n".join(tokens) + "\n")
        file.flush()
        os.fsync(descriptor)
    temporary.replace(path)


_ANOTHER_STORE = (
    "The object store {address} belongs to another database than this one. Two databases on one"
    " store would delete each other's files: give each a store, or a folder in it, of its own"
    " (STORAGE_URL). Was the database restored from a backup, and does nothing use the other one"
    " any more? Then run: manage.py adopt_data_folder"
)
_WAY_OUT = (
    " Two data folders on one database end each other's jobs. Set DATA_DIR to the right folder, or"
    " give this site a database and a queue of its own (DATABASE_URL, REDIS_URL). Was the folder"
    " moved, or restored from a backup, and does nothing use the other one any more? Then run:"
    " manage.py adopt_data_folder"
)


def _another(row: DataFolder) -> str:
    return (
        f"The database belongs to another data folder: {row.path} on {row.host}, last seen"
        f" {row.seen_at:%Y-%m-%d %H:%M:%S} UTC. This one is {settings.DATA_DIR}"
        f" on {socket.gethostname()}.{_WAY_OUT}"
    )


def _only_one_is_joined(folder_is: bool) -> str:
    here = f"{settings.DATA_DIR} on {socket.gethostname()}"
    if folder_is:
        return f"The data folder {here} belongs to another database: this one is empty.{_WAY_OUT}"
    return f"The database has jobs, but none of them lies in the data folder {here}.{_WAY_OUT}"
