"""One temporary folder for a test run, the same for pytest, its workers and what they start."""

from __future__ import annotations

import atexit
import functools
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from filelock import FileLock

T = TypeVar("T")


def _remove(folder: str, pid: int) -> None:
    if os.getpid() == pid:  # not from a fork
        shutil.rmtree(folder, ignore_errors=True)


# The first process of a run makes it; the others find its name in their environment.
if "RECON_TEST_RUN" not in os.environ:
    os.environ["RECON_TEST_RUN"] = tempfile.mkdtemp(prefix="recon-tests-")
    atexit.register(_remove, os.environ["RECON_TEST_RUN"], os.getpid())

RUN_FOLDER = Path(os.environ["RECON_TEST_RUN"])
#: Whether the current test may wait for what takes long to make; `tests.marking` decides.
may_be_made = True


def once(name: str, make: Callable[[Path], None]) -> Path:
    """The folder of that name, filled by `make` in whichever process of the run asks first.

    The others wait for it. Meant for what takes long to make and is only read afterwards; so the
    tests that use it are marked, through the fixtures in `tests.marking` or by hand as slow.
    """
    _check(name)
    folder = RUN_FOLDER / name
    with FileLock(RUN_FOLDER / f"{name}.lock"):
        if not was_made(name):
            folder.mkdir()  # trying again after a failure fails here: the first try said why
            make(folder)
            _done(name).touch()
    return folder


def dear(make: Callable[[], T]) -> Callable[[], T]:
    """Wraps `make` so that only tests with the markers that `once` requires may call it."""

    @functools.wraps(make)
    def checked() -> T:
        _check(make.__name__)
        return make()

    return checked


def _check(name: str) -> None:
    assert may_be_made, f"a test that uses {name} is marked slow: `make quick` leaves it out"


def was_made(name: str) -> bool:
    """Whether some process of the run has made the folder of that name."""
    return _done(name).exists()


def _done(name: str) -> Path:
    return RUN_FOLDER / f"{name}.done"
