"""The line of those that wait: fair between people, and what staff put first."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from accounts.models import User
from recon.jobs import attempts, lifecycle, queue
from recon.jobs.workers import staff_controls
from recon.models import Job
from tests.site.making import new_job, person

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _site(data_dir: Path, redis_queue: Redis) -> None:
    """Every test here has a data folder and a queue."""


def put(owner: User, title: str, **fields: Any) -> Job:
    job = new_job(owner, title=title, **fields)
    job.save()
    lifecycle.put_in_line(job)
    return job


def run(title: str) -> None:
    assert lifecycle.start(Job.objects.get(title=title).pk, 1)


def end(title: str) -> None:
    assert lifecycle.complete(Job.objects.get(title=title).pk, 1)


def line() -> str:
    waiting = Job.objects.filter(status=Job.Status.PENDING).order_by(*queue.LINE)
    return " ".join(waiting.values_list("title", flat=True))


def test_nobody_s_tenth_stands_before_another_s_first() -> None:
    ann, bob, zoe = (person(f"{name}@example.org") for name in ("ann", "bob", "zoe"))
    for number in range(1, 11):
        put(ann, f"a{number}")
    run("a1")
    put(bob, "b1")
    assert line() == "b1 a2 a3 a4 a5 a6 a7 a8 a9 a10"
    put(bob, "b2")
    put(zoe, "c1")
    assert line() == "b1 c1 a2 b2 a3 a4 a5 a6 a7 a8 a9 a10"


def test_nobody_waits_for_ever_behind_others_who_keep_coming() -> None:
    """On one worker: whoever has nothing running is as much of a first as a newcomer."""
    ann = person()
    put(ann, "a1")
    put(ann, "a2")
    run("a1")
    put(person("p0@example.org"), "p0")
    assert line() == "p0 a2"
    end("a1")
    for number in range(1, 4):
        put(person(f"p{number}@example.org"), f"p{number}")
    assert line() == "p0 a2 p1 p2 p3"


def test_with_many_workers_what_runs_counts_too() -> None:
    ann, bob = person(), person("bob@example.org")
    for number in range(1, 7):
        put(ann, f"a{number}")
    for number in range(1, 5):
        run(f"a{number}")
    for number in range(1, 5):
        put(bob, f"b{number}")
    assert line() == "b1 b2 b3 b4 a5 a6"


def test_there_is_always_room_for_another_turn() -> None:
    """Hundreds into the same gap: numbers are made anew where there is none left."""
    ann = person()
    put(ann, "a1")
    put(ann, "a2")
    Job.objects.update(turn=1.0)  # no gap at all, as rows have that were made otherwise
    put(person("bob@example.org"), "b")
    assert line() == "a1 b a2"
    turns = list(Job.objects.order_by("turn").values_list("turn", flat=True))
    assert turns == sorted(set(turns))


def test_a_job_that_lost_its_worker_is_next() -> None:
    ann, bob = person(), person("bob@example.org")
    put(ann, "a1")
    run("a1")
    put(bob, "b1")
    put(ann, "a2")
    attempts.hand_back(Job.objects.get(title="a1").pk, 1)
    assert line() == "a1 b1 a2"


def test_who_cancels_one_moves_up_with_the_others() -> None:
    ann, bob = person(), person("bob@example.org")
    jobs = [put(ann, f"a{number}") for number in range(1, 5)]
    for number in range(1, 4):
        put(bob, f"b{number}")
    assert line() == "a1 b1 a2 b2 a3 b3 a4"
    assert lifecycle.cancel(jobs[1])
    assert line() == "a1 b1 a3 b2 a4 b3"
    run("a1")
    assert lifecycle.cancel(Job.objects.get(title="a1"))
    assert line() == "b1 a3 b2 a4 b3", "it had taken its turn already"


def test_staff_put_a_job_first_and_give_the_turn_back() -> None:
    ann, bob = person(), person("bob@example.org")
    put(person("zoe@example.org"), "z", gives_way=True)
    jobs = {title: put(ann, title) for title in ("a1", "a2", "a3")}
    put(bob, "b1")
    assert staff_controls.put_first(jobs["a3"])
    assert line() == "a3 a1 b1 a2 z"
    assert staff_controls.put_first(jobs["a2"])
    assert line() == "a2 a3 a1 b1 z"
    assert queue.positions(ann.pk) == {jobs["a2"].pk: 1, jobs["a3"].pk: 2, jobs["a1"].pk: 3}
    for job in Job.objects.filter(status=Job.Status.PENDING):
        assert queue.position(job) == line().split().index(job.title) + 1
    put(bob, "b2")
    assert line() == "a2 a3 a1 b1 b2 z", "what staff put first takes nobody's turn"
    assert staff_controls.give_turn_back(jobs["a3"])
    assert not staff_controls.give_turn_back(jobs["a3"])
    assert line() == "a2 a1 b1 b2 a3 z"
    run("a1")
    assert not staff_controls.put_first(jobs["a1"])
