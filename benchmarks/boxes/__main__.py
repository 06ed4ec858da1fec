"""Two workers that share nothing but PostgreSQL, Redis and an S3 server; one box is cut off.

    python -m benchmarks.boxes                 # 20 jobs of ten seconds that check what they find
    python -m benchmarks.boxes --real          # 20 real reconstructions, as small as they go
    python -m benchmarks.boxes --save          # into docs/operate/many-machines.md

Web and two workers are machines of their own: network, processes, name and files (Linux
namespaces, so it takes root). A program sends the jobs over HTTP. When a part of them is done, the
plug of one worker's box is pulled while it works, and in the middle of a transaction that has
locked the job's row: its processes live on and know nothing of it. When the other has finished that
job, the plug is put back. Judged are rows, objects and processes;
exits with 1 where a promise was broken.
"""

from __future__ import annotations

import argparse
import datetime
import os
import random
import shlex
import shutil
import signal
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from benchmarks.boxes.network import Box, enter_own_network, is_possible
from benchmarks.boxes.site import PORT, WORKERS, Site, lock_row, start_site
from benchmarks.faults.program import Program
from benchmarks.jobs import machine
from benchmarks.parts.tables import table
from scripts import measurement_pages
from tests.waiting import wait_until

if TYPE_CHECKING:
    from benchmarks.boxes.judging import Verdict
    from recon.models import Job

#: The part of the jobs that is done when the plug is pulled.
DONE_BEFORE = 0.3
LIMIT_S = 1800.0
#: Seconds after the last job in which the box that was away finds out what it missed.
AFTERWARDS_S = 60.0
HEAD = ["jobs", "pipeline", "done before", "taken over after s", "put back after s",
        "its processes then", "done on the other", "done on it afterwards", "not done", "twice",
        "changed late", "orphan files", "orphan processes", "in all s"]  # fmt: skip


@dataclass(frozen=True)
class Cut:
    """What happened while the plug was pulled."""

    job: str  # that the box was at
    done_before: int  # jobs
    taken_over: float  # s after the plug was pulled
    seconds: float  # in all
    live_on: int  # processes of the box


@dataclass(frozen=True)
class Told:
    """What happened: numbers of jobs, and seconds."""

    cut: Cut
    at_other: int  # all that ended on the box that was never cut off
    afterwards: int  # that the box which was away ended once it was back
    seconds: float
    verdict: Verdict


def main() -> None:
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    options = parse(sys.argv[1:])
    if not is_possible():
        print("Left out: this takes root on a Linux that allows network namespaces.")
        return
    enter_own_network()
    print(f"{datetime.date.today()}, {machine()}, seed {options.seed}", flush=True)
    pipeline = "reconstruct" if options.real else "check"
    with start_site(pipeline) as site:
        try:
            told = measure(site, options)
        finally:
            keep_logs(site, options.logs)
    row = _row(options, told)
    print("\n" + "\n".join([table(HEAD, [row]), *told.verdict.sentences]))
    print(f"{told.verdict.unlisted} objects of an attempt that was cut off were swept.")
    if options.save:
        words = [word for word in sys.argv[1:] if word != "--save"]
        command = shlex.join(["python", "-m", "benchmarks.boxes", *words])
        where = f"{machine()}, load {os.getloadavg()[2]:.0f}"
        measurement_pages.save("boxes.csv", where, command, HEAD, [row])
    sys.exit(bool(told.verdict.sentences))


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--jobs", type=int, default=20)
    parser.add_argument("--real", action="store_true", help="real reconstructions")
    parser.add_argument("--seed", type=int, default=int(time.time()) % 10_000)
    parser.add_argument("--save", action="store_true", help="into docs/operate/many-machines.md")
    parser.add_argument("--logs", type=Path, metavar="FOLDER", help="keep the boxes' logs there")
    return parser.parse_args(arguments)


def measure(site: Site, options: argparse.Namespace) -> Told:
    from benchmarks.boxes import judging
    from recon.models import Job

    began = time.monotonic()
    chance = random.Random(options.seed)  # noqa: S311
    photos = sample_photos() if options.real else ()
    program = Program(PORT, site.token, chance, host=site.web.address, photos=photos)
    for _ in range(options.jobs):
        program.submit()
    say(f"{options.jobs} jobs were sent")
    done = Job.objects.filter(status=Job.Status.COMPLETED)
    wait_until(lambda: done.count() >= DONE_BEFORE * options.jobs, "a part is done",
               limit_s=LIMIT_S, longest_s=1)  # fmt: skip
    box = site.boxes[WORKERS[0]]
    cut = _cut_off(site, box, chance)
    before = judging.facts_of_ended()
    wait_until(lambda: all(job.has_ended for job in Job.objects.all()), "all have ended",
               limit_s=LIMIT_S, longest_s=1)  # fmt: skip
    seconds = time.monotonic() - began
    say(f"all have ended after {seconds:.0f} s")
    wait_until(lambda: _is_there(box), "the box that was away is heard of", longest_s=1)
    time.sleep(AFTERWARDS_S)
    own = _ended_on(box) - {cut.job}
    verdict = judging.judge(site, program.accepted, real=options.real, before=before)
    verdict.not_done += program.refused
    return Told(cut, options.jobs - len(own), len(own - set(before)), seconds, verdict)


def _cut_off(site: Site, box: Box, chance: random.Random) -> Cut:
    """Pulls the plug while the box works, and puts it back when another has finished that job."""
    from recon.models import Job

    done = Job.objects.filter(status=Job.Status.COMPLETED)
    wait_until(lambda: _job_of(box) is not None, "the box works", limit_s=LIMIT_S)
    time.sleep(chance.uniform(0, 3))
    wait_until(lambda: _job_of(box) is not None, "the box works", limit_s=LIMIT_S)
    job, done_before = _job_of(box), done.count()
    assert job is not None
    lock_row(site, box, str(job.pk))
    box.pull()
    alive = {one.pid for one in box.processes()}
    began = time.monotonic()
    say(f"{done_before} are done; {box.name} is cut off in {job.step} of {job.pk}")
    was = (job.pk, job.attempt)
    wait_until(lambda: not Job.objects.filter(pk=was[0], attempt=was[1]).exists(),
               "somebody takes over", limit_s=LIMIT_S, longest_s=1)  # fmt: skip
    taken_over = time.monotonic() - began
    say(f"taken over after {taken_over:.0f} s")
    wait_until(lambda: done.filter(pk=job.pk).exists(), "it is done", limit_s=LIMIT_S, longest_s=1)
    live_on = alive & {one.pid for one in box.processes()}
    box.put_back()
    cut_off = time.monotonic() - began
    say(f"put back after {cut_off:.0f} s; {len(live_on)} of {len(alive)} processes live on")
    return Cut(str(job.pk), done_before, taken_over, cut_off, len(live_on))


def _job_of(box: Box) -> Job | None:
    """The job that the box's worker does now, if it has begun a step of it."""
    from recon.models import Job, Worker

    row = Worker.objects.filter(host=box.name).first()
    if row is None or row.job_id is None:
        return None
    return Job.objects.filter(pk=row.job_id, status=Job.Status.PROCESSING).exclude(
        step="QUEUED"
    ).first()  # fmt: skip


def _is_there(box: Box) -> bool:
    from recon.models import Worker

    return Worker.objects.serving().filter(host=box.name).exists()


def _ended_on(box: Box) -> set[str]:
    """The numbers of jobs whose last step the box has done."""
    from recon.pipeline.progress import WORKING_STEPS
    from recon.pipeline.workspace import Workspace

    folders = (box.folder / "data" / "jobs").iterdir()
    return {one.name for one in folders if Workspace(one).read_marker(WORKING_STEPS[-1])}


def keep_logs(site: Site, folder: Path | None) -> None:
    if folder is not None:
        for box in site.boxes.values():
            (folder / box.name).mkdir(parents=True, exist_ok=True)
            for log in box.folder.glob("*.log"):
                shutil.copy(log, folder / box.name)


def sample_photos() -> tuple[bytes, ...]:
    """Of a place that the project renders itself."""
    from recon.samples import write_photos

    with tempfile.TemporaryDirectory() as folder:
        write_photos(Path(folder), size=(480, 360))
        return tuple(path.read_bytes() for path in sorted(Path(folder).glob("*.jpg")))


def say(text: str) -> None:
    print(f"{datetime.datetime.now():%H:%M:%S} {text}", flush=True)


def _row(options: argparse.Namespace, told: Told) -> list[Any]:
    verdict = told.verdict
    lists = (verdict.not_done, verdict.twice, verdict.late, verdict.files, verdict.processes)
    return [
        options.jobs, "the site’s" if options.real else "checking", told.cut.done_before,
        f"{told.cut.taken_over:.0f}", f"{told.cut.seconds:.0f}", told.cut.live_on,
        told.at_other, told.afterwards, *(len(one) for one in lists), f"{told.seconds:.0f}",
    ]  # fmt: skip


if __name__ == "__main__":
    main()
