"""How work reports progress: `report(fraction, code, **facts)`, from the lowest layer up.

A code stands for a sentence of `recon.pipeline.words.progress_texts`, which is shown in the
reader's language, when they look; `facts` are JSON-able and fill its placeholders. Two of them are
the same everywhere: `seconds_left`, from work that knows it, and `inner`, the message of the work
within this one.
"""

from __future__ import annotations

from typing import Protocol, TypedDict


class WarningRecord(TypedDict):
    """What `warn` was told, as files and rows keep it."""

    code: str
    facts: dict[str, object]


class Progress(Protocol):
    """What is called as the work goes on, some times a second where it can be.

    `fraction`, 0 to 1, is done, and `code` with `facts` says what is being done; an empty code
    says nothing. May raise, which stops the work.
    """

    def __call__(self, fraction: float, code: str = "", /, **facts: object) -> None: ...


class Report(Progress, Protocol):
    """What else a stage reports. The site, the command line and the tests each have one.

    Any of these calls may raise `recon.pipeline.errors.Cancelled`; stages let it pass.
    """

    def taken_over(self, fraction: float) -> None:
        """Another `fraction` of the work was done by an interrupted run and took no time now."""

    def log(self, line: str) -> None:
        """One line for the job's log, in English."""

    def warn(self, code: str, **facts: object) -> None:
        """Something the person should know while the job goes on, by its code in `error_texts`."""


def silent(fraction: float, code: str = "", /, **facts: object) -> None:
    """Progress that nobody listens to."""


def message(code: str, facts: dict[str, object]) -> dict[str, object]:
    """A code and its facts as one fact, or as a row keeps them; empty if there is nothing to
    say."""
    return {"code": code, "facts": facts} if code else {}


def part(report: Progress, start: float, end: float) -> Progress:
    """`report` for work that is only a part, from `start` to `end`, of the whole.

    Never goes backwards, even if the work starts again.
    """
    reached = start

    def tell(fraction: float, code: str = "", /, **facts: object) -> None:
        nonlocal reached
        reached = max(reached, start + (end - start) * min(max(fraction, 0.0), 1.0))
        report(reached, code, **facts)

    return tell


def within(report: Progress, code: str, **facts: object) -> Progress:
    """`report` for work within the one that `code` with `facts` stands for."""

    def tell(fraction: float, inner: str = "", /, **inner_facts: object) -> None:
        known = {"inner": message(inner, inner_facts)} if inner else {}
        report(fraction, code, **facts, **known)

    return tell


class ForwardingReport:
    """A `Report` that passes everything on. Its subclasses change what they have to."""

    def __init__(self, report: Report) -> None:
        self._report = report

    def __call__(self, fraction: float, code: str = "", /, **facts: object) -> None:
        self._report(fraction, code, **facts)

    def taken_over(self, fraction: float) -> None:
        self._report.taken_over(fraction)

    def log(self, line: str) -> None:
        self._report.log(line)

    def warn(self, code: str, **facts: object) -> None:
        self._report.warn(code, **facts)


class Part(ForwardingReport):
    """`part` of a whole `Report`."""

    def __init__(self, report: Report, start: float, end: float) -> None:
        super().__init__(report)
        self._part, self._length = part(report, start, end), end - start

    def __call__(self, fraction: float, code: str = "", /, **facts: object) -> None:
        self._part(fraction, code, **facts)

    def taken_over(self, fraction: float) -> None:
        self._report.taken_over(self._length * fraction)
