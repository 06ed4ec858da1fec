"""Thousands of broken photos and videos through the upload of a real site.

    python benchmarks/fuzz_uploads.py                       # 10,000 mutants of seed 1
    python benchmarks/fuzz_uploads.py --seed 7 --count 300
    python benchmarks/fuzz_uploads.py --seed 7 --only 211   # that one again, its file kept
    python benchmarks/fuzz_uploads.py --save                # into docs/measurements/attacks.md

Starts a site on loopback, signs in, and sends each mutant to a draft as the pages do, photos and
videos alike, three at a time. Prints a table of answers by kind of file, and exits with 1 if
anything was answered with 5xx (except 503 with Retry-After: then it is sent again) or not in time,
or if web or decoding processes have grown. Mutant K of seed S is always the same file.
"""

from __future__ import annotations

import argparse
import datetime
import shlex
import signal
import statistics
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.attacks.site import Answer, AttackedSite, Person, attacked_site
from benchmarks.attacks.watching import MB, memory_of
from benchmarks.jobs import machine
from benchmarks.parts.mutants import mutant
from benchmarks.parts.tables import table
from scripts import measurement_pages

AT_ONCE = 3
PATIENCE_S = 60.0  # as long as the pages' scripts wait
#: Mutants before memory use is taken as the site's usual.
WARM_UP = 100
#: Bytes that all web processes together may grow by afterwards; a pool process has its own limit.
MAY_GROW = 48 * MB
POOL_MOST = 280 * MB
#: A draft accepts so few files that a new one is begun after this many.
IN_A_DRAFT = 15


@dataclass(frozen=True)
class Sent:
    """One mutant and what happened to it."""

    number: int
    kind: str
    answer: Answer

    @property
    def is_fault(self) -> bool:
        return self.answer.status == 0 or self.answer.status >= 500


HEAD = ["kind", "sent", "201, a photo", "202, a video", "400", "others", "median s", "slowest s",
        "web MB", "largest decoder MB"]  # fmt: skip


@dataclass(frozen=True)
class Outcome:
    sent: list[Sent]
    web_before: int  # bytes, after the warm-up
    web_after: int
    pool_after: int  # bytes, the largest of its processes
    seconds: float

    @property
    def faults(self) -> list[str]:
        """What went wrong, in sentences."""
        found = [
            f"mutant {one.number} ({one.kind}): {one.answer.status or 'no answer'}"
            f" after {one.answer.seconds:.1f} s {one.answer.said}"
            for one in self.sent
            if one.is_fault
        ]
        grown = self.web_after - self.web_before
        if grown > MAY_GROW:
            found.append(f"the web processes have grown by {grown // MB} MB")
        if self.pool_after > POOL_MOST:
            found.append(f"a decoding process has {self.pool_after // MB} MB")
        return found

    def rows(self) -> list[list[str]]:
        """A line for each kind of file, and one for all, which has the memory."""
        kinds = sorted({one.kind for one in self.sent})
        rows = [_row(kind, [one for one in self.sent if one.kind == kind]) for kind in kinds]
        web = f"{self.web_before // MB} → {self.web_after // MB}"
        return [*rows, [*_row("all", self.sent), web, str(self.pool_after // MB)]]


def main() -> None:
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # the site may not outlive this
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--only", type=int, metavar="K", help="this mutant alone")
    parser.add_argument("--save", action="store_true", help="into docs/measurements/attacks.md")
    options = parser.parse_args()
    numbers = range(options.count) if options.only is None else [options.only]
    if options.only is not None:
        kind, content = mutant(options.seed, options.only)
        file = Path(f"mutant-{options.seed}-{options.only}.{kind}")
        file.write_bytes(content)
        print(f"{file}, {len(content)} bytes")
    # No honest person sends this much, so the limits on people are lifted.
    limits = {"MAX_DRAFTS": "1000", "MAX_VIDEOS": "100", "QUOTA_VIDEOS": "1000"}
    with attacked_site(**limits, UPLOADS_AN_HOUR="1000000") as site:
        outcome = fuzz(site, options.seed, numbers)
        logged = _tracebacks(site) if outcome.faults else ""  # a race can't easily be reproduced
    print(f"\n{datetime.date.today()}, seed {options.seed}, {len(outcome.sent)} mutants\n")
    print(table(HEAD, outcome.rows()))
    print(f"\n{outcome.seconds:.0f} s. Web: all its processes, after the first {WARM_UP} and at the"
          " end.")  # fmt: skip
    if options.save:
        words = [word for word in sys.argv[1:] if word != "--save"]
        command = shlex.join(["python", "benchmarks/fuzz_uploads.py", *words])
        full = [[*row, *[""] * (len(HEAD) - len(row))] for row in outcome.rows()]
        measurement_pages.save("attacks-broken-files.csv", machine(), command, HEAD, full)
    sys.exit("\n".join([*outcome.faults, logged]) if outcome.faults else 0)


def _row(name: str, sent: list[Sent]) -> list[str]:
    statuses = Counter(one.answer.status for one in sent)
    seconds = [one.answer.seconds for one in sent]
    usual = [statuses.pop(status, 0) for status in (201, 202, 400)]
    others = ", ".join(f"{count} × {status}" for status, count in sorted(statuses.items()))
    times = (f"{statistics.median(seconds):.2f}", f"{max(seconds):.1f}")
    return [name, f"{len(sent):,}", *(f"{count:,}" for count in usual), others or "0", *times]


def _tracebacks(site: AttackedSite) -> str:
    """The ends of the last tracebacks that the web processes logged."""
    log = (site.folder / "data" / "logs" / "web.log").read_text(errors="replace")
    return "\n".join(part[-2000:] for part in log.split("Traceback")[-3:])


def fuzz(site: AttackedSite, seed: int, numbers: range | list[int]) -> Outcome:
    """Sends the given mutants of a seed."""
    started = time.monotonic()
    person = site.person()
    sent: list[Sent] = []
    web_before = memory_of(site)["web"]
    with ThreadPoolExecutor(AT_ONCE) as senders, suppress(KeyboardInterrupt):  # Ctrl-C: ends early
        for some in _portions(list(numbers)):
            draft = person.draft()
            sent += senders.map(lambda number, at=draft: _send(person, at, seed, number), some)
            person.post(f"{draft}delete/", {})
            if len(sent) <= WARM_UP:
                web_before = memory_of(site)["web"]
    after = memory_of(site)
    return Outcome(
        sent, web_before, after["web"], after["one of the pool"], time.monotonic() - started
    )


def _portions(numbers: list[int]) -> Iterator[list[int]]:
    for at in range(0, len(numbers), IN_A_DRAFT):
        yield numbers[at : at + IN_A_DRAFT]


def _send(person: Person, draft: str, seed: int, number: int) -> Sent:
    kind, content = mutant(seed, number)
    end = time.monotonic() + PATIENCE_S
    while True:
        left = max(1.0, end - time.monotonic())
        answer = person.send(draft, f"mutant {number}.{kind}", content, timeout=left)
        if answer.status != 503 or answer.retry_after is None or time.monotonic() > end:
            return Sent(number, kind, answer)
        time.sleep(answer.retry_after)


if __name__ == "__main__":
    main()
