"""A training's state on disk, so that a lost worker costs only seconds of work.

    start.pt   the starting points, so that depths are not measured again
    state.pt   all that the steps change, as it was after one of them

Each is written under a temporary name and takes the place of the last one. Each says what it is a
part of: a file that belongs to other photos, settings or another kind of device is ignored, and so
is one that can't be read. Only tensors, numbers and texts are read, never code.
"""

from __future__ import annotations

import os
import pickle
import shutil
import threading
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Protocol, TypeVar, runtime_checkable

import torch
from torch import Tensor

from recon.splats.stop_signal import Stopped

State = dict[str, Any]

_FORMAT = 3  # raise it when what a state holds changes
EVERY = 5.0  # seconds of work between checkpoints, and the most that a lost worker costs
_WAITED_FOR = 0.015  # of the training's time, at most, in which it waits for a copy of its state
_WRITING = 0.1  # of its time, at most, in which a thread beside it writes
_START, _STATE = "start", "state"
_UNREADABLE = (OSError, EOFError, RuntimeError, ValueError, KeyError, TypeError, AttributeError,
               pickle.UnpicklingError, zipfile.BadZipFile)  # fmt: skip


@runtime_checkable
class Stateful(Protocol):
    """Whatever steps change: it gives its state and takes it back.

    A state is made of dicts, lists, tuples, tensors, numbers, texts and None.
    """

    def state(self) -> State: ...
    def load(self, state: State) -> None: ...


Run = TypeVar("Run", bound=Stateful)


class Checkpoints:
    """The checkpoints of one training in `folder`; without a folder there are none.

    `key` stands for all that decides the training's result. Writing goes on beside the training,
    which only waits for a copy of its state. A full disk stops the checkpoints, not the training:
    `log` says so.
    """

    def __init__(
        self,
        folder: Path | None,
        key: str = "",
        *,
        log: Callable[[str], None] = lambda line: None,
        every: float | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`every` is in seconds of `clock`; `EVERY`, unless said otherwise."""
        self._folder, self._log, self._clock = folder, log, clock
        self._every = EVERY if every is None else every
        self._key = f"{_FORMAT} {torch.__version__} {key}"
        self._off = folder is None
        self._due = clock() + self._every
        self._written = 0  # the step of the newest checkpoint
        self._writer: threading.Thread | None = None
        self._failure: Exception | None = None  # the writer's
        self._wrote_in = 0.0  # seconds

    def exist(self) -> bool:
        """Whether this very training was begun before."""
        return any(self._read(name) is not None for name in (_START, _STATE))

    def start(self) -> State | None:
        """What `keep_start` kept, on the CPU; None without it."""
        return self._read(_START)

    def keep_start(self, start: State) -> None:
        """Keeps what was made before the first step, and does not change any more."""
        if not self._off:
            self._write_in_thread(_START, start)

    def resume(self, make: Callable[[], Run]) -> tuple[Run, int]:
        """What `make` makes, as it was after some step, and that step; fresh and 0 without one."""
        run = make()
        checkpoint = self._read(_STATE)
        if checkpoint is None:
            return run, 0
        try:
            run.load(checkpoint["run"])
            self._written = int(checkpoint["step"])
        except _UNREADABLE as error:
            self._log(f"A checkpoint can't be used: {type(error).__name__}: {error}")
            return make(), 0
        return run, self._written

    @contextmanager
    def of(self, run: Stateful) -> Iterator[Callable[[int], None]]:
        """For the steps of `run`: call what this gives after each with the number of those done.

        Writes a checkpoint when one is due, and where `Stopped` ends the block.
        """
        self._due = self._clock() + self._every
        last = 0

        def done(steps: int) -> None:
            nonlocal last
            last = steps
            if self._clock() >= self._due and not self._off:
                self._write_beside(steps, run)

        try:
            yield done
        except Stopped:
            self._wait()
            if last > self._written and not self._off:
                self._write(_STATE, {"step": last, "run": _copy(run.state())})
            raise
        finally:
            self._wait()

    def _write_beside(self, steps: int, run: Stateful) -> None:
        """Copies the state now, and lets a thread write it, unless that still writes the last."""
        if self._writer is not None and self._writer.is_alive():
            return
        self._wait()
        if self._off:
            return
        began = self._clock()
        state = {"step": steps, "run": _copy(run.state())}
        copied_in = self._clock() - began
        pause = max(self._every, copied_in / _WAITED_FOR, self._wrote_in / _WRITING)
        self._due, self._written = self._clock() + pause, steps
        self._write_in_thread(_STATE, state)

    def _write_in_thread(self, name: str, state: State) -> None:
        self._writer = threading.Thread(target=self._write, args=(name, state), name="checkpoint")
        self._writer.start()

    def _wait(self) -> None:
        """Until nothing is being written; a failure is logged, and stops the checkpoints."""
        if self._writer is not None:
            self._writer.join()
            self._writer = None
        self._say_failure()

    def _say_failure(self) -> None:
        if self._failure is not None:
            self._log(f"No more checkpoints: {self._failure}")
            self._failure, self._off = None, True

    def _write(self, name: str, state: State) -> None:
        """In any thread; what goes wrong is noted for the training's own."""
        assert self._folder is not None, "without a folder nothing is written"
        began = self._clock()
        temporary = self._folder / f".{name}.partial"
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            torch.save({"key": self._key, "state": state}, temporary)
            with temporary.open("rb") as file:
                os.fsync(file.fileno())  # or a power cut leaves the new name and none of the bytes
            os.replace(temporary, self._folder / f"{name}.pt")
        except (OSError, RuntimeError) as error:  # torch says RuntimeError of a full disk
            self._failure = error
            with suppress(OSError):
                temporary.unlink(missing_ok=True)
        self._wrote_in = self._clock() - began

    def _read(self, name: str) -> State | None:
        if self._folder is None:
            return None
        path = self._folder / f"{name}.pt"
        try:
            with zipfile.ZipFile(path) as file:  # torch itself looks at no checksum
                if file.testzip() is not None:
                    raise zipfile.BadZipFile
            checkpoint = torch.load(path, map_location="cpu", weights_only=True)
            state: State = checkpoint["state"]
            return state if checkpoint["key"] == self._key else None
        except FileNotFoundError:
            return None
        except _UNREADABLE as error:
            self._log(f"The checkpoint {path.name} can't be read: {type(error).__name__}")
            return None


def remove_checkpoints(folder: Path) -> None:
    """Deletes `folder` with all that is in it, as far as it can."""
    shutil.rmtree(folder, ignore_errors=True)


class Chance:
    """A random generator's state."""

    def __init__(self, generator: torch.Generator) -> None:
        self.generator = generator

    def state(self) -> State:
        return {"generator": self.generator.get_state()}

    def load(self, state: State) -> None:
        self.generator.set_state(state["generator"])


def _copy(value: Any) -> Any:
    """`value` with copies of its tensors, on the CPU."""
    if isinstance(value, Tensor):
        return value.detach().to("cpu", copy=True)
    if isinstance(value, Mapping):
        return {name: _copy(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_copy(part) for part in value)
    return value
