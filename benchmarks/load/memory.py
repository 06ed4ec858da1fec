"""How much memory each kind of the site's programs has, looked at now and then."""

from __future__ import annotations

import statistics
import threading
import time
from typing import Self

import psutil

MB = 2**20
LOOK_EVERY_S = 5.0
#: What a program's command line contains, first come first served.
KINDS = {
    "decoding pool": "recon.pipeline.decoding",
    "web": "instarecon_site.wsgi",
    "worker": "rqworker recon",
    "checks": "rqworker mail checks",
    "reconcile": "manage.py reconcile",
    "Redis": "valkey",
}


class MemoryWatch:
    """Looks at all programs below a process while a block runs."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self.seen: list[tuple[float, dict[str, float]]] = []  # s from the start, MB by kind

    def __enter__(self) -> Self:
        self._began = time.monotonic()
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._over.set()
        self._thread.join()

    def rows(self) -> list[list[str]]:
        """Kind; MB, medians of the second and the last fifth of the time (the first is for warming
        up); how it grew between their middles, MB in ten minutes; the most."""
        rows = []
        for kind in KINDS:
            early, late = self._fifth(1, kind), self._fifth(4, kind)
            if not early or not late:
                continue
            between_s = 0.6 * self.seen[-1][0]
            growth = (statistics.median(late) - statistics.median(early)) / between_s * 600
            most = max(sizes.get(kind, 0.0) for _, sizes in self.seen)
            rows.append([kind, f"{statistics.median(early):.0f}", f"{statistics.median(late):.0f}",
                         f"{growth:+.1f}", f"{most:.0f}"])  # fmt: skip
        return rows

    def _fifth(self, number: int, kind: str) -> list[float]:
        whole = self.seen[-1][0] if self.seen else 0.0
        return [
            sizes[kind]
            for at, sizes in self.seen
            if kind in sizes and number <= 5 * at / whole <= number + 1
        ]

    def _watch(self) -> None:
        while not self._over.wait(LOOK_EVERY_S):
            self.seen.append((time.monotonic() - self._began, self._look()))

    def _look(self) -> dict[str, float]:
        sizes: dict[str, float] = {}
        for process in psutil.Process(self._pid).children(recursive=True):
            try:
                command, size = " ".join(process.cmdline()), process.memory_full_info().pss / MB
            except psutil.Error:
                continue  # it has just ended
            kind = next((kind for kind, mark in KINDS.items() if mark in command), None)
            if kind is not None:
                sizes[kind] = sizes.get(kind, 0.0) + size
        return sizes
