"""Files that are made when they are first requested, and kept in the job's folder.

Two requests may make the same file at once (two tabs, or a page that loads itself anew): each
writes under a name of its own, and what has been opened stays whole when another takes its place.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from pathlib import Path

from recon.jobs.folder import lock as folder_lock
from recon.pipeline.errors import PipelineError


def put(path: Path, write: Callable[[Path], object]) -> Path:
    """`path`, with what `write` writes to the place that it is given; whole or not at all.

    Raises what `write` raises, and FileNotFoundError where the job's folder is gone.
    """
    # Not `parents=True`: a job deleted meanwhile must not get its folder back.
    path.parent.mkdir(exist_ok=True)
    temporary = path.with_name(f".{secrets.token_hex(8)}-{path.name}")
    try:
        write(temporary)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    return path


def once(path: Path, write: Callable[[Path], object], *, wait_s: float) -> Path:
    """`path`, made as `put` does by the first who asks; the others wait for it.

    Raises as `put` does, and PipelineError("too_busy") after `wait_s` seconds.
    """
    if path.is_file():
        return path
    path.parent.mkdir(exist_ok=True)
    try:
        with folder_lock.hold_place(path, wait_s=wait_s):
            return path if path.is_file() else put(path, write)
    except folder_lock.FolderBusy as error:
        raise PipelineError("too_busy") from error


def made_from(source: Path, path: Path, write: Callable[[Path], object]) -> Path:
    """`path`, which `write` makes from `source`: made again when `source` has changed.

    Raises as `put` does, and FileNotFoundError where there is no `source`.
    """
    made = source.stat().st_mtime_ns
    if path.is_file() and path.stat().st_mtime_ns == made:
        return path

    def write_dated(place: Path) -> None:
        write(place)
        os.utime(place, ns=(made, made))

    return put(path, write_dated)
