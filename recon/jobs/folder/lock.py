"""Who may write in a job's folder: the one process that holds its lock.

The lock is an `flock` on `.lock` in the folder. The kernel releases it when its holder dies,
however it dies, so a lock that can be taken means that nobody is writing. It works between
processes of one machine, and between containers that share a local disk.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

LOCK_NAME = ".lock"
_RETRY_S = 0.05


class FolderBusy(Exception):
    """Another process is writing in the folder."""


@contextmanager
def hold(folder: Path, *, wait_s: float = 0.0) -> Iterator[None]:
    """Holds the folder's lock for as long as the block runs.

    Raises FolderBusy when it can't be had within `wait_s` seconds, and FileNotFoundError when
    there is no such folder (it is never made here: a deleted job stays deleted).
    """
    with _held(folder / LOCK_NAME, wait_s, is_kept=True):
        yield


@contextmanager
def hold_place(path: Path, *, wait_s: float) -> Iterator[None]:
    """The same for one file that is to be made at `path`; nothing is left of the lock."""
    with _held(path.with_name(f".{path.name}.lock"), wait_s, is_kept=False):
        yield


@contextmanager
def _held(path: Path, wait_s: float, *, is_kept: bool) -> Iterator[None]:
    descriptor = _acquire(path, time.monotonic() + wait_s)
    try:
        yield
    finally:
        if not is_kept:  # whoever waits for it finds that it is another file now
            path.unlink(missing_ok=True)
        # Unlocked by name, not only closed: a forked child may share the descriptor.
        fcntl.flock(descriptor, fcntl.LOCK_UN)
        os.close(descriptor)


def _acquire(path: Path, deadline: float) -> int:
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _is_same_file(descriptor, path):
                return descriptor
            # The holder that we waited for removed the folder: this lock guards nothing.
        except BlockingIOError:
            if time.monotonic() >= deadline:
                os.close(descriptor)
                raise FolderBusy(f"another process holds {path}") from None
            time.sleep(_RETRY_S)
        os.close(descriptor)


def _is_same_file(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False
