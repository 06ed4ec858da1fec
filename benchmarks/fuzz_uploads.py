"""Thousands of broken photos and videos through the upload of a real site.

    python benchmarks/fuzz_uploads.py                       # 10,000 mutants of seed 1
    python benchmarks/fuzz_uploads.py --seed 7 --count 300
    python benchmarks/fuzz_uploads.py --seed 7 --only 211   # that one again, its file kept

Starts a site on loopback, signs in, and sends each mutant to a draft as the pages do, photos and
videos alike, three at a time. Prints a table of answers by kind of file, and exits with 1 if
anything was answered with 5xx (except 503 with Retry-After: then it is sent again) or not in time,
or if web or decoding processes have grown. Mutant K of seed S is always the same file.
"""

from __future__ import annotations

import argparse
import datetime
import signal
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
from benchmarks.parts.mutants import mutant
from benchmarks.parts.tables import table

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

    def table(self) -> str:
        rows = []
        for kind in sorted({one.kind for one in self.sent}):
            answers = [one.answer for one in self.sent if one.kind == kind]
            counted = Counter(answer.status for answer in answers)
            told = ", ".join(f"{count} × {status}" for status, count in sorted(counted.items()))
            slowest = max(answer.seconds for answer in answers)
            rows.append([kind, len(answers), told, f"{slowest:.1f}"])
        return table(["kind", "sent", "answers", "slowest s"], rows)


def main() -> None:
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # the site may not outlive this
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--only", type=int, metavar="K", help="this mutant alone")
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
    print(outcome.table())
    print(f"\n{outcome.seconds:.0f} s. Web processes {outcome.web_before // MB} MB after the first"
          f" {WARM_UP}, {outcome.web_after // MB} MB at the end; largest decoding process"
          f" {outcome.pool_after // MB} MB.")  # fmt: skip
    sys.exit("\n".join([*outcome.faults, logged]) if outcome.faults else 0)


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
