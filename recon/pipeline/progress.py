"""The pipeline's steps, and how a running pipeline tells the world where it is."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Protocol


class Step(StrEnum):
    """The public names of the steps, in running order."""

    QUEUED = "QUEUED"
    PREFLIGHT = "PREFLIGHT"
    COLMAP_FEAT = "COLMAP_FEAT"
    COLMAP_MATCH = "COLMAP_MATCH"
    COLMAP_MAP = "COLMAP_MAP"
    COLMAP_UNDIST = "COLMAP_UNDIST"
    GS_TRAIN = "GS_TRAIN"
    EVALUATION = "EVALUATION"
    EXPORT_PLY = "EXPORT_PLY"
    DONE = "DONE"


#: Overall per cent at which each step begins; inside a step, progress moves to the next one's.
STARTS_AT: dict[Step, int] = {
    Step.QUEUED: 0,
    Step.PREFLIGHT: 5,
    Step.COLMAP_FEAT: 15,
    Step.COLMAP_MATCH: 30,
    Step.COLMAP_MAP: 45,
    Step.COLMAP_UNDIST: 55,
    Step.GS_TRAIN: 65,
    Step.EVALUATION: 85,
    Step.EXPORT_PLY: 95,
    Step.DONE: 100,
}

#: The steps that do work, each a module in `recon.pipeline.stages`.
WORKING_STEPS: tuple[Step, ...] = tuple(s for s in Step if s not in (Step.QUEUED, Step.DONE))


def overall_percent(step: Step, fraction: float) -> float:
    """Overall progress in per cent, 0 to 100, for a `fraction` (0 to 1) of `step`."""
    steps = list(Step)
    start = STARTS_AT[step]
    end = STARTS_AT[steps[min(steps.index(step) + 1, len(steps) - 1)]]
    return start + (end - start) * min(max(fraction, 0.0), 1.0)


class Reporter(Protocol):
    """What a stage tells while it works. The site, the command line and the tests each have one.

    Any of these calls may raise `recon.pipeline.errors.Cancelled`; stages let it pass. Stages
    call `progress` at least once a second where they can, so that a cancel takes effect soon.
    """

    def start(self, step: Step) -> None:
        """`step` begins."""

    def progress(self, fraction: float, message: str = "") -> None:
        """`fraction` (0 to 1) of the current step is done; `message` is for a person."""

    def taken_over(self, fraction: float) -> None:
        """Another `fraction` of the step was done by an interrupted run and took no time now."""

    def log(self, line: str) -> None:
        """One line for the job's log."""

    def warn(self, code: str, **facts: Any) -> None:
        """Something the person should know although the job goes on; see `errors.EXPLANATIONS`."""

    def finish(self, step: Step, seconds: float, *, reused: bool) -> None:
        """`step` ended well; `reused` says that an earlier run's result was still true."""


class Part:
    """A `Reporter` for work that is only a part of the current step, `start` to `end` of it.

    Never goes backwards, also where the work begins anew. `doing` is said before each message.
    """

    def __init__(self, report: Reporter, start: float, end: float, doing: str = "") -> None:
        self._report, self._doing = report, doing
        self._start, self._end, self._reached = start, end, start

    def start(self, step: Step) -> None:
        self._report.start(step)

    def progress(self, fraction: float, message: str = "") -> None:
        here = self._start + (self._end - self._start) * min(max(fraction, 0.0), 1.0)
        self._reached = max(self._reached, here)
        said = ": ".join(part for part in (self._doing, message) if part)
        self._report.progress(self._reached, said)

    def taken_over(self, fraction: float) -> None:
        self._report.taken_over((self._end - self._start) * fraction)

    def log(self, line: str) -> None:
        self._report.log(f"{self._doing}: {line}" if self._doing else line)

    def warn(self, code: str, **facts: Any) -> None:
        self._report.warn(code, **facts)

    def finish(self, step: Step, seconds: float, *, reused: bool) -> None:
        self._report.finish(step, seconds, reused=reused)


class ListReporter:
    """Keeps everything it is told, in order. For tests and for scripts."""

    def __init__(self) -> None:
        self.events: list[tuple[str, Any]] = []

    def start(self, step: Step) -> None:
        self.events.append(("start", step))

    def progress(self, fraction: float, message: str = "") -> None:
        self.events.append(("progress", (fraction, message)))

    def taken_over(self, fraction: float) -> None:
        self.events.append(("taken_over", fraction))

    def log(self, line: str) -> None:
        self.events.append(("log", line))

    def warn(self, code: str, **facts: Any) -> None:
        self.events.append(("warn", (code, facts)))

    def finish(self, step: Step, seconds: float, *, reused: bool) -> None:
        self.events.append(("finish", (step, reused)))

    def named(self, name: str) -> list[Any]:
        """The payloads of all events called `name`."""
        return [payload for event, payload in self.events if event == name]
