"""How quickly the site answers a hundred open pages while hundreds of jobs wait in line.

    python benchmarks/waiting_pages.py
    python benchmarks/waiting_pages.py --pages 200 --waiting 1000 --seconds 60

Starts the web server alone, on loopback and on its own data, with rows of waiting jobs, of finished
ones to learn from, and of drafts. Opens pages of waiting jobs all at once; each then asks for news
every two seconds, as its script does. Meanwhile somebody looks through the gallery, and a program
asks for the queue. Prints how long each kind took, and how many queries one request and one round
of `reconcile` make.
"""

from __future__ import annotations

import argparse
import datetime
import http.client
import json
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.jobs import machine
from benchmarks.parts.servers import wait_until_up
from benchmarks.parts.tables import table
from scripts.temporary_site import ROOT, free_port, site_environment

POLL_S, LOOK_S = 2.0, 1.0
QUEUE, GALLERY, PAGE, NEWS = "/recon/queue", "the gallery", "a waiting page", "its news"


@dataclass
class Site:
    """What the visitors need to know, and what they found."""

    port: int
    session: str
    jobs: list[str]
    asked: dict[str, int]  # queries, by what was requested
    over: threading.Event = field(default_factory=threading.Event)
    seconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    failed: list[str] = field(default_factory=list)

    def get(self, what: str, path: str) -> None:
        began = time.monotonic()
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        try:
            connection.request(
                "GET", path, headers={"Cookie": f"instarecon_session={self.session}"}
            )
            answer = connection.getresponse()
            answer.read()
            if answer.status not in (200, 204):
                self.failed.append(f"{path}: {answer.status}")
        except OSError as error:
            self.failed.append(f"{path}: {error}")
        finally:
            connection.close()
        self.seconds[what].append(time.monotonic() - began)


def main() -> None:
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--pages", type=int, default=100)
    parser.add_argument("--waiting", type=int, default=300, help="jobs in line")
    parser.add_argument("--drafts", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=30)
    options = parser.parse_args()
    print(f"{datetime.date.today()}, {machine()}", flush=True)
    with (
        tempfile.TemporaryDirectory(prefix="waiting-") as folder,
        serve_site(Path(folder), options.waiting, options.drafts) as site,
    ):
        visit(site, options.pages, options.seconds)
    print(f"{options.pages} pages, {options.waiting} jobs in line, {options.drafts} drafts\n")
    print(report(site))


@contextmanager
def serve_site(folder: Path, waiting: int, drafts: int) -> Iterator[Site]:
    """The web server, with all its rows made. There is no worker, so the line stays as it is."""
    port = free_port()
    environment = site_environment(folder, PORT=str(port), STATIC_ROOT=str(folder / "static"))
    made = subprocess.run(
        [sys.executable, "-m", "benchmarks.parts.waiting_rows", str(waiting), str(drafts)],
        env=environment, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    facts: dict[str, Any] = json.loads(made.stdout.splitlines()[-1])
    server = subprocess.Popen(
        [sys.executable, "-m", "gunicorn", "instarecon_site.wsgi", "--bind", f"127.0.0.1:{port}",
         "--workers", "2", "--worker-class", "instarecon_site.server.worker.BufferingWorker",
         "--threads", "8", "--timeout", "120", "--log-level", "error", "--no-control-socket"],
        env=environment, cwd=ROOT, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        site = Site(port, facts["session"], facts["jobs"], facts["asked"])
        wait_until_up(port, server)
        yield site
    finally:
        server.terminate()
        server.wait()


def visit(site: Site, pages: int, seconds: float) -> None:
    """Opens all pages at once, for `seconds`; the last in line is opened most often."""
    visitors = [
        threading.Thread(target=_stay, args=(site, site.jobs[-1 - number % len(site.jobs)]))
        for number in range(pages)
    ]
    visitors.append(threading.Thread(target=_look, args=(site, GALLERY, "/jobs/")))
    visitors.append(threading.Thread(target=_look, args=(site, QUEUE, QUEUE)))
    for visitor in visitors:
        visitor.start()
    site.over.wait(seconds)
    site.over.set()
    for visitor in visitors:
        visitor.join()


def _stay(site: Site, job: str) -> None:
    site.get(PAGE, f"/jobs/{job}/")
    while not site.over.wait(POLL_S):
        site.get(NEWS, f"/jobs/{job}/progress/?v=none")


def _look(site: Site, what: str, path: str) -> None:
    while not site.over.wait(LOOK_S):
        site.get(what, path)


def report(site: Site) -> str:
    names = ["asked for", "times", "median, s", "95%, s", "longest, s", "queries"]
    rows = [
        [
            what,
            str(len(found)),
            f"{statistics.median(found):.2f}",
            f"{sorted(found)[int(0.95 * len(found))]:.2f}",
            f"{max(found):.2f}",
            str(site.asked.get(what, "")),
        ]
        for what, found in site.seconds.items()
    ]
    rows.append(["a round of reconcile", "1", "", "", "", str(site.asked["reconcile"])])
    failed = [f"\n{len(site.failed)} failed, the first: {site.failed[0]}"] if site.failed else []
    return "\n".join([table(names, rows), *failed])


if __name__ == "__main__":
    main()
