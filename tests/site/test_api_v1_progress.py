"""API v1: how far a job is, as server-sent events."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from recon.api.v1 import progress
from recon.models import Job
from tests.site.making import finished_job, job_of, person
from tests.site.v1 import Program

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("data_dir", "redis_queue")]


@pytest.fixture
def program() -> Program:
    return Program(person())


def events(answer: Any) -> list[dict[str, str]]:
    """The fields of each event."""
    blocks = b"".join(answer).decode().split("\n\n")
    return [dict(line.split(": ", 1) for line in one.splitlines()) for one in blocks if one]


def test_a_waiting_job_says_where_it_is(program: Program, monkeypatch: Any) -> None:
    monkeypatch.setattr(progress, "OPEN_S", 0.0)
    job = job_of(program.owner, status="PENDING")
    answer = program.get(f"/jobs/{job.pk}/progress")
    assert answer["Content-Type"] == "text/event-stream"
    first, told = events(answer)
    assert first == {"retry": "2000"}
    assert told["event"] == "progress"
    data = json.loads(told["data"])
    assert (data["status"], data["waiting"]["position"]) == ("PENDING", 1)
    again = program.get(f"/jobs/{job.pk}/progress", **{"Last-Event-ID": told["id"]})
    assert events(again) == [{"retry": "2000"}], "nothing is new"


def test_what_changes_is_told_until_the_end(program: Program, monkeypatch: Any) -> None:
    job = job_of(program.owner, status="PROCESSING", step="GS_TRAIN", percent=66.0)
    changes: Iterator[dict[str, Any]] = iter(
        [
            {"percent": 70.0},
            {},
            {"status": "COMPLETED", "step": "DONE", "percent": 100.0, "progress": {}},
        ]
    )

    def meanwhile(seconds: float) -> None:
        if change := next(changes):
            Job.objects.filter(pk=job.pk).update(**change)

    monkeypatch.setattr(progress.time, "sleep", meanwhile)
    _, *told = events(program.get(f"/jobs/{job.pk}/progress"))
    assert [one["event"] for one in told] == ["progress", "progress", "end"]
    assert [json.loads(one["data"])["progress"] for one in told] == [66, 70, 100]
    gone = program.get(f"/jobs/{job.pk}/progress", **{"Last-Event-ID": told[-1]["id"]})
    assert (gone.status_code, gone.content) == (204, b"")


def test_only_a_few_streams_stay_open(program: Program, monkeypatch: Any) -> None:
    def never(seconds: float) -> None:
        raise AssertionError("it stays open")

    monkeypatch.setattr(progress.time, "sleep", never)
    job = job_of(program.owner, status="PROCESSING")
    for _ in range(progress.MOST_OPEN):
        progress._open.acquire()
    try:
        _, told = events(program.get(f"/jobs/{job.pk}/progress"))
        assert told["event"] == "progress", "it says how things are, and ends"
    finally:
        for _ in range(progress.MOST_OPEN):
            progress._open.release()


def test_a_stream_that_nobody_reads_gives_its_place_back(program: Program) -> None:
    job = job_of(program.owner, status="PROCESSING")
    for _ in range(progress.MOST_OPEN + 1):
        stream = progress._events(job, heard="")
        next(stream), next(stream)
        stream.close()
    assert progress._open.acquire(blocking=False)
    progress._open.release()


def test_a_job_that_is_deleted_ends_its_stream(program: Program, monkeypatch: Any) -> None:
    job = job_of(program.owner, status="PROCESSING")
    monkeypatch.setattr(progress.time, "sleep", lambda _: job.delete())
    assert len(events(program.get(f"/jobs/{job.pk}/progress"))) == 2


def test_the_end_is_told_at_once_to_whoever_comes_late(program: Program) -> None:
    job = finished_job(program.owner)
    _, told = events(program.get(f"/jobs/{job.pk}/progress"))
    assert (told["event"], json.loads(told["data"])["status"]) == ("end", "COMPLETED")
