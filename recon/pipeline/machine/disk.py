"""A disk that fills up during a job, distinguished from other faults and noticed before native code
meets it.

COLMAP ends the whole process where its database can't be written (std::terminate), and what writes
from C++ or NumPy may write too little without a word. So the space left is watched while a step
goes on, and what was raised shows what could not be written.
"""

from __future__ import annotations

import errno
import shutil
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

from recon.pipeline.errors import PipelineError
from recon.pipeline.machine.environment import free_mb
from recon.reporting import ForwardingReport, Report

MB = 2**20
#: With less than this a step stops: more than any writes between two looks.
RESERVE_MB = 32
LOOK_EVERY_S = 0.5

#: Of a database, and of libraries that give the system's message but not its number.
_SAID = ("disk is full", "No space left on device", "Disk quota exceeded")


class DiskWatchingReport(ForwardingReport):
    """A `Report` that passes everything on, and raises PipelineError("disk_full") where less than
    the reserve is left; it is never more than `needed_mb`, what a job needs to begin."""

    def __init__(self, report: Report, folder: Path, needed_mb: int) -> None:
        super().__init__(report)
        self._folder, self._needed_mb = folder, needed_mb
        self._reserve = min(RESERVE_MB, needed_mb) * MB
        self._looked_at = time.monotonic()

    def __call__(self, fraction: float, code: str = "", /, **facts: object) -> None:
        if time.monotonic() - self._looked_at >= LOOK_EVERY_S:
            self._looked_at = time.monotonic()
            if _free(self._folder) < self._reserve:
                raise full_error(self._folder, self._needed_mb)
        self._report(fraction, code, **facts)


def full_error(folder: Path, needed_mb: int) -> PipelineError:
    """The error that says so; `needed_mb` is what a job needs to begin."""
    return PipelineError("disk_full", free_mb=free_mb(folder), needed_mb=needed_mb)


def explains(error: BaseException, folder: Path) -> bool:
    """Whether the error, or one that led to it, says that nothing more could be written; or nothing
    can be in `folder`, so that whatever was raised is about a file that fell short."""
    return any(_says_full(one) for one in _chain(error)) or _free(folder) < MB


def _free(folder: Path) -> int:
    """Bytes."""
    return shutil.disk_usage(folder).free


def _says_full(error: BaseException) -> bool:
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return True
    return isinstance(error, (OSError, RuntimeError, sqlite3.Error)) and any(
        words in str(error) for words in _SAID
    )


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
