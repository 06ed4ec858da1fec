"""The simulated line beside the real one: the same jobs begin in the same order."""

from __future__ import annotations

import heapq
import random
from pathlib import Path

import pytest
from django.utils import timezone
from redis import Redis
from rq.job import Job as QueuedJob
from rq.serializers import JSONSerializer

from benchmarks import queue_sim
from recon.jobs import lifecycle, queue
from recon.jobs.run.next_job import next_instead_of
from recon.models import Job, Worker
from recon.pipeline.wishes import PRESET_NAMES
from tests.site.making import new_job, person

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize(("seed", "workers"), [(1, 1), (2, 3)])
def test_jobs_begin_in_the_order_of_the_real_queue(
    data_dir: Path, redis_queue: Redis, seed: int, workers: int
) -> None:
    jobs = queue_sim.arrivals(12_000, 300.0, 30.0 * workers, random.Random(seed))
    assert len(jobs) > 20
    assert len({one.owner for one in jobs}) > 5
    simulated = [(one.job, round(one.at, 6)) for one in queue_sim.simulate(jobs, workers)]
    assert simulated == [(job, round(at, 6)) for job, at in really_run(jobs, workers, redis_queue)]
    assert [job for job, _ in simulated] != sorted(range(len(jobs))), "somebody had to take turns"


def really_run(
    jobs: list[queue_sim.Arrival], workers: int, redis: Redis
) -> list[tuple[int, float]]:
    """Real rows, the real list in Redis and the real choice, on a clock of our own."""
    now = timezone.now()
    box = Worker.objects.create(
        name="box-0", host="box", presets=list(PRESET_NAMES), started_at=now, heartbeat_at=now
    )
    owners = {one.owner for one in jobs}
    people = {owner: person(f"p{owner}@example.org") for owner in owners}
    events = [(one.at, 1, number) for number, one in enumerate(jobs)]
    starts: list[tuple[int, float]] = []
    running = 0
    while events:
        at, kind, number = heapq.heappop(events)
        if kind == 1:
            job = new_job(people[jobs[number].owner], title=str(number))
            job.save()
            lifecycle.put_in_line(job)
        else:
            assert lifecycle.complete(Job.objects.get(title=str(number)).pk, 1)
            running -= 1
        while running < workers and (title := _next_title(box, redis)) is not None:
            begun = int(title)
            assert lifecycle.start(Job.objects.get(title=title).pk, 1)
            running += 1
            starts.append((begun, at))
            heapq.heappush(events, (at + jobs[begun].duration, 0, begun))
    return starts


def _next_title(box: Worker, redis: Redis) -> str | None:
    listed = queue.rq_queue()
    taken = redis.lmove(listed.key, listed.intermediate_queue_key)
    if taken is None:
        return None
    task = QueuedJob.fetch(taken.decode(), connection=redis, serializer=JSONSerializer)
    found = next_instead_of(task, listed, box)
    assert found is not None
    redis.lrem(listed.intermediate_queue_key, 1, found.id)
    return Job.objects.get(pk=queue.job_pk_of(found.id)).title


def test_the_benchmark_prints_its_tables(capsys: pytest.CaptureFixture[str]) -> None:
    queue_sim.main(["--jobs", "1000", "--drawn", "300"])
    said = capsys.readouterr().out
    assert "| 1,000 |" in said
    assert "Redis commands/s" in said
