"""The pages that list jobs, with very many of them: queries, and how quickly they answer."""

from __future__ import annotations

import http.client
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.load.making import make
from benchmarks.parts.servers import wait_until_up
from scripts.temporary_site import ROOT, free_port, site_environment
from tests.services import redis_address, start_redis, stop_redis

HEAD = ["page", "queries", "median ms", "p95 ms", "kB"]
TIMES, LIMIT_S = 40, 60


def rows(count: int, settings: dict[str, str]) -> Iterator[list[str]]:
    """Asks for each page of a site with `count` jobs, one after the other and nothing beside."""
    with tempfile.TemporaryDirectory(prefix="archive-") as name, _redis() as redis:
        environment = site_environment(Path(name), REDIS_URL=redis, **settings)
        made = make(environment, "archive", count)
        with _served(environment) as port:
            for page, path in made["pages"].items():
                times, size = _ask(port, path, made["session"])
                median, p95 = statistics.median(times), sorted(times)[int(0.95 * len(times))]
                queries = str(made["queries"][page])
                yield [page, queries, f"{median:.0f}", f"{p95:.0f}", f"{size / 1000:.0f}"]


def _ask(port: int, path: str, session: str) -> tuple[list[float], int]:
    """Milliseconds of each time, after two that warm the processes up; bytes."""
    times, size = [], 0
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=LIMIT_S)
    headers = {"Cookie": f"instarecon_session={session}"}
    for _ in range(TIMES + 2):
        began = time.monotonic()
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        size = len(answer.read())
        times.append(1000 * (time.monotonic() - began))
        if answer.status != 200:
            raise RuntimeError(f"{path}: {answer.status}")
    return times[2:], size


@contextmanager
def _redis() -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="redis-") as folder:
        server = start_redis(Path(folder))
        try:
            yield redis_address(Path(folder))
        finally:
            stop_redis(server)


@contextmanager
def _served(environment: dict[str, str]) -> Iterator[int]:
    port = free_port()
    server = subprocess.Popen(
        [sys.executable, "-m", "gunicorn", "instarecon_site.wsgi", "--bind", f"127.0.0.1:{port}",
         "--workers", "1", "--worker-class", "instarecon_site.server.worker.BufferingWorker",
         "--threads", "8", "--log-level", "error", "--no-control-socket"],
        env={**environment, "PORT": str(port)}, cwd=ROOT, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        wait_until_up(port, server)
        yield port
    finally:
        server.terminate()
        server.wait()
