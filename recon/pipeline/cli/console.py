"""Shows a person at a terminal how far the pipeline has got, and keeps the log.

A progress bar where standard error is a terminal, plain lines where it is a file or a pipe.
"""

from __future__ import annotations

import time
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self, TextIO

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from recon.pipeline.errors import explain
from recon.pipeline.progress import WORKING_STEPS, Step, overall_percent
from recon.pipeline.words import progress_texts
from recon.reporting import message

#: Seconds between two plain progress lines.
PLAIN_INTERVAL = 10.0

#: No guess at the time left before this part of a step, or this many seconds, are done.
MIN_FRACTION, MIN_SECONDS = 0.03, 2.0


class ConsoleReporter:
    """A `RunReport` that draws on `stream` and appends every line to the file `log`."""

    def __init__(self, log: Path, stream: TextIO) -> None:
        log.parent.mkdir(parents=True, exist_ok=True)
        self._log = log.open("a", encoding="utf-8")
        self._console = Console(file=stream, highlight=False, soft_wrap=True)
        self.step = Step.QUEUED
        self._taken_over = 0.0  # of the step
        self._began = self._last_plain = time.monotonic()
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[note]}", style="dim"),
            console=self._console,
            disable=not self._console.is_terminal,
        )
        self._task = self._bar.add_task(self._title(), total=100, note="")

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bar.stop()
        self._log.close()

    # The RunReport protocol.

    def start(self, step: Step) -> None:
        self.step, self._began = step, time.monotonic()
        self._last_plain, self._taken_over = self._began, 0.0
        self.log(f"{step} begins")
        self._show(0.0, "")

    def __call__(self, fraction: float, code: str = "", /, **facts: object) -> None:
        told = message(code, facts)
        # A stage that knows better says itself how long it will be.
        known = progress_texts.seconds_left(told) is not None
        left = "" if known else self.time_left(fraction)
        note = ", ".join(part for part in (progress_texts.english(told), left) if part)
        self._show(fraction, note)
        if self._bar.disable and time.monotonic() - self._last_plain >= PLAIN_INTERVAL:
            self._last_plain = time.monotonic()
            percent = overall_percent(self.step, fraction)
            self._say(f"{self.step} {percent:.0f}%" + (f": {note}" if note else ""))

    def taken_over(self, fraction: float) -> None:
        self._taken_over += fraction

    def log(self, line: str) -> None:
        self._log.write(f"{datetime.now().astimezone():%Y-%m-%d %H:%M:%S} {line}\n")
        self._log.flush()

    def warn(self, code: str, **facts: object) -> None:
        explained = explain(code, facts)
        sentence = " ".join(filter(None, (explained.sentence, explained.for_staff)))
        self.log(f"warning: {sentence}")
        self._say(f"Warning: {sentence}")

    def finish(self, step: Step, seconds: float, *, reused: bool) -> None:
        outcome = "still true, skipped" if reused else f"{seconds:.1f} s"
        self.log(f"{step} ends: {outcome}")
        self._say(f"{self._title()}  {outcome}")
        self._show(1.0, "")

    # Helpers.

    def time_left(self, fraction: float) -> str:
        """A rough guess at the rest of the current step, in words; empty while it is too early."""
        elapsed = time.monotonic() - self._began
        done = fraction - self._taken_over
        if done < MIN_FRACTION or elapsed < MIN_SECONDS:
            return ""
        return f"{in_words(elapsed * (1 - fraction) / done)} left in this step"

    def _show(self, fraction: float, note: str) -> None:
        self._bar.update(
            self._task,
            completed=overall_percent(self.step, fraction),
            description=self._title(),
            note=note,
        )

    def _say(self, line: str) -> None:
        self._console.print(line, markup=False)

    def _title(self) -> str:
        if self.step not in WORKING_STEPS:
            return f"{self.step}"
        return f"{WORKING_STEPS.index(self.step) + 1}/{len(WORKING_STEPS)} {self.step:<13}"


def in_words(seconds: float) -> str:
    """A duration as people say it: "40 s", "3 min"."""
    if seconds < 90:
        return f"{max(round(seconds), 1)} s"
    return f"{round(seconds / 60)} min"
