"""A second machine with the same database and queue, and a data folder of its own.

    python -m benchmarks.attacks second_machine

It once took the first machine's job folders, which it did not have, for those of dead workers, and
ended the jobs that ran there.
"""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.attacks.site import AttackedSite, attacked_site
from scripts.temporary_site import ROOT, site_environment

ROUNDS = 4  # one more than a job has attempts
JOB_STARTS_WITHIN_S = 180


def run() -> list[dict[str, str]]:
    with tempfile.TemporaryDirectory(prefix="two-machines-") as name:
        folder = Path(name)
        shared = {"DATABASE_URL": f"sqlite:///{folder}/shared.sqlite3", "MAX_CONCURRENT_JOBS": "1"}
        (folder / "first").mkdir()
        with attacked_site(folder=folder / "first", **shared) as first:
            _manage(first.folder, "queue_sample_job", **shared)
            before = _wait_for_job(folder / "shared.sqlite3")
            said = [_second_machine(folder, first, shared) for _ in range(ROUNDS)]
            after = _job(folder / "shared.sqlite3")
    names = ("status", "attempt", "lost workers")
    rows = [dict(zip(names, map(str, facts), strict=True)) for facts in (before, after)]
    rows[0] = {"": "before"} | rows[0] | {"the second machine's reconcile": ""}
    rows[1] = {"": f"after {ROUNDS} rounds"} | rows[1]
    rows[1]["the second machine's reconcile"] = "; ".join(sorted(set(said)))
    return rows


def _second_machine(folder: Path, first: AttackedSite, shared: dict[str, str]) -> str:
    redis = f"unix://{first.folder}/data/run/redis.sock"
    return _manage(folder / "second", "reconcile", REDIS_URL=redis, **shared)


def _manage(folder: Path, command: str, **settings: str) -> str:
    """The first 60 characters of the command's output."""
    folder.mkdir(exist_ok=True)
    done = subprocess.run(
        [sys.executable, "manage.py", command],
        env=site_environment(folder, **settings),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    last = (done.stderr or done.stdout).strip().splitlines()[-1]
    return f"exit {done.returncode}: {last[:60]}"


def _wait_for_job(database: Path) -> tuple[str, int, int]:
    until = time.monotonic() + JOB_STARTS_WITHIN_S
    while time.monotonic() < until:
        if (job := _job(database))[0] == "PROCESSING":
            return job
        time.sleep(0.5)
    raise RuntimeError(f"the job did not start: {_job(database)}")


def _job(database: Path) -> tuple[str, int, int]:
    with sqlite3.connect(database) as connection:
        row = connection.execute("SELECT status, attempt, losses FROM recon_job").fetchone()
    return row or ("none", 0, 0)
