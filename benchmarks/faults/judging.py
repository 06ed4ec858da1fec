"""Whether every promise about jobs was kept: by rows, queue, folders, objects and processes."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from unittest import mock

import psutil
from django.db import DatabaseError, connections
from redis.exceptions import RedisError

from benchmarks.faults.pipeline import expected
from benchmarks.faults.site import Site
from recon.jobs import attempts, queue
from recon.jobs.folder import leftovers, lock, mirror, unclaimed, unneeded_files
from recon.models import Artifact, Job, StageRun, StoredFile
from recon.pipeline.errors import PipelineError
from recon.pipeline.progress import WORKING_STEPS
from tests.s3_server import S3Server

#: Seconds without any change after which an unfinished job is stuck.
STUCK_S = 120.0
#: Seconds in which processes end and queues empty after the last job has.
QUIET_S = 30.0
POLL_S = 0.5


@dataclass
class Verdict:
    """Sentences about what should not be, by kind."""

    lost: list[str] = field(default_factory=list)
    stuck: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    processes: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)  # answers with 5xx that are not 503 or 507

    @property
    def sentences(self) -> list[str]:
        return [f"{kind}: {one}" for kind, found in vars(self).items() for one in found]


def wait_for_all(known: Collection[object], told: Collection[str]) -> list[Job]:
    """Waits until all jobs that are not `known` have ended or one is stuck. Returns those that are.

    Jobs that failed with a code in `told` are tried again, as staff would: once.
    """
    seen: dict[object, tuple[object, float]] = {}
    again: set[object] = set()
    while True:
        with _may_be_away():
            jobs = [job for job in Job.objects.all() if job.pk not in known]
            for job in jobs:
                if job.is_failed and job.error_code in told and job.pk not in again:
                    again.add(job.pk)
                    attempts.retry(job)
            open_jobs = [job for job in jobs if not job.has_ended]
            if not open_jobs:
                return []
            now = time.monotonic()
            for job in open_jobs:
                state = (job.status, job.attempt, job.step, job.percent)
                if job.pk not in seen or seen[job.pk][0] != state:
                    seen[job.pk] = (state, now)
            stuck = [job for job in open_jobs if now - seen[job.pk][1] > STUCK_S]
            if stuck:
                return stuck
        time.sleep(POLL_S)


def judge(
    site: Site, known: Collection[object], accepted: Collection[str], stuck: list[Job]
) -> Verdict:
    """Looks at all jobs that are not `known` once they have ended; `accepted` are the numbers of
    those that people were told of."""
    verdict = Verdict(stuck=[f"{job.pk} is {job.status} in {job.step}" for job in stuck])
    _wait_until_quiet(site, verdict)
    jobs = [job for job in Job.objects.all() if job.pk not in known]
    there = {str(job.pk) for job in jobs}
    verdict.lost += [f"{pk} was accepted and is gone" for pk in accepted if pk not in there]
    for job in jobs:
        if job.has_ended:
            verdict.lost += lost(job)
            verdict.doubled += doubled(job)
            verdict.files += odd_files(job)
    clean()
    verdict.files += orphans(site.data, site.store)
    verdict.processes += [f"{one.pid} {_line(one)}" for one in site.strays()]
    return verdict


def lost(job: Job) -> Iterator[str]:
    """Whether the job has not ended as it should: with the scene that its photos give."""
    if job.status != Job.Status.COMPLETED:
        yield f"{job.pk} is {job.status}: {job.error_code}"
        return
    mirror.pull(job)
    found = job.artifacts.filter(kind=Artifact.Kind.SPLAT).first()
    if found is None or not found.file.is_file():
        yield f"{job.pk} is done and has no scene"
    elif found.file.read_text() != expected(job.workspace):
        yield f"{job.pk} has another scene than its photos give"


def doubled(job: Job) -> Iterator[str]:
    """What there is twice of what there may be once."""
    notices = job.notices.count()
    if notices > 1:  # one that staff tried again has one for the failure, which is true
        failures = job.stage_runs.filter(outcome=StageRun.Outcome.FAILED).count()
        if notices > 1 + failures:
            yield f"{job.pk} has {notices} notices"
    ends = job.stage_runs.filter(step=WORKING_STEPS[-1].value, outcome=StageRun.Outcome.DONE)
    if ends.count() > 1:
        yield f"{job.pk} finished {ends.count()} times"
    if job.artifacts.count() > 1:
        yield f"{job.pk} has {job.artifacts.count()} scenes"
    digests = list(job.photos.values_list("sha256", flat=True))
    if len(set(digests)) != len(digests):
        yield f"{job.pk} has a photo twice"


def odd_files(job: Job) -> Iterator[str]:
    """Photos without files, files without photos, and what no writer has cleaned up."""
    names = {photo.name for photo in job.photos.all()}
    found = {path.name for path in job.workspace.upload.glob("*")}
    yield from (f"{job.pk}: photo {name} has no file" for name in names - found)
    yield from (f"{job.pk}: file {name} has no row" for name in found - names)
    for path in job.folder.rglob(".*"):
        if path.name != lock.LOCK_NAME:
            yield f"{job.pk}: {path.relative_to(job.folder)} is left"


def clean() -> None:
    """What goes after an hour or a day goes now."""
    with (
        mock.patch.object(leftovers, "LONGEST_REQUEST_S", -1),
        mock.patch.object(unneeded_files, "UNLISTED_FOR", timedelta(seconds=-1)),
    ):
        unclaimed.sweep(patience_s=-1)
        leftovers.sweep()
        leftovers.sweep_pictures()
        unneeded_files.sweep()


def orphans(data: Path, store: S3Server | None) -> Iterator[str]:
    """Folders and objects without rows, rows without them, and uploads that nobody reads."""
    rows = {str(pk) for pk in Job.objects.values_list("pk", flat=True)}
    folders = {path.name for path in (data / "jobs").iterdir()}
    yield from (f"folder {name} has no row" for name in folders - rows)
    if not mirror.is_used():
        yield from (f"job {name} has no folder" for name in rows - folders)
    for path in (data / "incoming").iterdir():
        yield f"{path.name} is left in incoming"
    if store:
        objects = {key for key in store.objects() if "/" in key}
        listed = set(StoredFile.objects.values_list("key", flat=True))
        yield from (f"object {key} has no row" for key in objects - listed)
        yield from (f"row {key} has no object" for key in listed - objects)


def _wait_until_quiet(site: Site, verdict: Verdict) -> None:
    """Until no horse works and no task waits; what goes on for longer is an orphan."""
    end = time.monotonic() + QUIET_S
    while True:
        with _may_be_away():
            horses, tasks = site.horses(), set(queue.rq_queue().job_ids)
            if not horses and not tasks and not site.strays():
                return
            if time.monotonic() > end:
                verdict.processes += [f"{p.pid} works on {job}" for job, p in horses.items()]
                verdict.stuck += [f"task {name} waits for nobody" for name in tasks]
                return
        time.sleep(POLL_S)


@contextmanager
def _may_be_away() -> Iterator[None]:
    """Whatever is away now will be asked again."""
    try:
        yield
    except (DatabaseError, RedisError, PipelineError):
        connections.close_all()


def _line(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())[-80:]
    except psutil.Error:
        return "that has just ended"


def step_of(job: str) -> str | None:
    """The step that a running job is in."""
    return (
        Job.objects.filter(pk=job, status=Job.Status.PROCESSING)
        .values_list("step", flat=True)
        .first()
    )
