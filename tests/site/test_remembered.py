"""What many pages ask at once is read once, and a page far behind in line asks more rarely."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from recon.jobs.time_left import learnt, outlook, remembered
from recon.jobs.time_left.outlook import Outlook
from recon.jobs.time_left.remembered import Remembered
from recon.models import Job
from recon.pipeline.forecast.time_left import Range
from recon.web.running import poll_answers
from tests.site.making import browser_of, job_of, person


@pytest.fixture
def remembers(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a site, and nothing that an earlier test left."""
    monkeypatch.setattr(remembered, "IS_ON", True)
    for one in (learnt.learnt_now, outlook._line, outlook._running, outlook._workers):
        one.forget()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [100.0]
    monkeypatch.setattr(remembered.time, "monotonic", lambda: now[0])
    return now


def test_an_answer_is_kept_for_its_time(remembers: None, clock: list[float]) -> None:
    answers = iter(range(9))
    asked = Remembered(lambda: next(answers), 10)
    assert [asked(), asked()] == [0, 0]
    clock[0] += 11
    assert [asked(), asked()] == [1, 1]
    asked.forget()
    assert [asked(), asked()] == [2, 2]


def test_while_one_reads_the_others_go_on_with_the_old_answer(
    remembers: None, clock: list[float]
) -> None:
    is_reading, may_end = threading.Event(), threading.Event()
    answers = iter(range(9))

    def read() -> int:
        answer = next(answers)
        if answer:
            is_reading.set()
            may_end.wait(30)
        return answer

    asked = Remembered(read, 10)
    assert asked() == 0
    clock[0] += 11
    found: list[int] = []
    reader = threading.Thread(target=lambda: found.append(asked()))
    reader.start()
    assert is_reading.wait(30)
    assert asked() == 0
    may_end.set()
    reader.join()
    assert (found, asked()) == ([1], 1)


def test_who_comes_first_all_at_once_waits_for_one_reading(remembers: None) -> None:
    read, ready = [], threading.Barrier(8)
    asked = Remembered(lambda: read.append(1), 10)

    def ask() -> None:
        ready.wait(30)
        asked()

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert read == [1]


@pytest.mark.django_db
def test_most_of_many_polls_cost_half(
    remembers: None, clock: list[float], data_dir: Path, redis_queue: Any
) -> None:
    ann = person()
    jobs = [job_of(ann, status=Job.Status.PENDING) for _ in range(3)]
    job_of(ann, status=Job.Status.PROCESSING, step="GS_TRAIN", started_at=timezone.now())
    browser, counts = browser_of(ann), []
    for _ in range(4):
        with CaptureQueriesContext(connection) as asked:
            answer = browser.get(f"{jobs[-1].get_absolute_url()}progress/")
        assert answer.status_code == 200
        counts.append(len(asked))
    assert counts[2] == counts[3] <= 6 < counts[0]


@pytest.mark.django_db
def test_a_job_that_has_just_joined_has_a_place_at_once(
    remembers: None, data_dir: Path, redis_queue: Any
) -> None:
    first = job_of(person(), status=Job.Status.PENDING, turn=1.0)
    assert outlook.outlook_of(first).position == 1
    second = job_of(first.owner, status=Job.Status.PENDING, turn=2.0)
    assert outlook.outlook_of(second).position == 2


@pytest.mark.parametrize(
    ("status", "starts_in", "every_s"),
    [
        ("PROCESSING", None, 2),
        ("PENDING", Range(0, 5), 2),
        ("PENDING", Range(240, 400), 8),
        ("PENDING", Range(9000, 9999), 15),
        ("PENDING", None, 5),
    ],
)
def test_a_page_asks_as_often_as_its_job_comes_nearer(
    status: str, starts_in: Range | None, every_s: float
) -> None:
    job, known = Job(status=status), Outlook(position=1, starts_in=starts_in)
    assert poll_answers._every_s(job, known) == every_s


@pytest.mark.django_db
def test_the_page_says_how_often(data_dir: Path, redis_queue: Any) -> None:
    job = job_of(person(), status=Job.Status.PENDING)
    page = browser_of(job.owner).get(job.get_absolute_url()).content.decode()
    assert 'data-every="2.0"' in page
