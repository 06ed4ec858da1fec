"""The site under load, as `make run` starts it, beside a bare Django view in the same run.

    python -m benchmarks.load                      # half an hour
    python -m benchmarks.load --minutes 4
    python -m benchmarks.load --save               # into docs/measurements/load.md

1,000 jobs wait; a worker does them with a pipeline that takes a moment. 200 pages of waiting jobs
are open and poll as their script does; once a minute 20 people send a photo of 12 megapixels at the
same moment. All of them are in a process of its own. Then the pages that list jobs, with 10,000 of
them. Exits with 1 at an answer of 5xx other than "come back in a moment", and at a page that makes
too many queries.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import shlex
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from benchmarks.jobs import machine
from benchmarks.load import answers, archive
from benchmarks.load.making import make
from benchmarks.load.memory import MemoryWatch
from benchmarks.parts.servers import wait_until_up
from benchmarks.parts.tables import table
from scripts import measurement_pages
from scripts.temporary_site import ROOT, TemporarySite, free_port, site_environment

#: By the file that a table is kept in: its head and rows.
Tables = dict[str, tuple[list[str], list[list[Any]]]]
#: Of a page, however many jobs there are.
MOST_QUERIES = 15
MEMORY = ["programs", "early MB", "late MB", "growth, MB in 10 min", "most MB"]
#: Seconds that a job takes at least.
JOB_S = 1.5
#: Nothing but these keeps so many from one address.
GENEROUS = {
    **dict.fromkeys(("UPLOADS_AN_HOUR", "QUOTA_ACTIVE_JOBS", "QUOTA_JOBS_A_DAY"), "1000000"),
    "MAX_CONNECTIONS_PER_ADDRESS": "1000",
    "DJANGO_SETTINGS_MODULE": "benchmarks.load.settings",
    "OMP_NUM_THREADS": "1",
}


def main() -> None:
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # the site may not outlive this
    options = parse(sys.argv[1:])
    print(f"{datetime.date.today()}, {machine()}, load {os.getloadavg()[2]:.0f}", flush=True)
    tables: Tables = {}
    faults: list[str] = []
    if options.minutes:
        seen, memory = under_load(options)
        tables["load"] = (answers.HEAD, answers.rows(seen))
        tables["load-memory"] = (MEMORY, memory)
        faults += answers.faults(seen)
        tell(tables)
    if options.archive:
        rows = list(archive.rows(options.archive, GENEROUS))
        tables["load-pages"] = (archive.HEAD, rows)
        faults += [f"{row[0]}: {row[1]} queries" for row in rows if int(row[1]) > MOST_QUERIES]
        tell({"load-pages": tables["load-pages"]})
    if options.save and tables:
        save(tables)
    sys.exit("\n".join(faults) if faults else 0)


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--minutes", type=float, default=30, help="under load; 0 for none")
    parser.add_argument("--waiting", type=int, default=1000, help="jobs in line")
    parser.add_argument("--pages", type=int, default=200)
    parser.add_argument("--uploads", type=int, default=20, help="at once")
    parser.add_argument("--archive", type=int, default=10_000, help="jobs to list; 0 for none")
    parser.add_argument("--save", action="store_true", help="into docs/measurements/load.md")
    return parser.parse_args(arguments)


def tell(tables: Tables) -> None:
    """At once: what comes next may fail."""
    for head, lines in tables.values():
        print("\n" + table(head, lines), flush=True)


def under_load(options: argparse.Namespace) -> tuple[list[answers.Answer], list[list[str]]]:
    """All answers, and rows about memory."""
    seconds = 60 * options.minutes
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="load-")))
        # In half an hour all of 1,000 jobs are done; in less, as quickly.
        settings = {**GENEROUS, "LOAD_JOB_S": f"{max(seconds / options.waiting, JOB_S):.2f}"}
        made = make(site_environment(folder, **settings), "line", options.waiting, options.uploads)
        site = TemporarySite(folder, **settings)
        site.start()
        stack.callback(site.stop, signal.SIGTERM)
        bare = stack.enter_context(bare_site())
        plan = {
            **made, "site": f"http://127.0.0.1:{site.port}", "bare": bare,
            "seconds": seconds, "open": options.pages,
        }  # fmt: skip
        watch = stack.enter_context(MemoryWatch(site.process.pid))
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.load.client"],
            input=json.dumps(plan), stdout=subprocess.PIPE, text=True, check=True, cwd=ROOT,
        )  # fmt: skip
        memory = watch.rows()
    return [answers.Answer(*json.loads(line)) for line in done.stdout.splitlines()], memory


@contextmanager
def bare_site() -> Iterator[str]:
    """The address of the bare view, on the same kind of server with as many processes."""
    port = free_port()
    command = [
        sys.executable, "-m", "gunicorn", "benchmarks.load.bare", "--bind", f"127.0.0.1:{port}",
        "--workers", "2", "--threads", "8", "--no-control-socket", "--log-level", "error",
        "--worker-class", "instarecon_site.server.worker.BufferingWorker",
    ]  # fmt: skip
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
    server = subprocess.Popen(command, env=environment, cwd=ROOT, stdout=subprocess.DEVNULL)
    try:
        wait_until_up(port, server, "/")
        yield f"http://127.0.0.1:{port}/"
    finally:
        server.terminate()
        server.wait()


def save(tables: Tables) -> None:
    words = [word for word in sys.argv[1:] if word != "--save"]
    command = shlex.join(["python", "-m", "benchmarks.load", *words])
    where = f"{machine()}, load {os.getloadavg()[2]:.0f}"
    for name, (head, lines) in tables.items():
        measurement_pages.save(f"{name}.csv", where, command, head, lines)


if __name__ == "__main__":
    main()
