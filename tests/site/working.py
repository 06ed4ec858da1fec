"""Real workers for tests: `manage.py rqworker recon` in processes of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
from django.conf import settings

from recon.jobs.folder import lock as folder_lock
from recon.models import Job
from tests import site_database
from tests.site import staged_pipeline
from tests.waiting import wait_until

ROOT = Path(__file__).parents[2]


def worker_environment(
    *, database: str | None = None, pipeline: str = staged_pipeline.PATH
) -> dict[str, str]:
    return {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "tests.site.worker_settings",
        "RECON_TEST_DATABASE": database or site_database.address(),
        "RECON_TEST_REDIS": settings.RQ_QUEUES["recon"]["URL"],
        "RECON_TEST_JOBS": str(settings.DATA_DIR),
        "RECON_TEST_PIPELINE": pipeline,
        "OMP_NUM_THREADS": "2",
    }


def manage(*arguments: str, environment: dict[str, str]) -> str:
    """Runs one management command to its end and returns what it printed."""
    done = subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def work_off(
    *, pipeline: str = staged_pipeline.PATH, database: str | None = None, queue: str = "recon"
) -> str:
    """Runs a worker until the queue is empty."""
    environment = worker_environment(pipeline=pipeline, database=database)
    return manage("rqworker", queue, "--burst", environment=environment)


@contextmanager
def worker(
    *, pipeline: str = staged_pipeline.PATH, queue: str = "recon", imports: str = ""
) -> Iterator[psutil.Popen]:
    """A worker that runs until the block ends, with whatever it forked.

    It imports the module `imports` itself, so that its horses need not.
    """
    process = psutil.Popen(
        [sys.executable, "manage.py", "rqworker", queue],
        cwd=ROOT,
        env={**worker_environment(pipeline=pipeline), "RECON_TEST_IMPORTS": imports},
    )
    try:
        yield process
    finally:
        kill_all(process)


def kill_all(process: psutil.Popen) -> None:
    """Kills a worker and its horse at the same time, as a power cut would."""
    family = [process]
    if process.is_running():
        process.suspend()  # first: a worker that runs on could fork another
        family += process.children(recursive=True)
    for member in family[1:]:
        try:
            member.suspend()
        except psutil.NoSuchProcess:
            continue
    for member in family:
        try:
            member.kill()
        except psutil.NoSuchProcess:
            continue
    process.wait()


def horse_of(job: Job) -> psutil.Process:
    """The work horse that runs the staged pipeline in the job's folder."""
    wait_until(lambda: (job.folder / "began").exists(), "a horse began")
    return psutil.Process(int((job.folder / "began").read_text()))


def is_held(folder: Path) -> bool:
    """Whether some process holds the folder's lock right now."""
    try:
        with folder_lock.hold(folder):
            return False
    except FileNotFoundError:
        return False
    except folder_lock.FolderBusy:
        return True


def wait_for_status(job: Job, *statuses: str) -> float:
    def reached() -> bool:
        job.refresh_from_db()
        return job.status in statuses

    return wait_until(reached, f"{job.pk} is {job.status}, not {statuses}")
