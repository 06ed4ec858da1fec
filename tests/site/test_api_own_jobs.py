"""A person's jobs for their programs: the list, the files, cancelling, deleting."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django.fixtures import SettingsWrapper

from accounts.models import User
from recon.models import AuditEntry, Job
from tests.site.making import (
    FILES,
    browser_of,
    finished_job,
    job_of,
    person,
    supporter,
    token_of,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("data_dir", "redis_queue")]

BASE = "http://localhost:8000"


def program_of(user: User) -> Client:
    bearer = {"Authorization": f"Bearer {token_of(user)}"}
    return Client(enforce_csrf_checks=True, headers=bearer)


@pytest.fixture
def ann() -> User:
    return person()


@pytest.fixture
def program(ann: User) -> Client:
    return program_of(ann)


@pytest.fixture
def bob() -> Client:
    return program_of(person("bob@example.org"))


def refused(answer: Any, status: int, *words: str) -> bool:
    assert answer.status_code == status, answer.content
    detail = answer.json()["detail"]
    assert all(word in detail for word in words), detail
    return True


def body(answer: Any) -> bytes:
    return b"".join(answer.streaming_content)


# --- The list ---


def test_the_list_has_the_caller_s_own_jobs_the_newest_first(
    ann: User, program: Client, bob: Client
) -> None:
    done = finished_job(ann, shared=True)
    draft = job_of(ann, status=Job.Status.DRAFT, edited_at=timezone.now(), title="")
    told = program.get("/recon/jobs").json()
    assert (told["total"], told["next"]) == (2, None)
    assert [one["job_id"] for one in told["jobs"]] == [str(draft.pk), str(done.pk)]
    assert told["jobs"][1] == {
        "job_id": str(done.pk),
        "title": "Fern in the hall",
        "status": "COMPLETED",
        "progress": 100,
        "preset": "quick",
        "image_count": 3,
        "quality": "good",
        "quality_code": "psnr",
        "quality_reason": "held-out photos are matched closely",
        "psnr": 22.84,
        "ssim": 0.813,
        "lpips": 0.412,
        "gaussian_count": 1234,
        "error_code": None,
        "created_at": done.created_at.isoformat(),
        "completed_at": done.completed_at.isoformat(),
        "pub_key": done.share.key,
        "shared": True,
        "viewer_url": f"{BASE}/v/{done.share.key}",
        "share_has_password": False,
        "share_until": None,
        "share_downloads": "all",
        "share_figures": True,
        "share_views": 0,
        "in_gallery": False,
        "description": "",
        "tags": [],
    }
    assert bob.get("/recon/jobs").json() == {"jobs": [], "total": 0, "next": None}
    assert refused(Client().get("/recon/jobs"), 401)
    staff = program_of(supporter())
    assert staff.get("/recon/jobs").json()["total"] == 0, "other people's jobs are not listed"


def walk(program: Client, address: str) -> list[str]:
    found: list[str] = []
    while address:
        told = program.get(address.removeprefix(BASE)).json()
        found += [one["job_id"] for one in told["jobs"]]
        address = told["next"] or ""
    return found


def test_page_by_page_every_job_comes_once(ann: User, program: Client) -> None:
    moment = timezone.now()
    jobs = [job_of(ann) for _ in range(5)]
    for job in jobs[1:4]:  # at exactly the same moment
        Job.objects.filter(pk=job.pk).update(created_at=moment)
    expected = [str(job.pk) for job in Job.objects.order_by("-created_at", "-pk")]
    for limit in (1, 2, 5):
        assert walk(program, f"/recon/jobs?limit={limit}") == expected


def test_pages_hold_though_jobs_are_deleted_and_made_meanwhile(ann: User, program: Client) -> None:
    jobs = [job_of(ann) for _ in range(4)][::-1]
    first = program.get("/recon/jobs?limit=2").json()
    assert [one["job_id"] for one in first["jobs"]] == [str(job.pk) for job in jobs[:2]]
    for one in first["jobs"]:
        assert program.delete(f"/recon/jobs/{one['job_id']}").status_code == 204
    job_of(ann)
    assert walk(program, first["next"]) == [str(job.pk) for job in jobs[2:]]


def test_the_list_can_be_of_one_status(ann: User, program: Client) -> None:
    done, _ = finished_job(ann), job_of(ann)
    told = program.get("/recon/jobs?status=COMPLETED&limit=1").json()
    assert ([one["job_id"] for one in told["jobs"]], told["total"]) == ([str(done.pk)], 1)
    finished_job(ann)
    assert len(walk(program, "/recon/jobs?status=COMPLETED&limit=1")) == 2


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("limit=0", "1 to 100"),
        ("limit=101", "1 to 100"),
        ("limit=", "1 to 100"),
        ("limit=" + "9" * 5000, "1 to 100"),
        ("limit=%D9%A3", "1 to 100"),
        ("status=DONE", "COMPLETED"),
        ("status=%00", "COMPLETED"),
        ("cursor=nonsense", "next"),
        ("cursor=%00", "next"),
        ("cursor=MDAwMS0wMS0wMVQwMDowMDowMCsxNDowMCAx", "next"),
    ],
)
def test_a_wrong_question_is_refused_in_words(program: Client, query: str, said: str) -> None:
    assert refused(program.get(f"/recon/jobs?{query}"), 400, said)


def test_a_long_list_asks_no_more_of_the_database(ann: User, program: Client) -> None:
    counts = []
    for _ in range(2):
        finished_job(ann)
        job_of(ann)
        with CaptureQueriesContext(connection) as asked:
            assert program.get("/recon/jobs").status_code == 200
        counts.append(len(asked))
    assert counts[1] <= counts[0]


# --- Files ---


@pytest.mark.parametrize("kind", FILES)
def test_a_token_gets_every_file_of_a_private_job(ann: User, program: Client, kind: str) -> None:
    job = finished_job(ann)
    answer = program.get(f"/recon/jobs/{job.pk}/files/{kind}")
    assert (answer.status_code, body(answer)) == (200, FILES[kind][1])
    assert answer["Content-Length"] == str(len(FILES[kind][1]))


def test_a_file_comes_in_parts_and_only_if_it_has_changed(ann: User, program: Client) -> None:
    job = finished_job(ann)
    where, own = f"/recon/jobs/{job.pk}/files/splat", f"/jobs/{job.pk}/files/splat"
    part = program.get(where, headers={"Range": "bytes=2-5"})
    assert (part.status_code, body(part)) == (206, bytes([2, 3, 4, 5]))
    assert part["Content-Range"] == "bytes 2-5/1024"
    assert program.get(where, headers={"Range": "bytes=2000-"}).status_code == 416
    assert program.get(where, headers={"If-None-Match": part["ETag"]}).status_code == 304
    head = program.head(where)
    assert (head.status_code, head["Content-Length"], body(head)) == (200, "1024", b"")
    page = browser_of(ann).get(own)
    same = ("ETag", "Last-Modified", "Cache-Control", "Content-Disposition", "Content-Type")
    assert [head[name] for name in same] == [page[name] for name in same]


def test_the_status_says_where_the_files_are(ann: User, program: Client) -> None:
    job = finished_job(ann)
    files = program.get(f"/recon/jobs/{job.pk}/status").json()["files"]
    assert {one["kind"] for one in files} == set(FILES)
    for one in files:
        answer = program.get(one["url"].removeprefix(BASE))
        assert len(body(answer)) == one["size"]
    assert program.get(f"/recon/jobs/{job_of(ann).pk}/status").json()["files"] == []


def test_what_is_not_there_or_not_theirs_is_not_found(
    ann: User, program: Client, bob: Client
) -> None:
    job, running = finished_job(ann, shared=True), job_of(ann)
    assert refused(program.get(f"/recon/jobs/{job.pk}/files/photos"), 404, "scene_ply", "colmap")
    assert refused(program.get(f"/recon/jobs/{running.pk}/files/spz"), 404, "still be running")
    job.artifacts.filter(kind="spz").delete()
    assert refused(program.get(f"/recon/jobs/{job.pk}/files/spz"), 404, "not there")
    for where in (f"{job.pk}/files/splat", "nonsense/files/splat"):
        assert refused(bob.get(f"/recon/jobs/{where}"), 404, "no such job")
    assert refused(Client().get(f"/recon/jobs/{job.pk}/files/splat"), 401)


def test_calls_for_files_and_lists_count(
    ann: User, program: Client, settings: SettingsWrapper
) -> None:
    settings.API_CALLS_A_MINUTE = 2
    job = finished_job(ann)
    for where in ("/recon/jobs", f"/recon/jobs/{job.pk}/files/spz"):
        assert program.get(where).status_code == 200
    for answer in (
        program.get("/recon/jobs"),
        program.get(f"/recon/jobs/{job.pk}/files/spz"),
        program.post(f"/recon/jobs/{job.pk}/cancel"),
        program.delete(f"/recon/jobs/{job.pk}"),
    ):
        assert refused(answer, 429)
        assert int(answer["Retry-After"]) > 0
    assert Job.objects.exists()


# --- Cancelling ---


@pytest.mark.parametrize("status", Job.ACTIVE)
def test_a_waiting_or_running_job_is_cancelled(ann: User, program: Client, status: str) -> None:
    job = job_of(ann, status=status)
    for _ in range(2):  # a program that missed the answer asks again
        answer = program.post(f"/recon/jobs/{job.pk}/cancel")
        assert (answer.status_code, answer.json()["status"]) == (200, "CANCELLED")
    job.refresh_from_db()
    assert (job.status, job.photos.count()) == ("CANCELLED", 3)


def test_what_has_ended_or_not_begun_is_not_cancelled(ann: User, program: Client) -> None:
    done = finished_job(ann)
    failed = job_of(ann, status=Job.Status.FAILED, completed_at=timezone.now())
    draft = job_of(ann, status=Job.Status.DRAFT, edited_at=timezone.now())
    for job, said in (
        (done, "already ended"),
        (failed, "already ended"),
        (draft, "not been started"),
    ):
        assert refused(program.post(f"/recon/jobs/{job.pk}/cancel"), 409, said)
        before = job.status
        job.refresh_from_db()
        assert job.status == before


# --- Deleting ---


def test_a_job_is_deleted_with_all_that_belongs_to_it(ann: User, program: Client) -> None:
    job = finished_job(ann, shared=True)
    answer = program.delete(f"/recon/jobs/{job.pk}")
    assert (answer.status_code, answer.content) == (204, b"")
    assert not Job.objects.exists()
    assert not job.folder.exists()
    assert Client().get(f"/v/{job.share.key}").status_code == 404
    assert refused(program.delete(f"/recon/jobs/{job.pk}"), 404, "no such job")
    assert refused(program.get(f"/recon/jobs/{job.pk}/status"), 404)


@pytest.mark.parametrize("status", [Job.Status.PENDING, Job.Status.DRAFT])
def test_so_is_one_that_waits_or_is_a_draft(ann: User, program: Client, status: str) -> None:
    job = job_of(ann, status=status, edited_at=timezone.now() - timedelta(days=1))
    assert program.delete(f"/recon/jobs/{job.pk}").status_code == 204
    assert not Job.objects.exists()


# --- Others' ---


def test_nobody_cancels_or_deletes_what_is_not_theirs(ann: User, bob: Client) -> None:
    job = job_of(ann)
    for who in (bob, program_of(supporter())):  # the second may look, no more
        assert refused(who.post(f"/recon/jobs/{job.pk}/cancel"), 404, "no such job")
        assert refused(who.delete(f"/recon/jobs/{job.pk}"), 404, "no such job")
    assert refused(Client().delete(f"/recon/jobs/{job.pk}"), 401)
    guarded = browser_of(ann, enforce_csrf_checks=True)
    assert refused(guarded.delete(f"/recon/jobs/{job.pk}"), 403, "CSRF")
    assert refused(guarded.post(f"/recon/jobs/{job.pk}/cancel"), 403, "CSRF")
    job.refresh_from_db()
    assert job.status == "PENDING"


def test_staff_with_the_permission_do_and_the_log_says_so(ann: User) -> None:
    job = finished_job(ann)
    staff = program_of(supporter("support@example.org", "delete_job"))
    assert body(staff.get(f"/recon/jobs/{job.pk}/files/spz")) == FILES["spz"][1]
    assert staff.delete(f"/recon/jobs/{job.pk}").status_code == 204
    noted = AuditEntry.objects.order_by("pk").values_list("method", "action")
    assert list(noted) == [("GET", "api:own_file kind=spz"), ("DELETE", "api:delete")]
