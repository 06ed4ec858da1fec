"""What the answers under load come to."""

from __future__ import annotations

import statistics
from dataclasses import dataclass

from benchmarks.load.client import BARE, NEWS, SAME

HEAD = ["asked for", "times", "a second", "median ms", "p95 ms", "p95 while 20 send a photo, ms",
        "worst ms", "p95 ÷ bare view", "503", "5xx"]  # fmt: skip
#: Both answers to a page that asks for news.
ALL_NEWS = "the progress fragment, both"


@dataclass(frozen=True)
class Answer:
    """One, as the client noted it."""

    at: float  # s from the start
    what: str
    status: int  # 0: none
    ms: float
    in_wave: bool  # of uploads


def rows(seen: list[Answer]) -> list[list[str]]:
    kinds: dict[str, list[Answer]] = {}
    for answer in seen:
        kinds.setdefault(answer.what, []).append(answer)
    kinds[ALL_NEWS] = [*kinds.get(NEWS, []), *kinds.get(SAME, [])]
    order = [ALL_NEWS, *sorted(kinds.keys() - {ALL_NEWS, BARE}), BARE]
    seconds = max(answer.at for answer in seen)
    bare = p95(kinds[BARE])
    return [_row(name, kinds[name], seconds, bare) for name in order if kinds[name]]


def _row(name: str, found: list[Answer], seconds: float, bare: float) -> list[str]:
    in_wave = [answer for answer in found if answer.in_wave]
    busy = [answer for answer in found if answer.status == 503]
    return [
        name, f"{len(found):,}", f"{len(found) / seconds:.1f}",
        f"{statistics.median(one.ms for one in found):.0f}", f"{p95(found):.0f}",
        f"{p95(in_wave):.0f}" if in_wave else "", f"{max(one.ms for one in found):.0f}",
        f"{p95(found) / bare:.1f}", str(len(busy)), str(sum(map(is_fault, found))),
    ]  # fmt: skip


def p95(found: list[Answer]) -> float:
    ordered = sorted(answer.ms for answer in found)
    return ordered[int(0.95 * (len(ordered) - 1))]


def is_fault(answer: Answer) -> bool:
    """No answer, or one that is nobody's fault but the site's."""
    return answer.status == 0 or (answer.status >= 500 and answer.status != 503)


def faults(seen: list[Answer]) -> list[str]:
    return [
        f"{one.what} after {one.at:.0f} s: {one.status or 'no answer'}"
        for one in seen
        if is_fault(one)
    ]
