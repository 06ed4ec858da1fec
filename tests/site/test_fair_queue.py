"""Whose turn it is on a list of short tasks."""

from __future__ import annotations

from typing import Any

import pytest
from redis import Redis
from rq.job import Job as QueuedJob

from recon.jobs import fair_queue, queue

#: Any task that RQ could look up by its name; nothing runs it here.
TASK = "recon.jobs.drafts.checks.check_photos"
OPTIONS: Any = {"description": "a task of this test", "timeout_s": 10, "failure_ttl_s": 10}


@pytest.mark.parametrize(
    ("task", "waiting", "running", "place"),
    [
        ("x-1", [], [], 0),
        ("x-2", ["a-1", "b-1", "c-1"], [], 1),
        ("x-2", ["a-1", "b-1", "c-1"], ["z-1"], 0),
        ("x-2", ["a-1", "b-2", "c-1"], [], 3),
        ("x-3", ["a-1", "b-2", "c-1", "d-2"], [], 2),
        ("x-1", ["a-1", "b-2", "c-1", "d-2"], [], 4),
        ("x-2", ["a-1"], ["z-2"], 1),
        ("x-11", ["a-1", "b-1"], [], 1),
    ],
)
def test_a_task_stands_behind_everybody_s_of_the_same_turn(
    task: str, waiting: list[str], running: list[str], place: int
) -> None:
    assert fair_queue.place_of(task, waiting, running) == place


def test_tasks_come_off_the_list_in_turns(redis_queue: Redis) -> None:
    for owner in (1, 1, 1, 2, 3, 2):
        assert fair_queue.enqueue("checks", TASK, (), prefix="t-", owner_pk=owner, **OPTIONS)
    listed = queue.rq_queue("checks")
    assert [one.rpartition("-")[2] for one in listed.job_ids] == ["1", "2", "3", "1", "2", "1"]
    assert len(set(listed.job_ids)) == 6, "moved, not copied"


def test_without_redis_nothing_is_put_on_it(no_redis: None) -> None:
    assert not fair_queue.enqueue("checks", TASK, (), prefix="t-", owner_pk=1, **OPTIONS)


def test_a_task_may_end_while_others_ask_whether_it_runs(
    redis_queue: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its row goes with it: because of that, 3 of 10,000 video uploads were answered with 500."""
    fair_queue.enqueue("videos", "a.task", (1,), prefix="video-1-", owner_pk=1, **OPTIONS)
    listed = queue.rq_queue("videos")
    redis_queue.lmove(listed.key, listed.intermediate_queue.key, "RIGHT", "LEFT")
    fetch = QueuedJob.fetch

    def fetch_the_last_of_it(*args: Any, **options: Any) -> QueuedJob:
        found = fetch(*args, **options)
        found.delete()
        return found

    monkeypatch.setattr(QueuedJob, "fetch", fetch_the_last_of_it)
    assert fair_queue.enqueue("videos", "a.task", (2,), prefix="video-2-", owner_pk=1, **OPTIONS)
    assert len(listed.job_ids) == 1
