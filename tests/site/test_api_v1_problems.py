"""API v1: whatever goes wrong under /api/v1 is a problem with a code, whoever answers."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client

from accounts.models import ApiToken
from recon.jobs import queue
from recon.jobs.people import quotas
from tests.site.making import finished_job, person, photos
from tests.site.v1 import ROOT, Program, is_problem, wrong_fields

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("data_dir", "redis_queue")]


@pytest.fixture
def program() -> Program:
    return Program(person())


@pytest.mark.parametrize("address", ["", "/", "/nothing", "/jobs/", "/jobs/nonsense", "/jobs%00"])
def test_there_is_nothing_at_other_addresses(program: Program, address: str) -> None:
    assert is_problem(program.get(address), 404, "not_found")
    assert is_problem(Client().post(ROOT + address), 404, "not_found")


@pytest.mark.parametrize(
    ("method", "address", "allowed"),
    [
        ("PUT", "/jobs", {"GET", "HEAD", "POST"}),
        ("GET", "/drafts", {"POST"}),
        ("OPTIONS", "/limits", {"GET", "HEAD"}),
        ("NONSENSE", "/queue", {"GET", "HEAD"}),
    ],
)
def test_another_method_is_refused_with_those_that_there_are(
    program: Program, method: str, address: str, allowed: set[str]
) -> None:
    answer = program.send(method, address)
    assert is_problem(answer, 405, "method_not_allowed")
    assert set(answer["Allow"].split(", ")) == allowed


def test_who_calls_decides_first(program: Program, settings: Any) -> None:
    job = finished_job(program.owner)
    address = f"{ROOT}/jobs/{job.pk}"
    stranger = Client().get(address)
    assert is_problem(stranger, 401, "not_signed_in")
    assert stranger["WWW-Authenticate"].startswith("Bearer")
    wrong = Client().get(address, headers={"Authorization": "Bearer ir3d_nonsense"})
    assert is_problem(wrong, 401, "token_invalid")
    _, secret = ApiToken.issue(program.owner, "reads", scopes=["read"])
    weak = Client(headers={"Authorization": f"Bearer {secret}"})
    assert is_problem(weak.delete(address), 403, "token_scope", "delete")


@pytest.mark.parametrize(
    ("kind", "body", "status", "code"),
    [
        ("application/json", b"{", 400, "bad_request"),
        ("application/json", b"\xff", 400, "bad_request"),
        ("application/json", b"[]", 400, "bad_request"),
        ("application/json", b'{"title": "\\u0000"}', 400, "bad_request"),
        ("application/json", b'{"tags": ["\\ud800"]}', 400, "bad_request"),
        ("application/json", b'{"a": ' + b"[" * 5000, 400, "bad_request"),
        ("application/x-www-form-urlencoded", b"title=a", 415, "unsupported_media_type"),
        ("text/plain", b"a", 415, "unsupported_media_type"),
        ("application/json", b'{"preset": "ultra"}', 422, "invalid_fields"),
        ("application/json", b'{"share": true}', 422, "invalid_fields"),
        ("application/json", b'{"title": 1}', 422, "invalid_fields"),
        ("application/json", b'{"without_poses": 0}', 422, "invalid_fields"),
        ("application/json", b'{"make_anyway": "yes"}', 422, "invalid_fields"),
    ],
)
def test_a_body_that_is_not_what_is_taken(
    program: Program, kind: str, body: bytes, status: int, code: str
) -> None:
    answer = program.client.post(f"{ROOT}/drafts", body, content_type=kind)
    assert is_problem(answer, status, code)
    assert program.owner.jobs.count() == 0


def test_each_wrong_field_is_named(program: Program) -> None:
    draft = program.draft(3)
    start = f"/jobs/{draft.pk}/start"
    wrong = {"title": "x" * 121, "share": {"until": "2001-01-01T00:00:00Z", "downloads": "some"}}
    assert wrong_fields(program.post(start, wrong)) == {"title", "share.downloads"}
    assert wrong_fields(program.post(start, {"share": {"password": "abc"}})) == {"share.password"}
    assert wrong_fields(program.post(start, {"tags": ["x" * 31]})) == {"tags.0"}
    many = {"tags": [f"{n},{n}b" for n in range(10)]}
    assert wrong_fields(program.post(start, many)) == {"tags"}
    wrong = {"limit": 0, "status": "LOST"}
    assert wrong_fields(program.get("/jobs", wrong)) == {"limit", "status.0"}
    late = {"created_after": "9999-12-31T23:59:59-12:00"}
    assert wrong_fields(program.get("/jobs", late)) == {"created_after"}
    draft.refresh_from_db()
    assert draft.is_draft


@pytest.mark.parametrize("number", ["0.5", "1764547200", "-1", "1e9"])
def test_a_number_is_no_time(program: Program, number: str) -> None:
    assert wrong_fields(program.get("/jobs", {"created_before": number})) == {"created_before"}
    share = f"/jobs/{program.draft().pk}/share"
    for sent in (number, float(number), 10**400):
        wrong = program.send("PATCH", share, {"until": sent, "figures": 1})
        assert wrong_fields(wrong) == {"until", "figures"}


@pytest.mark.parametrize("query", ["tag=%00", "q=%00%ff", "cursor=%00", "tag=%ed%a0%80", "q=%25_"])
def test_odd_texts_find_nothing_and_break_nothing(program: Program, query: str) -> None:
    answer = program.get(f"/jobs?{query}")
    assert answer.status_code in (200, 400, 422)


def test_a_number_that_no_row_has_is_refused(program: Program) -> None:
    draft = program.draft()
    answer = program.send("DELETE", f"/jobs/{draft.pk}/photos/{10**30}")
    assert answer.status_code in (404, 422)
    for number in (2**70, "1", True, 1.5):
        sent = {"photo_ids": [number]}
        assert wrong_fields(program.send("PUT", f"/jobs/{draft.pk}/photos/order", sent))


def test_what_the_pipeline_says_keeps_its_code_and_facts(program: Program, settings: Any) -> None:
    settings.MAX_DRAFTS = 1
    draft = program.draft()
    answer = program.post("/drafts")
    assert is_problem(answer, 409, "too_many_drafts")
    assert answer.json()["facts"] == {"count": 1}
    few = program.post(f"/jobs/{draft.pk}/start")
    assert is_problem(few, 400, "too_few_photos")
    settings.MAX_FILE_SIZE_MB = 1
    large = program.add(draft, "large.jpg", size=(900, 900), kind="PNG")
    assert is_problem(large, 413, "too_large", "large.jpg")


def test_limits_say_when_to_come_back(program: Program, settings: Any, monkeypatch: Any) -> None:
    settings.API_CALLS_A_MINUTE = 3
    left = [program.get("/limits"), program.get("/account"), program.get("/account")][-1]
    assert (left["RateLimit-Limit"], left["RateLimit-Remaining"]) == ("3", "1")
    assert 0 < int(left["RateLimit-Reset"]) <= 60
    program.get("/account")
    over = program.get("/account")
    assert is_problem(over, 429, "too_many_requests")
    assert over["RateLimit-Remaining"] == "0"
    assert 0 < int(over["Retry-After"]) <= 60


def test_a_person_who_has_enough_jobs_is_told_so(program: Program, settings: Any) -> None:
    settings.QUOTA_JOBS_A_DAY = 0
    answer = program.upload("/jobs", files=photos(3))
    assert is_problem(answer, 429, "quota_jobs_a_day")


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [(OperationalError("away"), 503, "unavailable"), (RuntimeError("a bug"), 500, "server_error")],
)
def test_a_fault_of_ours_is_a_problem_too(
    program: Program, monkeypatch: Any, error: Exception, status: int, code: str
) -> None:
    def fail(*_: Any) -> None:
        raise error

    monkeypatch.setattr(quotas, "usage", fail)
    program.client.raise_request_exception = False
    answer = program.get("/quota")
    assert is_problem(answer, status, code)
    assert "bug" not in answer.content.decode()
    assert ("Retry-After" in answer) == (status == 503)


def test_a_job_that_is_deleted_meanwhile_was_never_there(
    program: Program, monkeypatch: Any
) -> None:
    draft = program.draft()
    monkeypatch.setattr(queue, "positions", dict)
    from recon.api.v1 import drafts

    def gone(*_: Any, **__: Any) -> None:
        draft.delete()
        raise type(draft).DoesNotExist

    monkeypatch.setattr(drafts.drafts, "start", gone)
    assert is_problem(program.post(f"/jobs/{draft.pk}/start"), 404, "no_such_job")


def test_sentences_are_in_the_language_that_is_asked_for_and_codes_are_not(
    program: Program,
) -> None:
    answer = program.get("/nothing", **{"Accept-Language": "ko"})
    assert is_problem(answer, 404, "not_found")
    assert "이 주소" in answer.json()["detail"]
    assert answer["Content-Language"] == "ko"


def test_a_form_where_files_are_taken_needs_a_file(program: Program) -> None:
    draft = program.draft()
    assert wrong_fields(program.upload(f"/jobs/{draft.pk}/photos")) == {"file"}
    json = program.post(f"/jobs/{draft.pk}/photos", {"file": "x"})
    assert is_problem(json, 415, "unsupported_media_type")
    assert json["Accept"] == "multipart/form-data"
    assert program.add(draft, seed=3).status_code == 201
