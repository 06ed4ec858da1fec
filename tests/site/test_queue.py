"""A job's place in the queue, and what happens when Redis is away."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.db import transaction
from redis import Redis
from redis.exceptions import RedisError
from rq.job import Job as QueuedJob
from rq.serializers import JSONSerializer

from recon.jobs import attempts, lifecycle, queue
from recon.models import Job
from tests.site.making import job_of, person

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _data(data_dir: Path) -> None:
    """Every test here has a data folder."""


def test_the_place_in_the_queue_counts_who_waits_longer(redis_queue: Redis) -> None:
    owner = person()
    first, second, third = (job_of(owner) for _ in range(3))
    assert [queue.position(job) for job in (first, second, third)] == [1, 2, 3]
    lifecycle.start(first.pk, 1)
    first.refresh_from_db()
    assert [queue.position(job) for job in (first, second, third)] == [None, 1, 2]


def test_a_job_that_was_handed_back_is_next_again(redis_queue: Redis) -> None:
    owner = person()
    first, second = job_of(owner), job_of(owner)
    for job in (first, second):
        queue.enqueue(str(job.pk), 1)
    assert queue.rq_queue().pop_job_id() == f"{first.pk}-1"
    lifecycle.start(first.pk, 1)
    attempts.hand_back(first.pk, 1)
    assert queue.rq_queue().job_ids == [f"{first.pk}-2", f"{second.pk}-1"]
    first.refresh_from_db()
    assert queue.position(first) == 1


def test_the_overview_counts_all_jobs_of_the_site(redis_queue: Redis, settings: Any) -> None:
    settings.MAX_CONCURRENT_JOBS = 2
    for email in ("ann@example.org", "bob@example.org"):
        owner = person(email)
        job_of(owner)
        job_of(owner, status=Job.Status.PROCESSING)
        job_of(owner, status=Job.Status.FAILED)
    assert queue.overview() == {"queued": 2, "running": 2, "max_concurrent": 2}


def test_the_queue_carries_only_json_with_limits(redis_queue: Redis, settings: Any) -> None:
    settings.JOB_TIMEOUT_MINUTES = 7
    job = job_of(person())
    queue.enqueue(str(job.pk), 1)
    carried = QueuedJob.fetch(job.queue_id, connection=redis_queue, serializer=JSONSerializer)
    assert carried.func_name == "recon.jobs.run.tasks.run_job"
    assert list(carried.args) == [str(job.pk), 1]
    assert carried.timeout == 7 * 60
    assert carried.result_ttl > 0
    assert carried.failure_ttl > 0


def test_work_is_handed_over_only_when_the_transaction_commits(redis_queue: Redis) -> None:
    with transaction.atomic():
        job = job_of(person())
        queue.enqueue_on_commit(job)
        assert queue.carried_ids() == set()
    assert queue.carried_ids() == {job.queue_id}


def test_an_unreachable_redis_raises_nothing_at_a_person(no_redis: None) -> None:
    job = job_of(person())
    assert not queue.enqueue(str(job.pk), 1)
    queue.withdraw(job.queue_id)
    with pytest.raises(RedisError):
        queue.carried_ids()


def test_withdrawing_what_is_not_there_does_nothing(redis_queue: Redis) -> None:
    queue.withdraw("nobody-1")
    assert queue.carried_ids() == set()
