"""What is promised about faults, measured: a real site, a fault at a random moment, the facts.

    python -m benchmarks.faults                            # every fault ten times
    python -m benchmarks.faults --stored                   # with an object store
    python -m benchmarks.faults --only horse deploy --runs 3 --seed 7

Starts all of `make run` on PostgreSQL, with three workers and a pipeline of some seconds. A
program sends jobs; one fault at a time is started at a random moment; when all jobs have ended,
rows, queue, folders, objects and processes are compared. Prints a table and exits with 1 where a
promise was broken. A run is the same for the same seed as far as machines allow.
"""

from __future__ import annotations

import argparse
import datetime
import os
import random
import shlex
import shutil
import signal
import statistics
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from benchmarks.faults.site import Site, start_site
from benchmarks.jobs import machine
from benchmarks.parts.tables import table
from scripts import measurement_pages

if TYPE_CHECKING:
    from benchmarks.faults.injections import Fault
    from benchmarks.faults.judging import Verdict

#: Jobs that are sent before the fault; two more come during it.
JOBS = 3
HEAD = ["fault", "runs", "jobs", "lost", "stuck", "doubled", "orphan files", "orphan processes",
        "5xx", "last end s, median", "worst"]  # fmt: skip
NAMES = ("horse", "worker", "redis", "redis-empty", "database", "disk", "memory", "store", "web",
         "twice", "clock", "deploy")  # fmt: skip


@dataclass(frozen=True)
class Run:
    """One fault, once."""

    fault: str
    jobs: int
    seconds: float  # from the fault's beginning until the last job had ended
    verdict: Verdict


def main() -> None:
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # the site may not outlive this
    options = parse(sys.argv[1:])
    print(f"{datetime.date.today()}, {machine()}, seed {options.seed}", flush=True)
    runs: list[Run] = []
    with start_site(stored=options.stored) as site:
        from benchmarks.faults.injections import FAULTS  # Django is set up only now

        try:
            for name in options.only:
                if _is_possible(site, name, FAULTS[name]):
                    _break(site, name, FAULTS[name], options, runs)
        except KeyboardInterrupt:
            print("\nStopped: this is what was measured until then.")
        finally:
            if options.logs:
                shutil.copytree(site.data / "logs", options.logs, dirs_exist_ok=True)
    tell(FAULTS, runs, options)
    sys.exit(any(run.verdict.sentences for run in runs))


def tell(faults: dict[str, Fault], runs: list[Run], options: argparse.Namespace) -> None:
    """Prints the table, and adds it to the data with `--save`."""
    rows = [
        _row(faults[name], [run for run in runs if run.fault == name])
        for name in dict.fromkeys(run.fault for run in runs)
    ]
    print("\n" + table(HEAD, rows))
    if options.save and rows:
        arguments = [word for word in sys.argv[1:] if word != "--save"]
        command = shlex.join(["python", "-m", "benchmarks.faults", *arguments])
        name = "faults-stored.csv" if options.stored else "faults.csv"
        measurement_pages.save(
            name, f"{machine()}, load {os.getloadavg()[2]:.0f}", command, HEAD, rows
        )


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--runs", type=int, default=10, help="of each fault")
    parser.add_argument("--seed", type=int, default=int(time.time()) % 10_000)
    parser.add_argument("--only", nargs="+", choices=NAMES, default=NAMES, metavar="FAULT")
    parser.add_argument("--stored", action="store_true", help="with an object store")
    parser.add_argument("--save", action="store_true", help="into docs/operate/reliability.md")
    parser.add_argument("--logs", type=Path, metavar="FOLDER", help="keep the programs' logs there")
    return parser.parse_args(arguments)


def _is_possible(site: Site, name: str, fault: Fault) -> bool:
    has = {
        "": True,
        "store": site.store is not None,
        "small disk": site.has_small_disk,
        "clocks": site.has_clocks,
    }
    if not has[fault.needs]:
        print(f"{name} is left out: there is no {fault.needs} here", flush=True)
    return has[fault.needs]


def _break(
    site: Site, name: str, fault: Fault, options: argparse.Namespace, runs: list[Run]
) -> None:
    """Adds as many runs of the fault as were wished for."""
    for number in range(options.runs):
        chance = random.Random(f"{options.seed} {name} {number}")  # noqa: S311
        run = _run(site, name, fault, chance, number)
        runs.append(run)
        told = [f"{name} {number}: {run.jobs} jobs, {run.seconds:.1f} s", *run.verdict.sentences]
        print("\n    ".join(told), flush=True)


def _run(site: Site, name: str, fault: Fault, chance: random.Random, number: int) -> Run:
    from benchmarks.faults.injections import in_background
    from benchmarks.faults.judging import judge, wait_for_all
    from benchmarks.faults.program import Program
    from recon.models import Job

    known = set(Job.objects.values_list("pk", flat=True))
    program = Program(site.programs.port, site.token, chance)
    for _ in range(JOBS):
        program.submit()
    meanwhile = in_background(program)
    began = time.monotonic()
    fault.inject(site, program, chance, number)
    meanwhile.join()
    stuck = wait_for_all(known, fault.told)
    seconds = time.monotonic() - began
    verdict = judge(site, known, program.accepted, stuck)
    verdict.errors += program.refused
    jobs = Job.objects.exclude(pk__in=known).count()
    return Run(name, jobs, seconds, verdict)


def _row(fault: Fault, runs: list[Run]) -> list[Any]:
    seconds = [run.seconds for run in runs]
    counts = [
        sum(len(getattr(run.verdict, kind)) for run in runs)
        for kind in ("lost", "stuck", "doubled", "files", "processes", "errors")
    ]
    worst = (f"{statistics.median(seconds):.0f}", f"{max(seconds):.0f}")
    return [fault.text, len(runs), sum(run.jobs for run in runs), *counts, *worst]


if __name__ == "__main__":
    main()
