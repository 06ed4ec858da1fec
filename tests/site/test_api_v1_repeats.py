"""API v1: a request that is sent again is done once, and answered the same."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from recon.jobs.drafts import drafts
from recon.jobs.people import kept_answers
from recon.models import Job, KeptAnswer
from tests.site.making import finished_job, person, photo, photos
from tests.site.v1 import ROOT, Program, is_problem

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("data_dir", "redis_queue")]

KEY = {"Idempotency-Key": "6c1e1b5e-0d6c-4b0f-9d6b-7f2f6a3f5a51"}


@pytest.fixture
def program() -> Program:
    return Program(person())


def test_a_draft_is_made_once(program: Program) -> None:
    first = program.post("/drafts", {"title": "Fern"}, **KEY)
    again = program.post("/drafts", {"title": "Fern"}, **KEY)
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == first.json()
    assert again["Location"] == first["Location"]
    assert "Idempotency-Replayed" not in first
    assert again["Idempotency-Replayed"] == "true"
    assert Job.objects.count() == 1


def test_files_are_the_same_however_their_form_is_written(program: Program) -> None:
    def send(seed: int) -> Any:
        files = [*photos(2), photo("third.jpg", seed=seed)]
        return program.client.post(f"{ROOT}/jobs", {"files": files, "title": "a"}, headers=KEY)

    first, again = send(7), send(7)
    assert (first.status_code, again.status_code) == (202, 202)
    assert again.json()["job"]["job_id"] == first.json()["job"]["job_id"]
    assert is_problem(send(8), 422, "idempotency_key_reused")
    assert Job.objects.count() == 1


@pytest.mark.parametrize(
    ("path", "sent"), [("/drafts", {"title": "Moss"}), ("/drafts", None), ("/jobs/{pk}/retry", {})]
)
def test_a_key_is_for_one_request(program: Program, path: str, sent: Any) -> None:
    program.post("/drafts", {"title": "Fern"}, **KEY)
    job = Job.objects.get()
    Job.objects.filter(pk=job.pk).update(status="FAILED")
    answer = program.post(path.format(pk=job.pk), sent, **KEY)
    assert is_problem(answer, 422, "idempotency_key_reused")


def test_a_key_is_its_owners(program: Program) -> None:
    program.post("/drafts", {}, **KEY)
    bob = Program(person("bob@example.org"))
    assert bob.post("/drafts", {}, **KEY).status_code == 201
    assert Job.objects.count() == 2


def test_what_was_refused_may_be_asked_again(program: Program, settings: Any) -> None:
    draft = program.draft(2)
    start = f"/jobs/{draft.pk}/start"
    assert is_problem(program.post(start, {}, **KEY), 400, "too_few_photos")
    program.add(draft, "third.jpg")
    assert program.post(start, {}, **KEY).status_code == 202
    again = program.post(start, {}, **KEY)
    assert (again.status_code, again["Idempotency-Replayed"]) == (202, "true")


def test_a_fault_of_ours_leaves_the_key_free(program: Program, monkeypatch: Any) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError

    program.client.raise_request_exception = False
    with monkeypatch.context() as broken:
        broken.setattr(drafts, "create_draft", fail)
        assert is_problem(program.post("/drafts", {}, **KEY), 500, "server_error")
    assert program.post("/drafts", {}, **KEY).status_code == 201


def test_while_the_first_is_at_work_the_second_waits(program: Program) -> None:
    program.post("/drafts", {}, **KEY)
    KeptAnswer.objects.update(status=None)
    answer = program.post("/drafts", {}, **KEY)
    assert is_problem(answer, 409, "idempotency_in_progress")
    assert answer["Retry-After"] == "1"
    past = timezone.now() - kept_answers.AT_WORK
    KeptAnswer.objects.update(created_at=past)
    assert program.post("/drafts", {}, **KEY).status_code == 201, "its process is gone"


def test_a_key_is_forgotten_after_a_day(program: Program) -> None:
    program.post("/drafts", {}, **KEY)
    KeptAnswer.objects.update(
        created_at=timezone.now() - kept_answers.KEEP_FOR - timedelta(minutes=1)
    )
    assert kept_answers.remove_old() == 1
    program.post("/drafts", {"title": "another"}, **KEY)
    assert Job.objects.count() == 2


@pytest.mark.parametrize("key", ["", "a b", "ä", "x" * 201])
def test_an_odd_key_is_refused(program: Program, key: str) -> None:
    answer = program.post("/drafts", {}, **{"Idempotency-Key": key})
    assert is_problem(answer, 400, "bad_request")
    assert Job.objects.count() == 0


def test_where_nothing_is_made_a_key_changes_nothing(program: Program) -> None:
    job = finished_job(program.owner)
    assert program.get(f"/jobs/{job.pk}", **KEY).status_code == 200
    assert KeptAnswer.objects.count() == 0
