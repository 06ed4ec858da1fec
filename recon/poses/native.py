"""Running pycolmap's long native calls so that they show progress and can be stopped."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Generic, TypeAlias, TypeVar

if TYPE_CHECKING:
    from pycolmap import Camera, CancellationToken, Database, Image

POLL_SECONDS = 0.5

T = TypeVar("T")
#: What pycolmap does when it is given a token that can stop it.
NativeCall: TypeAlias = "Callable[[CancellationToken], T]"


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


def run_native(call: NativeCall[T], poll: Callable[[], None]) -> T:
    """The result of `call(cancellation_token)`, run in a thread while `poll` is called here.

    pycolmap releases Python's lock, but Python handles signals and time limits in the main
    thread only, so that one must stay free. Whatever `poll` raises (a cancel, a time limit,
    Ctrl-C) cancels the native work, waits until it has let go of its files, and goes on up.
    """
    with closing(run_side_by_side([call], poll, at_once=1)) as results:
        return next(results)


def run_side_by_side(
    calls: Iterable[NativeCall[T]], poll: Callable[[], None], *, at_once: int
) -> Generator[T, None, None]:
    """The results of `calls`, in their order, as `run_native` gives one; `at_once` of them run at
    the same time.

    What comes out is the same for any `at_once`, and so is what the caller makes of it: a call
    ahead of its turn is only made early. Close the generator to cancel those that are left; it
    waits until they have let go of their files. An error of a call is raised in its turn.
    """
    progress = threading.Event()
    waiting = deque(NativeThread(call, progress) for call in calls)
    begun: deque[NativeThread[T]] = deque()
    try:
        while waiting or begun:
            while waiting and sum(not thread.ended for thread in begun) < at_once:
                begun.append(waiting.popleft())
                begun[-1].start()
            progress.wait(POLL_SECONDS)
            progress.clear()
            poll()
            while begun and begun[0].ended:
                yield begun.popleft().result()
    finally:
        for thread in begun:
            thread.cancel()
        for thread in begun:
            thread.wait()


class NativeThread(Generic[T]):
    """A native call in a thread of its own; `progress` is set when it ends."""

    def __init__(self, call: NativeCall[T], progress: threading.Event) -> None:
        self._call, self._progress = call, progress
        self._token = colmap().CancellationToken()
        self._outcome: list[T] = []
        self._errors: list[BaseException] = []
        self._started = threading.Event()
        # Not Thread.join(): interrupted by a signal, Python 3.11's takes the thread for ended.
        self._ended = threading.Event()

    @property
    def ended(self) -> bool:
        return self._ended.is_set()

    def start(self) -> None:
        # No daemon: at its exit Python kills those in the middle of native code, which aborts.
        threading.Thread(target=self._work, name="pycolmap").start()
        self._started.set()

    def cancel(self) -> None:
        self._token.cancel()

    def wait(self) -> None:
        """Until the call has let go of its files."""
        if self._started.is_set():
            self._ended.wait()
        else:  # a signal came within start(), so there may be no thread to wait for
            self._started.set()

    def result(self) -> T:
        if self._errors:
            raise self._errors[0]
        return self._outcome[0]

    def _work(self) -> None:
        self._started.wait()
        try:
            if not self._token.is_cancelled:
                self._outcome.append(self._call(self._token))
        except BaseException as error:  # handed to the caller's thread by `result`
            self._errors.append(error)
        finally:
            self._ended.set()
            self._progress.set()


def cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0))


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
