"""The processes that decode, as seen by those who ask them.

A pool belongs to one process and may be used by all its threads. Children are started when they are
needed, as programs of their own: a fork of a server with threads would carry its memory and its
locks along. One that is idle is kept for the next piece of work. One that goes over its budget,
crashes, has grown or has done much is ended, and the next piece of work starts another.
"""

from __future__ import annotations

import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from recon.pipeline.decoding.budgets import MB, Budget
from recon.pipeline.decoding.messages import ChannelClosed, Message, receive, send
from recon.pipeline.decoding.slots import NoSlot, Slots
from recon.pipeline.errors import PipelineError, UserError
from recon.pipeline.words.error_texts import EXPLANATIONS

logger = logging.getLogger(__name__)

_ROOT = Path(__file__).resolve().parents[3]

#: A child is replaced after so many files, or when it keeps so much memory.
TASKS_EACH = 200
GROWN = 200 * MB

START_S = 60.0  # a busy machine may take long to start Python
DOES_NOT_START = "decoding: its process does not start."

#: Nothing of ours: no secret key, no addresses of databases. Few threads and pools of memory.
_ENVIRONMENT = {
    "PYTHONDONTWRITEBYTECODE": "1",
    "LANG": "C.UTF-8",
    "MALLOC_ARENA_MAX": "2",
    "OMP_NUM_THREADS": "2",
    "OPENBLAS_NUM_THREADS": "1",
}
#: How a process ends that has used more than it may. Anything else is a crash of the decoder.
_OVER_BUDGET = (-signal.SIGXCPU, -signal.SIGKILL, -signal.SIGXFSZ)


class BudgetExceeded(Exception):
    """A file took more memory or time than its budget."""


class UnreadableFile(Exception):
    """A file on which a decoder crashed or failed in an unknown way. The log has more."""


class Child:
    """One process and the channel to it."""

    def __init__(self) -> None:
        here, there = socket.socketpair()
        with there:
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-s", "-Wignore", "-m", "recon.pipeline.decoding.child",
                 str(there.fileno())],
                stdin=subprocess.PIPE,  # closed with us
                stdout=subprocess.DEVNULL,
                env=_environment(),
                cwd="/",
                pass_fds=[there.fileno()],
            )  # fmt: skip
        self.channel = here
        self.done = 0
        self.is_ready = False

    def wait_ready(self) -> list[str]:
        """Waits until it has started; what it could not give up. Raises ChannelClosed."""
        if self.is_ready:
            return []
        self.channel.settimeout(START_S)
        said = receive(self.channel).facts.get("ready", [])
        self.is_ready = True
        return [str(one) for one in said]

    def messages(self, request: Message, budget: Budget) -> Iterator[Message]:
        """What it answers, the last with `done`, `refused`, `too_much` or `failed`.

        Raises TooMuch, ChannelClosed.
        """
        end = time.monotonic() + budget.seconds
        self.channel.settimeout(budget.seconds)
        try:
            send(self.channel, request)
            while True:
                message = receive(self.channel)
                yield message
                if "news" not in message.facts:
                    return
                self.channel.settimeout(max(0.01, end - time.monotonic()))
        except TimeoutError as error:
            raise BudgetExceeded from error
        except OSError as error:
            raise ChannelClosed from error

    def end(self) -> int:
        """Kills it if it is still running; how it ended."""
        with suppress(OSError):
            self.channel.close()
        if self.process.stdin:
            with suppress(OSError):
                self.process.stdin.close()
        try:
            # What closed its channel is about to end, and has its own reason for it.
            return self.process.wait(timeout=0.5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            return -signal.SIGKILL

    def forget(self) -> None:
        """In a fork: lets go of the channel, which is the parent's."""
        self.channel.close()
        self.process.returncode = 0


class Pool:
    """Decoding processes, at most as many at a time as there are `slots`."""

    def __init__(self, slots: Slots, *, patience_s: float | None = None) -> None:
        self.slots, self.patience_s = slots, patience_s
        self._idle: list[Child] = []
        self._lock = threading.Lock()
        self._told: set[str] = set()

    def ask(
        self, task: str, file: BinaryIO, facts: Mapping[str, object], budget: Budget
    ) -> Generator[Message, None, Message]:
        """Yields the news of a piece of work on the open `file`; returns its result.

        Raises UserError as the work does, TooMuch, Unreadable, PipelineError("too_busy") where no
        slot came free in time. A caller who stops listening ends the child.
        """
        request = Message({"task": task, "budget": budget.to_dict(), **facts}, b"", [file.fileno()])
        with self._slot():
            child = self._ready_child()
            last = None
            try:
                for message in child.messages(request, budget):
                    if "news" in message.facts:
                        yield Message(message.facts["news"], message.body)
                    else:
                        last = message
            except ChannelClosed:
                raise _why_it_ended(child.end(), task) from None
            finally:
                if last is None or not self._may_go_on(child, last):
                    child.end()
            assert last is not None  # noqa: S101 - `messages` ends with one, or raises
            return _result(last, task)

    def result(
        self, task: str, file: BinaryIO, facts: Mapping[str, object], budget: Budget
    ) -> Message:
        """The result of a piece of work that has no news. Raises as `ask` does."""
        work = self.ask(task, file, facts, budget)
        try:
            while True:
                next(work)
        except StopIteration as end:
            result: Message = end.value
            return result

    def warm(self) -> None:
        """Starts a child for the first who asks, without waiting for it."""
        with self._lock:
            if not self._idle:
                self._idle.append(Child())

    def close(self) -> None:
        with self._lock:
            idle, self._idle = self._idle, []
        for child in idle:
            child.end()

    def forget(self) -> None:
        """In a fork: the children are the parent's."""
        for child in self._idle:
            child.forget()
        self._idle = []

    @contextmanager
    def _slot(self) -> Iterator[None]:
        try:
            with self.slots.hold(self.patience_s):
                yield
        except NoSlot as error:
            raise PipelineError("too_busy") from error

    def _ready_child(self) -> Child:
        while True:
            with self._lock:
                child = self._idle.pop() if self._idle else None
            fresh = child is None
            child = child or Child()
            try:
                refused = child.wait_ready()
                if child.process.poll() is not None:
                    raise ChannelClosed
            except (ChannelClosed, TimeoutError) as error:  # the machine's fault, or old age
                child.end()
                if fresh:
                    logger.exception("A decoding process does not start")
                    raise PipelineError("environment_broken", problem=DOES_NOT_START) from error
                continue
            except BaseException:
                child.end()
                raise
            for one in set(refused) - self._told:
                self._told.add(one)
                logger.warning("This system does not close to decoding processes: %s", one)
            return child

    def _may_go_on(self, child: Child, last: Message) -> bool:
        """Keeps a child that is as good as new for the next caller."""
        child.done += 1
        memory = last.facts.get("memory")
        is_good = child.done < TASKS_EACH and isinstance(memory, int) and memory < GROWN
        if is_good and ("done" in last.facts or "refused" in last.facts):
            with self._lock:
                self._idle.append(child)
            return True
        return False


def _environment() -> dict[str, str]:
    name = "LD_LIBRARY_PATH"  # where this Python finds its own libraries
    found = {name: os.environ[name]} if name in os.environ else {}
    # And its packages: somebody's PYTHONPATH may name them.
    path = os.pathsep.join([str(_ROOT), *(one for one in sys.path if one)])
    return _ENVIRONMENT | found | {"PYTHONPATH": path}


def _result(last: Message, task: str) -> Message:
    facts = last.facts
    if facts.get("too_much"):
        raise BudgetExceeded
    if facts.get("refused") in EXPLANATIONS and isinstance(facts.get("facts"), dict):
        raise UserError(facts["refused"], **facts["facts"])
    if not isinstance(facts.get("done"), dict):
        logger.warning("Decoding (%s) failed in a way of its own:\n%s", task, facts.get("failed"))
        raise UnreadableFile
    return Message(facts["done"], last.body)


def _why_it_ended(code: int, task: str) -> Exception:
    logger.warning("A decoding process ended with %s (%s)", code, task)
    return BudgetExceeded() if code in _OVER_BUDGET else UnreadableFile()
