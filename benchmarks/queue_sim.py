"""How long people wait, by jobs a day and GPUs, and what the rest of the site has to bear.

    python benchmarks/queue_sim.py
    python benchmarks/queue_sim.py --jobs 1000 100000 --seconds 45 --drawn 50000 --seed 2

Draws people who come by chance (a Poisson process), each with one job or with many, and what their
jobs take (log-normal around `--seconds`). Workers take the next in line by the site's own rule
(`recon.jobs.workers.ranks`). Prints how long jobs wait, and how long people's first ones do, with
the fewest GPUs that keep up and with some to spare; then the load on database and Redis, from what
`benchmarks/queue_costs.py` measured. tests/site/test_queue_sim.py compares the order in which jobs
begin with that of the real queue. Needs no site, no queue and no database.
"""

from __future__ import annotations

import argparse
import heapq
import math
import random
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, quantiles

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.parts.tables import table
from recon.jobs.workers.ranks import place_of

DAY_S = 86_400.0

#: How many jobs somebody starts in one go, and how often that is so; the mean is 2.
BATCHES = ((1, 0.7), (2, 0.15), (5, 0.1), (12, 0.04), (20, 0.01))

#: Of the logarithm of a job's seconds: presets and photo counts differ.
SPREAD = 0.5

#: What queue_costs.py measured; see docs/operate/scale.md.
QUERIES_TO_START, QUERIES_TO_END = 25, 68
QUERIES_A_RUNNING_SECOND, QUERIES_A_POLL, POLL_S = 5.2, 7, 2.0
COMMANDS_A_JOB, COMMANDS_A_RUNNING_SECOND = 74, 5.2
WATCHED = 0.3  # of the time that a job waits or runs, somebody looks at its page


@dataclass(frozen=True)
class Arrival:
    """One job: when it joins the line, whose it is, and what it takes (seconds)."""

    at: float
    owner: int
    duration: float


@dataclass(frozen=True)
class Start:
    """When one of the arrivals, by its number, began, and whether its owner had no other."""

    job: int
    at: float
    waited: float
    was_first: bool


def arrivals(
    jobs_a_day: float, seconds: float, mean_duration: float, rng: random.Random
) -> list[Arrival]:
    """People who come within so many seconds, each with a batch of jobs."""
    batch = sum(size * share for size, share in BATCHES)
    sizes, shares = zip(*BATCHES, strict=True)
    found, at, owner = [], 0.0, 0
    middle = math.log(mean_duration) - SPREAD**2 / 2
    while (at := at + rng.expovariate(jobs_a_day / batch / DAY_S)) < seconds:
        owner += 1
        [size] = rng.choices(sizes, shares)
        found += [Arrival(at, owner, rng.lognormvariate(middle, SPREAD)) for _ in range(size)]
    return found


def simulate(jobs: Sequence[Arrival], workers: int) -> Iterator[Start]:
    """Each job's start, in the order in which they start. `jobs` are in the order of arrival."""
    waiting: list[int] = []
    firsts: set[int] = set()
    running: dict[int, int] = {}  # job: owner
    ends: list[tuple[float, int]] = []
    coming, now = 0, 0.0
    while coming < len(jobs) or waiting:
        free = len(running) < workers
        if waiting and free:
            now, job = max(now, jobs[waiting[0]].at), waiting.pop(0)
            running[job] = jobs[job].owner
            heapq.heappush(ends, (now + jobs[job].duration, job))
            yield Start(job, now, now - jobs[job].at, job in firsts)
            continue
        if coming < len(jobs) and (not ends or jobs[coming].at < ends[0][0]):
            now = jobs[coming].at
            owner = jobs[coming].owner
            owners = [jobs[one].owner for one in waiting]
            if owner not in owners and owner not in running.values():
                firsts.add(coming)
            waiting.insert(place_of(owner, owners, running.values()), coming)
            coming += 1
        else:
            now, ended = heapq.heappop(ends)
            del running[ended]


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument(
        "--jobs", type=float, nargs="+", default=[1000.0, 10_000.0, 100_000.0, 1_000_000.0]
    )
    parser.add_argument("--seconds", type=float, default=45.0, help="that a job takes, mean")
    parser.add_argument(
        "--drawn", type=int, default=20_000, help="jobs simulated, at least an hour"
    )
    parser.add_argument("--peak", type=float, default=2.0, help="the busiest hours over the mean")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    waits, loads = [], []
    for a_day in options.jobs:
        busy = a_day * options.peak * options.seconds / DAY_S
        for spare in (0.05, 0.25):
            waits.append(_waits(options, a_day, max(1, math.ceil(busy * (1 + spare)))))
        loads.append(_loads(a_day * options.peak / DAY_S, options.seconds, a_day))
    print(f"{options.seconds:g} s a job, the peak {options.peak:g} times the mean\n")
    print(table(["jobs a day", "GPUs", "busy", "waits s, mean", "95%", "first ones, 95%"], waits))
    print()
    print(table(["jobs a day", "jobs/s at the peak", "queries/s", "Redis commands/s", "GB a day"],
                loads))  # fmt: skip


def _waits(options: argparse.Namespace, a_day: float, workers: int) -> list[str]:
    rng = random.Random(options.seed)  # noqa: S311
    span = max(3600.0, options.drawn / (a_day * options.peak) * DAY_S)
    jobs = arrivals(a_day * options.peak, span, options.seconds, rng)
    # Without the first tenth: the site was empty then.
    starts = [one for one in simulate(jobs, workers) if jobs[one.job].at > span / 10]
    waited = [one.waited for one in starts]
    first = [one.waited for one in starts if one.was_first]
    busy = sum(one.duration for one in jobs) / (span * workers)
    return [
        f"{a_day:,.0f}",
        f"{workers:,}",
        f"{busy:.0%}",
        f"{mean(waited):.0f}",
        f"{quantiles(waited, n=20)[-1]:.0f}",
        f"{quantiles(first, n=20)[-1]:.0f}",
    ]


def _loads(a_second: float, duration: float, a_day: float) -> list[str]:
    running = a_second * duration
    polls = WATCHED * running / POLL_S
    queries = a_second * (QUERIES_TO_START + QUERIES_TO_END)
    queries += running * QUERIES_A_RUNNING_SECOND + polls * QUERIES_A_POLL
    commands = a_second * COMMANDS_A_JOB + running * COMMANDS_A_RUNNING_SECOND
    return [
        f"{a_day:,.0f}", f"{a_second:.2f}", f"{queries:,.0f}", f"{commands:,.0f}",
        f"{a_day * 0.3:,.0f}",
    ]  # fmt: skip


if __name__ == "__main__":
    main()
