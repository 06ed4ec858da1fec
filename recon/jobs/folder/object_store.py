"""The object store that web and workers of several machines share, by Django's storage API.

Without one (`STORAGE_URL`), they share the data folder, and nothing in here is called. It knows
objects, not jobs: which object is which file of a job is in `recon.jobs.folder.mirror`.
"""

from __future__ import annotations

import hashlib
import logging
import os
import secrets
import time
from collections.abc import Callable, Collection, Iterator
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import BinaryIO, TypeVar

from django.conf import settings
from django.core.files.base import ContentFile, File
from django.core.files.storage import Storage, storages
from django.utils.http import content_disposition_header

from recon.pipeline.errors import PipelineError

logger = logging.getLogger(__name__)

T = TypeVar("T")

NAME = "jobs"  # in STORAGES
CHUNK = 2**20  # bytes
#: Seconds before each further try: a store that restarts is back by then.
PAUSES_S = (0.2, 1.0, 4.0)


class NotNow(PipelineError):
    """A file can't be had at the moment: ask again later."""

    http_status = 503  # for a page that does not say it in its own way


class ObjectMissing(FileNotFoundError):
    """The store is there and does not have it."""


def is_used() -> bool:
    """Whether there is one. If not, web and workers share the data folder."""
    return NAME in settings.STORAGES


def digest_of(path: Path) -> str:
    """SHA-256 of the file's content. Raises FileNotFoundError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def upload(path: Path, key: str) -> None:
    """The file as an object. Raises FileNotFoundError, NotNow."""

    def send() -> None:
        with path.open("rb") as file:
            _store().save(key, File(file, name=path.name))

    _tried(f"upload of {key}", send)


def download(key: str, path: Path, *, sha256: str) -> None:
    """The object as a file, whole or not at all; its folder must be there.

    Raises ObjectMissing, NotNow, also for a content that is not the one
    with that digest.
    """
    temporary = path.with_name(f".{secrets.token_hex(8)}.partial")

    def fetch() -> None:
        with _opened(key) as source, temporary.open("wb") as target:
            digest = hashlib.sha256()
            while chunk := source.read(CHUNK):
                digest.update(chunk)
                target.write(chunk)
        if digest.hexdigest() != sha256:
            raise OSError(f"the object {key} has another content than was sent")

    try:
        _tried(f"download of {key}", fetch)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def read(key: str) -> str | None:
    """A small object's text; None where there is none. Raises NotNow."""

    def fetch() -> str:
        with _opened(key) as source:
            return source.read().decode()

    try:
        return _tried(f"reading of {key}", fetch)
    except ObjectMissing:
        return None


def write(key: str, text: str) -> None:
    """A small object, in the place of an earlier one. Raises NotNow."""

    def send() -> None:
        _store().delete(key)
        _store().save(key, ContentFile(text.encode()))

    _tried(f"writing of {key}", send)


def remove(keys: Collection[str]) -> None:
    """Deletes the objects, as many as it can; `unneeded_files.sweep` finds the rest."""
    for key in keys:
        try:
            _tried(f"removal of {key}", partial(_store().delete, key))
        except NotNow:
            return  # the store is away: so it is for the next one


def all_keys(folder: str = "") -> Iterator[str]:
    """The keys of all objects, in no order. Raises NotNow."""
    folders, files = _tried("listing", lambda: _store().listdir(folder))
    yield from (f"{folder}{name}" for name in files if name)
    for name in folders:
        yield from all_keys(f"{folder}{name}/")


def stored_at(key: str) -> datetime:
    """Raises ObjectMissing, NotNow."""
    return _tried(f"date of {key}", lambda: _store().get_modified_time(key))


def address_of(key: str, *, name: str, media_type: str, seconds: int) -> str | None:
    """An address where anybody can fetch the object for so many seconds, saved as `name`; None
    where the store has no such addresses."""
    store = _store()
    if not hasattr(store, "querystring_auth"):
        return None
    sent = {
        "ResponseContentDisposition": content_disposition_header(True, name),
        "ResponseContentType": media_type,
    }
    return str(store.url(key, parameters=sent, expire=seconds))  # type: ignore[call-arg]


def _store() -> Storage:
    return storages[NAME]


def _opened(key: str) -> BinaryIO:
    return _store().open(key, "rb")  # type: ignore[return-value]


def _tried(what: str, act: Callable[[], T]) -> T:
    """Raises ObjectMissing, NotNow."""
    for pause in (*PAUSES_S, None):
        try:
            return act()
        except FileNotFoundError as error:
            raise ObjectMissing(str(error)) from error
        except Exception as error:  # each store has its own
            logger.warning("The object store: %s failed: %s", what, error)
            if pause is None:
                raise NotNow("storage_away") from error
            time.sleep(pause)
    raise AssertionError("the last try returns or raises")
