"""Backups in a bucket of S3's kind, by the same names as in a folder.

Keys, region and endpoint are those of AWS's own variables, or of a profile in its files: so another
provider than the site's own store can have the backups. What is there is listed once a run, a
256th at a time; files are read and written in pieces.
"""

from __future__ import annotations

import io
import json
import os
import secrets
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import urlsplit

from django.conf import settings

from recon.jobs.backup.stores import MANIFESTS, OBJECT, StoreError

if TYPE_CHECKING:
    from collections.abc import Callable

SCHEME = "s3://"
LOCK = "lock.json"
#: A writer says that often that it is at work, and counts as gone after a longer silence.
SAYS_SO_EVERY = timedelta(minutes=5)
GONE_AFTER = timedelta(hours=1)

#: Bytes that are read at a time.
PIECE = 8 * 2**20
#: Seconds before each further try of one request, beyond those that boto3 makes by itself.
PAUSES_S = (1.0, 5.0, 15.0)
_NOT_THERE = ("404", "NoSuchKey", "NotFound")


def is_bucket(target: object) -> bool:
    return str(target).startswith(SCHEME)


class BucketStore:
    """A folder of a bucket. Backups in it share the files that have not changed between them."""

    def __init__(self, address: str, profile: str = "") -> None:
        """Raises StoreError for an address without a bucket, and for the site's own folder, from
        which the site deletes what it does not know."""
        parts = urlsplit(address)
        if not parts.netloc:
            raise StoreError(f"{address} names no bucket; one looks like s3://bucket/folder.")
        self.address, self.bucket = address, parts.netloc
        self._prefix = f"{parts.path.strip('/')}/".lstrip("/")
        _refuse_the_site_s_own(self.bucket, self._prefix)
        self.room = Path(settings.DATA_DIR)
        self._client = _client(profile)
        self._objects = lru_cache(maxsize=None)(self._list_objects)
        self._said_at = datetime.min.replace(tzinfo=UTC)
        self._lock = ""

    def snapshots(self) -> list[str]:
        found = (MANIFESTS.fullmatch(name) for name, _ in self._listed("snapshots/"))
        return sorted(match[1] for match in found if match)

    def size(self, name: str) -> int | None:
        if match := OBJECT.fullmatch(name):
            return self._objects(match[1]).get(match[2])
        try:
            head = self._asked(self._client.head_object, Key=self._prefix + name)
        except FileNotFoundError:
            return None
        return int(head["ContentLength"])

    def open(self, name: str) -> IO[bytes]:
        size = self.size(name)
        if size is None:
            raise StoreError(f"{self.address} has no {name}.")
        return io.BufferedReader(_Pieces(self, name, size), PIECE)

    def piece(self, name: str, first: int, last: int) -> bytes:
        """The bytes from `first` to `last`, which is among them. Raises StoreError."""

        def read(**where: str) -> bytes:
            answer = self._client.get_object(**where, Range=f"bytes={first}-{last}")
            content: bytes = answer["Body"].read()
            return content

        try:
            return self._asked(read, Key=self._prefix + name)  # type: ignore[no-any-return]
        except FileNotFoundError as error:
            raise StoreError(f"{self.address} has no {name}.") from error

    def add(self, name: str, source: Path) -> None:
        """In parts, where it is large; it is there as a whole or not at all."""
        self._say_at_work()
        size = source.stat().st_size

        def send(**where: str) -> None:
            self._client.upload_file(str(source), where["Bucket"], where["Key"])

        self._asked(send, Key=self._prefix + name)
        if match := OBJECT.fullmatch(name):
            self._objects(match[1])[match[2]] = size

    def remove_snapshot(self, name: str) -> None:
        """The manifest first: what has none counts for nothing."""
        names = [one for one, _ in self._listed(f"snapshots/{name}/")]
        for one in sorted(names, key=lambda one: not MANIFESTS.fullmatch(one)):
            self._remove(one)

    def remove_objects(self, but: set[str]) -> int:
        """Removes the contents that no backup needs: all whose digest is not in `but`."""
        names = [name for name, _ in self._listed("objects/") if name.rpartition("/")[2] not in but]
        for name in names:
            self._say_at_work()
            self._remove(name)
        return len(names)

    @contextmanager
    def only_writer(self) -> Iterator[None]:
        """Raises StoreError while another one writes here. One that was broken off is followed at
        once on its own machine, and after `GONE_AFTER` on another."""
        if (other := self._other_writer()) is not None:
            raise StoreError(
                f"Another backup is being written to {self.address}, by {other['host']}, seen at"
                f" {other['at']}. If it was broken off, wait until {other['until']}, or remove"
                f" {self.address.rstrip('/')}/{LOCK}."
            )
        self._lock = secrets.token_hex(8)
        self._say_at_work()
        if self._lock != (self._read_lock() or {}).get("writer"):
            raise StoreError(f"Another backup has begun to write to {self.address}.")
        try:
            yield
        finally:
            self._lock = ""
            self._remove(LOCK)

    def _other_writer(self) -> dict[str, str] | None:
        said = self._read_lock()
        if said is None:
            return None
        until = datetime.fromisoformat(said["at"]) + GONE_AFTER
        its_own_machine = said["host"] == socket.gethostname()
        if until < datetime.now(UTC) or (its_own_machine and not _is_running(said["pid"])):
            return None
        return {**said, "until": f"{until:%Y-%m-%d %H:%M} UTC"}

    def _read_lock(self) -> dict[str, Any] | None:
        try:
            said: dict[str, Any] = json.loads(self.piece(LOCK, 0, 10_000))
        except (StoreError, ValueError):
            return None
        return said

    def _say_at_work(self) -> None:
        now = datetime.now(UTC)
        if not self._lock or now - self._said_at < SAYS_SO_EVERY:
            return
        said = {"writer": self._lock, "host": socket.gethostname(), "pid": os.getpid(),
                "at": now.isoformat(timespec="seconds")}  # fmt: skip
        body = json.dumps(said).encode()
        self._asked(self._client.put_object, Key=self._prefix + LOCK, Body=body)
        self._said_at = now

    def _list_objects(self, folder: str) -> dict[str, int]:
        """What lies in `objects/ab`: digests and sizes."""
        return {name.rpartition("/")[2]: size for name, size in self._listed(f"objects/{folder}/")}

    def _listed(self, below: str) -> Iterator[tuple[str, int]]:
        after: dict[str, str] = {}
        while True:
            page = self._asked(self._client.list_objects_v2, Prefix=self._prefix + below, **after)
            for one in page.get("Contents", ()):
                yield one["Key"].removeprefix(self._prefix), int(one["Size"])
            if not page.get("IsTruncated"):
                return
            after = {"ContinuationToken": page["NextContinuationToken"]}

    def _remove(self, name: str) -> None:
        self._asked(self._client.delete_object, Key=self._prefix + name)

    def _asked(self, act: Callable[..., Any], **what: object) -> Any:
        """Raises FileNotFoundError, StoreError."""
        from boto3.exceptions import Boto3Error
        from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError

        for pause in (*PAUSES_S, None):
            try:
                return act(Bucket=self.bucket, **what)
            except ClientError as error:
                answer = error.response
                if answer.get("Error", {}).get("Code") in _NOT_THERE:
                    raise FileNotFoundError(str(what.get("Key"))) from error
                status = answer.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
                if pause is None or status < 500:
                    raise StoreError(f"{self.address}: {error}") from error
            except (BotoCoreError, HTTPClientError, Boto3Error, OSError) as error:
                if pause is None or not isinstance(error, HTTPClientError | Boto3Error | OSError):
                    raise StoreError(f"{self.address}: {error}") from error
            time.sleep(pause)
        raise AssertionError("the last try returns or raises")


class _Pieces(io.RawIOBase):
    """An object's bytes, a piece a request: a line that breaks costs one piece."""

    def __init__(self, store: BucketStore, name: str, size: int) -> None:
        self._store, self._name, self._size, self._at = store, name, size, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        count = min(len(buffer), self._size - self._at)
        if count <= 0:
            return 0
        part = self._store.piece(self._name, self._at, self._at + count - 1)
        buffer[: len(part)] = part
        self._at += len(part)
        return len(part)

    def readall(self) -> bytes:
        """Python's own would ask for 8 kB at a time."""
        return b"".join(iter(lambda: self.read(PIECE) or b"", b""))


def _client(profile: str) -> Any:
    """Raises StoreError."""
    import boto3
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError

    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    config = Config(
        signature_version="s3v4",
        s3={"addressing_style": "path" if endpoint else "auto"},
        # As for the site's own store: SHA-256 is ours, and read back by `restore --check`.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        connect_timeout=10,  # seconds
        read_timeout=60,
    )
    try:
        session = boto3.Session(profile_name=profile or None)
        return session.client("s3", config=config)
    except BotoCoreError as error:
        raise StoreError(f"The bucket can't be reached: {error}") from error


def _refuse_the_site_s_own(bucket: str, prefix: str) -> None:
    own = urlsplit(settings.STORAGE_URL)
    if own.scheme != "s3" or own.netloc != bucket:
        return
    its = f"{own.path.strip('/')}/".lstrip("/")
    if prefix.startswith(its) or its.startswith(prefix):
        raise StoreError(
            f"{settings.STORAGE_URL} is the site's own store, which deletes what it does not know:"
            " name a folder beside it, or better another bucket."
        )


def _is_running(pid: object) -> bool:
    try:
        os.kill(int(str(pid)), 0)
    except (ProcessLookupError, ValueError):
        return False
    except PermissionError:
        return True
    return True
