"""Running pycolmap's long native calls so that they show progress and can be stopped."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from pycolmap import Camera, CancellationToken, Database, Image

POLL_SECONDS = 0.5

T = TypeVar("T")


def colmap() -> ModuleType:
    """pycolmap with its log quiet: failures come as exceptions; imported where needed."""
    first_time = "pycolmap" not in sys.modules
    import pycolmap

    if first_time and threading.current_thread() is threading.main_thread():
        # Its log library takes SIGTERM over, to print a stack trace; give it back to whoever
        # had it.
        signal.signal(signal.SIGTERM, signal.getsignal(signal.SIGTERM))
    pycolmap.logging.minloglevel = pycolmap.logging.FATAL.value
    return pycolmap


def camera_of(image: Image) -> Camera:
    """The camera of an image of a reconstruction; pycolmap's `image.camera` may be None by its
    type, for images that belong to none."""
    assert image.camera is not None
    return image.camera


def run_native(call: Callable[[CancellationToken], T], poll: Callable[[], None]) -> T:
    """The result of `call(cancellation_token)`, run in a thread while `poll` is called here.

    pycolmap releases Python's lock, but Python handles signals and time limits in the main
    thread only, so that one must stay free. Whatever `poll` raises (a cancel, a time limit,
    Ctrl-C) cancels the native work, waits until it has let go of its files, and goes on up.
    """
    token = colmap().CancellationToken()
    outcome: list[T] = []
    errors: list[BaseException] = []
    started = threading.Event()
    # Not Thread.join(): interrupted by a signal, Python 3.11's takes the thread for ended.
    ended = threading.Event()

    def work() -> None:
        started.wait()
        try:
            if not token.is_cancelled:
                outcome.append(call(token))
        except BaseException as error:  # handed to the caller's thread below
            errors.append(error)
        finally:
            ended.set()

    # No daemon: at its exit Python kills those in the middle of native code, which aborts.
    thread = threading.Thread(target=work, name="pycolmap")
    try:
        thread.start()
        started.set()
        done = False
        while not done:
            done = ended.wait(POLL_SECONDS)
            poll()
    except BaseException:
        token.cancel()
        if started.is_set():
            ended.wait()
        else:  # a signal came within start(), so there may be no thread to wait for
            started.set()
        raise
    if errors:
        raise errors[0]
    return outcome[0]


@contextmanager
def count_while_writing(
    database: Path, question: Callable[[Database], int]
) -> Iterator[Callable[[], int]]:
    """While pycolmap writes to a COLMAP database: a function that gives `question`'s answer.

    Where there is none at this moment, the answer before it, at first 0. One connection serves
    all the while: pycolmap writes whenever it opens a database, and a lock that its own writer
    meets takes the whole process down (seen once, on a loaded machine).
    """
    latest = 0
    with colmap().Database.open(database) as content:

        def count() -> int:
            nonlocal latest
            with suppress(RuntimeError):
                latest = question(content)
            return latest

        yield count
