"""The pipeline's steps, and how a running pipeline reports where it is."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Protocol

from recon.pipeline.words import progress_texts
from recon.reporting import ForwardingReport, Report, message, within


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


class RunReport(Report, Protocol):
    """The `Report` of a whole run, which also hears about its steps. Stages see only a `Report`."""

    def start(self, step: Step) -> None:
        """`step` begins."""

    def finish(self, step: Step, seconds: float, *, reused: bool) -> None:
        """`step` ended well; `reused` says that an earlier run's result was still true."""


class Within(ForwardingReport):
    """A `Report` for work within the work that `code` with `facts` stands for: its messages, and
    each line of its log, say so.
    """

    def __init__(self, report: Report, code: str, **facts: object) -> None:
        super().__init__(report)
        self._within = within(report, code, **facts)
        self._name = progress_texts.english(message(code, facts))

    def __call__(self, fraction: float, code: str = "", /, **facts: object) -> None:
        self._within(fraction, code, **facts)

    def log(self, line: str) -> None:
        self._report.log(f"{self._name}: {line}")


class ListReporter:
    """Keeps everything it is told, in order, with progress as sentences. For tests and for
    scripts."""

    def __init__(self) -> None:
        self.events: list[tuple[str, Any]] = []

    def __call__(self, fraction: float, code: str = "", /, **facts: object) -> None:
        sentence = progress_texts.english(message(code, facts))
        self.events.append(("progress", (fraction, sentence)))

    def start(self, step: Step) -> None:
        self.events.append(("start", step))

    def taken_over(self, fraction: float) -> None:
        self.events.append(("taken_over", fraction))

    def log(self, line: str) -> None:
        self.events.append(("log", line))

    def warn(self, code: str, **facts: object) -> None:
        self.events.append(("warn", (code, facts)))

    def finish(self, step: Step, seconds: float, *, reused: bool) -> None:
        self.events.append(("finish", (step, reused)))

    def named(self, name: str) -> list[Any]:
        """The payloads of all events called `name`."""
        return [payload for event, payload in self.events if event == name]
