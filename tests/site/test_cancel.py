"""A cancel takes effect within five seconds in every step of a real reconstruction.

The message that stops a work horse is lost here, which is the harder case: only the database says
that the job is cancelled. With the message, the worker kills its horse at once, whatever the horse
is doing (`test_worker`).
"""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from accounts.models import User
from recon.jobs import queue
from recon.models import Job, Photo
from recon.pipeline.progress import WORKING_STEPS, Step
from tests.reconstruction import FinishedRun
from tests.site.making import person
from tests.site.working import is_held, worker
from tests.waiting import wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.reconstruction]

REAL_PIPELINE = ""
LIMIT_S = 5.0


@pytest.fixture(autouse=True)
def _site(data_dir: Path, redis_queue: Any) -> None:
    """Every test here has a data folder and a queue."""


def test_a_cancel_takes_effect_within_five_seconds_in_each_step(
    finished_run: FinishedRun,
) -> None:
    ann = person()
    # Importing torch takes a horse seconds, before it is in any step.
    with worker(pipeline=REAL_PIPELINE, imports="recon.pipeline.runner") as process:
        for step in WORKING_STEPS:
            job = job_before(step, finished_run, ann)
            queue.enqueue(str(job.pk), job.attempt)
            wait_until(lambda: reached(job, step), f"the job is in {step}")  # noqa: B023
            horses = process.children()
            began = time.monotonic()
            Job.objects.filter(pk=job.pk).update(status=Job.Status.CANCELLED)
            psutil.wait_procs(horses, timeout=2 * LIMIT_S)
            assert time.monotonic() - began < LIMIT_S, step
            wait_until(lambda: not is_held(job.folder), "the lock is free")  # noqa: B023
            job.refresh_from_db()
            assert (job.status, job.attempt) == (Job.Status.CANCELLED, 1), step


def job_before(step: Step, run: FinishedRun, owner: User) -> Job:
    """A waiting job whose folder already has everything that comes before `step`."""
    config = json.loads(run.workspace.cfg_args.read_text())
    job: Job = Job.objects.create(owner=owner, config=config)
    shutil.copytree(run.workspace.root, job.folder)
    for later in WORKING_STEPS[WORKING_STEPS.index(step) :]:
        job.workspace.remove_marker(later)
    for path in job.workspace.upload.iterdir():
        Photo.objects.create(
            job=job, name=path.name, original_name=path.name, sha256=path.name, size=1,
            width=480, height=360,
        )  # fmt: skip
    return job


def reached(job: Job, step: Step) -> bool:
    job.refresh_from_db()
    assert not job.has_ended, job.workspace.log.read_text()
    return list(Step).index(Step(job.step)) >= list(Step).index(step)
