"""The faults: each does its harm at a random moment, and mends what a machine or a person would.

A fault is a function of the site, of the program that uses it, and of chance; it returns when what
was away is there again. What it needs is said by `Fault`.
"""

from __future__ import annotations

import random
import resource
import shutil
import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import psutil
from django.db import connections

from benchmarks.faults.judging import step_of
from benchmarks.faults.pipeline import WORKING_MEMORY
from benchmarks.faults.program import Program
from benchmarks.faults.site import CLOCKS, Site
from recon.jobs import queue
from recon.models import Job
from recon.pipeline.progress import WORKING_STEPS
from tests.waiting import wait_until

#: Seconds that something is away.
AWAY_S = 20.0
LIMIT_S = 120.0
MB = 2**20


@dataclass(frozen=True)
class Fault:
    """`inject(site, program, chance, number)`; `number` counts the runs."""

    text: str
    inject: Callable[[Site, Program, random.Random, int], None]
    told: tuple[str, ...] = ()  # error codes that are a true answer to it; staff then tries again
    needs: str = ""  # "store", "small disk" or "clocks"


def kill_horse(site: Site, program: Program, chance: random.Random, number: int) -> None:
    """In the step whose turn it is."""
    step = WORKING_STEPS[number % len(WORKING_STEPS)].value
    _in_step(site, program, step).kill()


def kill_worker_and_horse(site: Site, program: Program, chance: random.Random, number: int) -> None:
    """One that works and its horse, or all of them in the moment in which one takes a job."""
    if number % 2:
        _see_taken(program)
        _kill(site.workers())
        return
    _some_horse(site, program)
    time.sleep(chance.uniform(0, 1))
    _kill([chance.choice([one for one in site.workers() if one.children()] or site.workers())])


def kill_queue(site: Site, program: Program, chance: random.Random, number: int) -> None:
    """Its server is started again at once and reads what it had written down."""
    _some_horse(site, program)
    time.sleep(chance.uniform(0, 2))
    site.program("redis").kill()


def empty_queue(site: Site, program: Program, chance: random.Random, number: int) -> None:
    _some_horse(site, program)
    time.sleep(chance.uniform(0, 2))
    shutil.rmtree(site.data / "redis" / "appendonlydir")
    site.program("redis").kill()


def stop_database(site: Site, program: Program, chance: random.Random, number: int) -> None:
    _some_horse(site, program)
    time.sleep(chance.uniform(0, 2))
    site.stop_database()
    connections.close_all()
    try:
        time.sleep(AWAY_S)
    finally:
        site.start_database()


def fill_disk(site: Site, program: Program, chance: random.Random, number: int) -> None:
    """To the last page, or nearly."""
    _some_horse(site, program)
    time.sleep(chance.uniform(0, 2))
    try:
        for _ in range(20):  # what is written grows meanwhile
            site.fill_disk(chance.choice((4096, MB, 40 * MB)))
            time.sleep(0.25)
    finally:
        site.empty_disk()


def limit_memory(site: Site, program: Program, chance: random.Random, number: int) -> None:
    """Half of the times as the kernel does when memory is over, else by a limit of the process."""
    horse = _in_step(site, program, chance.choice(WORKING_STEPS).value)
    if number % 2:
        horse.kill()
        return
    limit = horse.memory_info().vms - WORKING_MEMORY // 2  # whether it holds that now or not
    resource.prlimit(horse.pid, resource.RLIMIT_AS, (limit, limit))


def stop_store(site: Site, program: Program, chance: random.Random, number: int) -> None:
    assert site.store
    _some_horse(site, program)
    time.sleep(chance.uniform(0, 2))
    site.store.stop()
    try:
        time.sleep(AWAY_S)
    finally:
        site.store.start()


def kill_web(site: Site, program: Program, chance: random.Random, number: int) -> None:
    """While a photo arrives: the server's processes, and every other time the server itself."""

    def kill() -> None:
        server = site.program("web")
        for process in [*server.children(), *([server] if number % 2 else [])]:
            with suppress(psutil.NoSuchProcess):
                process.kill()

    program.collect(kill)


def double_task(site: Site, program: Program, chance: random.Random, number: int) -> None:
    """The newest jobs' tasks once more: the same ones, or others for the same attempt."""
    for job in Job.objects.filter(status__in=Job.ACTIVE):
        if chance.random() < 0.5:
            queue.rq_queue().push_job_id(job.queue_id, at_front=True)
        else:
            queue.rq_queue().enqueue_call(
                queue.TASK, args=(str(job.pk), job.attempt), at_front=True, result_ttl=0
            )


def set_clock(site: Site, program: Program, chance: random.Random, number: int) -> None:
    """Of one kind of program, by hours, there and later back."""
    role = CLOCKS[number % len(CLOCKS)]
    _some_horse(site, program)
    time.sleep(chance.uniform(0, 2))
    site.set_clock(role, int(chance.choice((-1, 1)) * chance.uniform(2, 12) * 3600))
    # An object store takes nothing from a machine whose clock is wrong: that job is let in later.
    meanwhile = threading.Thread(target=program.submit, daemon=True)
    meanwhile.start()
    time.sleep(chance.uniform(3, 8))
    site.set_clock(role, 0)
    meanwhile.join()


def deploy(site: Site, program: Program, chance: random.Random, number: int) -> None:
    """SIGTERM to all that runs, as `docker compose up` and systemd do, then a new start."""
    _some_horse(site, program)
    time.sleep(chance.uniform(0, 2))
    site.programs.stop(signal.SIGTERM)
    site.start()


FAULTS = {
    "horse": Fault("work horse killed, in every step in turn", kill_horse),
    "worker": Fault("worker and horse killed", kill_worker_and_horse),
    "redis": Fault("Redis killed, its data kept", kill_queue),
    "redis-empty": Fault("Redis killed, its data gone", empty_queue),
    "database": Fault("database away for 20 s", stop_database),
    "disk": Fault("disk full", fill_disk, told=("disk_full",), needs="small disk"),
    "memory": Fault("out of memory", limit_memory),
    "store": Fault("object store away for 20 s", stop_store, needs="store"),
    "web": Fault("web killed in an upload", kill_web),
    "twice": Fault("a job picked up twice", double_task),
    "clock": Fault("clock set by hours, and back", set_clock, needs="clocks"),
    "deploy": Fault("SIGTERM to everything, new start", deploy),
}


def in_background(program: Program) -> threading.Thread:
    """Sends two more jobs meanwhile."""

    def send() -> None:
        program.submit()
        program.submit()

    thread = threading.Thread(target=send, daemon=True)
    thread.start()
    return thread


def _see_taken(program: Program) -> None:
    """Until a worker has taken a task from the list and not begun it: some milliseconds."""
    taken = queue.rq_queue().intermediate_queue
    end = time.monotonic() + LIMIT_S
    while time.monotonic() < end:
        if any(taken.get_job_ids() for _ in range(500)):
            return
        if not Job.objects.filter(status__in=Job.ACTIVE).exists():
            program.submit()


def _kill(workers: list[psutil.Process]) -> None:
    for worker in workers:
        worker.suspend()  # first: one that runs on could fork another
    for worker in workers:
        for process in [*worker.children(recursive=True), worker]:
            with suppress(psutil.NoSuchProcess):
                process.kill()


def _some_horse(site: Site, program: Program) -> psutil.Process:
    """A horse at work; there is another job where all had ended before anybody looked."""
    return _horse_where(site, program, lambda job: True)


def _in_step(site: Site, program: Program, step: str) -> psutil.Process:
    """A horse whose job is in the step now."""
    return _horse_where(site, program, lambda job: step_of(job) == step)


def _horse_where(site: Site, program: Program, wanted: Callable[[str], bool]) -> psutil.Process:
    found: list[psutil.Process] = []

    def look() -> bool:
        found.extend(horse for job, horse in site.horses().items() if wanted(job))
        if not found and not Job.objects.filter(status__in=Job.ACTIVE).exists():
            program.submit()
        return bool(found)

    wait_until(look, "a horse", limit_s=LIMIT_S, longest_s=0.1)
    return found[0]
