"""What an attack does to everybody else: the site's memory, and whether health checks are
answered."""

from __future__ import annotations

import threading
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import psutil

from benchmarks.attacks.site import AttackedSite, Person

MB = 2**20
#: What marks the command line of a process that answers requests, and of one that opens uploads.
WEB, POOL = "instarecon_site.wsgi", "recon.pipeline.decoding"
LOOK_EVERY_S = 0.1
ASK_EVERY_S = 0.5
PATIENCE_S = 10.0  # after this a health check counts as not answered


#: Requests something from the site; returns whether the answer was right.
Question = Callable[[], bool]


@dataclass
class Asked:
    """The answers to one question, asked again and again."""

    question: Question
    seconds: list[float] = field(default_factory=list)  # for each question that was answered
    unanswered: int = 0

    def cell(self) -> str:
        """`19 of 20, median 4 ms, p95 9 ms, worst 12 ms`."""
        total = len(self.seconds) + self.unanswered
        if not self.seconds:
            return f"0 of {total}"
        ordered = [round(1000 * one) for one in sorted(self.seconds)]
        median, p95 = ordered[len(ordered) // 2], ordered[int(len(ordered) * 0.95)]
        return (
            f"{len(ordered)} of {total}, median {median} ms, p95 {p95} ms, worst {ordered[-1]} ms"
        )


class Watch:
    """Watches memory and asks questions while a block runs.

        with Watch(site, page=lambda: ann.get("/jobs/").status == 200) as seen:
            ...
        seen.row()

    Health checks are always among the questions. Each question has its own thread, which asks twice
    a second at most; an answer counts if it is right and comes within PATIENCE_S.
    """

    def __init__(self, site: AttackedSite, **questions: Question) -> None:
        self.site = site
        health = {"health checks": partial(_is_healthy, site)}
        self.asked = {name: Asked(ask) for name, ask in (health | questions).items()}
        self.most: dict[str, int] = {}  # bytes, by kind
        self.seconds = 0.0

    def __enter__(self) -> Watch:
        self.before = memory_of(self.site)
        self._started, self._over = time.monotonic(), threading.Event()
        self._threads = [threading.Thread(target=self._look)]
        self._threads += [
            threading.Thread(target=self._ask, args=(q,)) for q in self.asked.values()
        ]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.seconds = time.monotonic() - self._started
        self._over.set()
        for thread in self._threads:
            thread.join()

    def row(self) -> dict[str, str]:
        """The results as cells of a table."""
        most, before = self.most, self.before
        return {
            "s": f"{self.seconds:.1f}",
            "web MB": f"{before['web'] / MB:.0f} → {most.get('web', 0) / MB:.0f}",
            "largest of the pool MB": f"{most.get('one of the pool', 0) / MB:.0f}",
            "pool MB": f"{most.get('pool', 0) / MB:.0f}",
            "workers MB": f"{before['others'] / MB:.0f} → {most.get('others', 0) / MB:.0f}",
        } | {f"{name} answered": asked.cell() for name, asked in self.asked.items()}

    def _look(self) -> None:
        while not self._over.wait(LOOK_EVERY_S):
            for kind, size in memory_of(self.site).items():
                self.most[kind] = max(size, self.most.get(kind, 0))

    def _ask(self, asked: Asked) -> None:
        while not self._over.is_set():
            started = time.monotonic()
            right = asked.question()
            seconds = time.monotonic() - started
            if right and seconds < PATIENCE_S:
                asked.seconds.append(seconds)
            else:
                asked.unanswered += 1
            self._over.wait(ASK_EVERY_S)


def questions_of(person: Person) -> dict[str, Question]:
    """What a harmless person requests meanwhile: a page, and the API."""
    return {
        "somebody else’s page": lambda: person.get("/jobs/").status == 200,
        "API": lambda: person.get("/recon/queue").status == 200,
    }


def _is_healthy(site: AttackedSite) -> bool:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"http://127.0.0.1:{site.port}/healthz", timeout=PATIENCE_S) as answer:
            return bool(answer.read() == b"ok")
    except OSError:
        return False


def memory_of(site: AttackedSite) -> dict[str, int]:
    """Resident bytes of the site's processes by kind, and of the pool's largest process."""
    found = {"web": 0, "pool": 0, "others": 0, "one of the pool": 0}
    for process in psutil.Process(site.process.pid).children(recursive=True):
        try:
            command, size = " ".join(process.cmdline()), process.memory_info().rss
        except psutil.Error:
            continue  # it has just ended
        kind = "pool" if POOL in command else "web" if WEB in command else "others"
        found[kind] += size
        if kind == "pool":
            found["one of the pool"] = max(size, found["one of the pool"])
    return found
