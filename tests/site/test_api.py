"""The HTTP API: the prototype's paths and fields, by token or by session, errors as JSON."""

from __future__ import annotations

import tomllib
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as site
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone

import recon
from accounts.models import ApiToken, User
from recon.models import Job
from tests.site.making import (
    browser_of,
    finished_job,
    job_of,
    person,
    photo,
    photos,
    supporter,
    token_of,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("data_dir")]

PROTOTYPES_FIELDS = {
    "job_id",
    "status",
    "step",
    "progress",
    "psnr",
    "ssim",
    "lpips",
    "gaussian_count",
    "image_count",
    "iterations",
    "processing_time_seconds",
    "viewer_url",
    "log_tail",
    "created_at",
    "completed_at",
}


class Program:
    """Calls the API with a token and nothing else."""

    def __init__(self, owner: User) -> None:
        self.owner = owner
        self.headers = {"Authorization": f"Bearer {token_of(owner)}"}
        self.client = Client(enforce_csrf_checks=True)

    def get(self, address: str) -> Any:
        return self.client.get(address, headers=self.headers)

    def send(self, files: list[Any], **fields: Any) -> Any:
        data = {"files": files, **fields}
        return self.client.post("/recon/jobs", data, headers=self.headers)

    def status(self, job: Job) -> dict[str, Any]:
        response = self.get(f"/recon/jobs/{job.pk}/status")
        assert response.status_code == 200
        told: dict[str, Any] = response.json()
        return told


@pytest.fixture
def program() -> Program:
    return Program(person())


def is_error(response: Any, status: int, *words: str) -> bool:
    assert response.status_code == status
    assert response["Content-Type"] == "application/json"
    detail = response.json()["detail"]
    assert all(word in detail for word in words), detail
    return True


# --- Health ---


def test_health_is_told_to_anybody(client: Client) -> None:
    response = client.get("/healthz")
    assert response.status_code == 200
    assert response.content == b"ok"
    assert response["Content-Type"].startswith("text/plain")


def test_the_version_is_the_packages() -> None:
    project = tomllib.loads((Path(site.BASE_DIR) / "pyproject.toml").read_text())
    assert project["project"]["version"] == recon.__version__


# --- Making a job ---


def test_a_token_makes_a_shared_job(program: Program) -> None:
    response = program.send(photos(3), original_resolution="true")
    job = Job.objects.get()
    assert response.status_code == 200
    assert response.json() == {
        "job_id": str(job.pk),
        "pub_key": job.share.key,
        "original_resolution": True,
        "cross_validate": False,
        "shared": True,
        "warnings": [],
    }
    assert (job.owner, job.share.is_on, job.photos.count()) == (program.owner, True, 3)
    told = program.status(job)
    assert told["viewer_url"] == f"{site.BASE_URL.rstrip('/')}/v/{job.share.key}"
    assert Client().get(f"/v/{job.share.key}").status_code == 200


def test_a_job_can_be_kept_private(program: Program) -> None:
    answer = program.send(photos(3), share="false").json()
    assert answer["shared"] is False
    assert program.status(Job.objects.get())["viewer_url"] is None
    assert Client().get(f"/v/{answer['pub_key']}").status_code == 404


def test_title_and_preset_are_taken(program: Program) -> None:
    program.send(photos(3), title="Fern", preset="high")
    job = Job.objects.get()
    assert (job.title, job.wishes.preset, job.wishes.original_resolution) == ("Fern", "high", False)


def test_every_photo_can_be_held_out_once(program: Program) -> None:
    answer = program.send(photos(3), preset="standard", cross_validate="yes").json()
    job = Job.objects.get()
    assert answer["cross_validate"] is job.wishes.cross_validate is True
    assert job.config["evaluate"]["cross_validate"] is True
    assert program.status(job)["cross_validate"] is True
    assert is_error(program.send(photos(3), cross_validate="often"), 400, "cross_validate")


def test_the_measured_model_can_be_asked_for(program: Program) -> None:
    program.send(photos(3), final_refine="no")
    assert Job.objects.get().config["export"]["final_refine"] is False


def test_whether_outliers_are_removed_can_be_asked_for(program: Program) -> None:
    program.send(photos(3), outlier_filter="never")
    assert Job.objects.get().config["evaluate"]["outlier_filter"] == "never"
    assert is_error(program.send(photos(3), outlier_filter="some"), 400, "Outlier filter", "some")


def test_the_status_tells_how_a_finished_job_was_measured(program: Program) -> None:
    spread = {"psnr": 1.2, "ssim": 0.05, "lpips": None}
    job = finished_job(program.owner, protocol="cross-validation", spread=spread)
    told = program.status(job)
    assert (told["psnr"], told["psnr_corrected"], told["ssim_corrected"]) == (22.84, 24.46, 0.834)
    assert (told["protocol"], told["spread"], told["refined"]) == ("cross-validation", spread, True)
    waiting = program.status(job_of(program.owner))
    unknown = ("psnr_corrected", "ssim_corrected", "protocol", "spread", "refined")
    assert [waiting[name] for name in unknown] == [None] * 5


@pytest.mark.parametrize("word", ["false", "0", "off", "no", "False", ""])
def test_usual_words_for_no_mean_no(program: Program, word: str) -> None:
    assert not program.send(photos(3), original_resolution=word).json()["original_resolution"]


def test_another_word_than_yes_or_no_is_refused(program: Program) -> None:
    assert is_error(program.send(photos(3), share="perhaps"), 400, "share", "perhaps")
    assert not Job.objects.exists()


def test_wrong_photos_are_refused_by_name(program: Program) -> None:
    wrong = SimpleUploadedFile("notes.jpg", b"no photo")
    assert is_error(program.send([*photos(3), wrong]), 400, "“notes.jpg” can't be read")
    assert is_error(program.send(photos(2)), 400, "There are 2 photos; a scene needs 3 to 20.")
    assert is_error(program.send(photos(21)), 400, "There are 21 photos")
    assert is_error(program.send(photos(3), preset="ultra"), 400, "Preset", "ultra")
    tiny = [SimpleUploadedFile(f"{n}.jpg", b"x") for n in range(101)]
    assert is_error(program.send(tiny), 400, "more than 100 files")
    assert not Job.objects.exists()


def test_photos_under_another_field_are_no_photos(program: Program) -> None:
    response = program.client.post("/recon/jobs", {"photos": photos(3)}, headers=program.headers)
    assert is_error(response, 400, "There are no photos yet")


def test_a_body_that_is_no_form_is_refused(program: Program) -> None:
    response = program.client.post(
        "/recon/jobs", b"{}", content_type="application/json", headers=program.headers
    )
    assert is_error(response, 415, "Send the photos as a form", "not as application/json")
    response = program.client.post(
        "/recon/jobs",
        b"x",
        content_type="multipart/form-data; boundary=\x01",
        headers=program.headers,
    )
    assert is_error(response, 400, "damaged or cut off")


def test_too_large_is_413_whatever_else_is_wrong(program: Program, settings: Any) -> None:
    settings.MAX_FILE_SIZE_MB = 1
    large = SimpleUploadedFile("large.jpg", bytes(2**20 + 1))
    assert is_error(program.send([large], share="perhaps"), 413, "“large.jpg”", "1 MB")
    settings.MAX_UPLOAD_SIZE_MB = 1
    half_megabytes = [SimpleUploadedFile(f"{n}.jpg", bytes(2**19)) for n in range(3)]
    assert is_error(program.send(half_megabytes), 413, "Together, the photos")


def test_text_that_is_too_large_is_413(program: Program) -> None:
    assert is_error(program.send(photos(3), title="x" * 3_000_000), 413, "The text in the form")


def test_a_photo_sent_twice_is_said(program: Program) -> None:
    response = program.send([*photos(3), photo("again.jpg", seed=0)])
    assert "“again.jpg” is the same photo" in response.json()["warnings"][0]
    assert Job.objects.get().photos.count() == 3


# --- Who calls ---

ADDRESSES = ("/recon/jobs/00000000-0000-4000-8000-000000000000/status", "/recon/queue")


def test_strangers_are_asked_for_a_token(client: Client) -> None:
    responses = [client.get(address) for address in ADDRESSES]
    responses.append(client.post("/recon/jobs", {"files": photos(3)}))
    for response in responses:
        assert is_error(response, 401, "bearer token")
        assert response["WWW-Authenticate"].startswith("Bearer")
    assert not Job.objects.exists()


@pytest.mark.parametrize(
    "header", ["Bearer wrong", "Bearer", "Bearer ", "bearer a b c", "Bearer \xff\xfe", "BEARER x"]
)
def test_a_bad_token_is_refused_even_beside_a_session(header: str) -> None:
    browser = browser_of(person())
    for address in ADDRESSES:
        assert is_error(browser.get(address, headers={"Authorization": header}), 401, "not valid")


def test_the_password_of_a_proxy_does_not_get_in_the_way() -> None:
    browser = browser_of(person())
    response = browser.get("/recon/queue", headers={"Authorization": "Basic YTpi"})
    assert response.status_code == 200


def test_a_revoked_token_and_a_closed_account_end_at_once(program: Program) -> None:
    assert program.get("/recon/queue").status_code == 200
    User.objects.update(is_active=False)
    assert program.get("/recon/queue").status_code == 401
    User.objects.update(is_active=True)
    ApiToken.objects.all().delete()
    assert program.get("/recon/queue").status_code == 401


def test_a_session_needs_the_csrf_token_to_make_a_job() -> None:
    browser = browser_of(person(), enforce_csrf_checks=True)
    response = browser.post("/recon/jobs", {"files": photos(3)})
    assert is_error(response, 403, "CSRF")
    assert not Job.objects.exists()
    browser.get(reverse("recon:upload"))
    token = browser.cookies["instarecon_csrf"].value
    response = browser.post("/recon/jobs", {"files": photos(3)}, headers={"X-CSRFToken": token})
    assert response.status_code == 200


def test_a_session_reads_without_more() -> None:
    job = job_of(person())
    browser = browser_of(job.owner, enforce_csrf_checks=True)
    assert browser.get(f"/recon/jobs/{job.pk}/status").json()["job_id"] == str(job.pk)


# --- Status ---


def test_somebody_elses_job_is_not_there(program: Program) -> None:
    job = job_of(person("bob@example.org"))
    assert is_error(program.get(f"/recon/jobs/{job.pk}/status"), 404, "no such job")
    assert is_error(program.get("/recon/jobs/nonsense/status"), 404, "no such job")
    assert is_error(program.get(ADDRESSES[0]), 404, "no such job")


def test_staff_may_ask_after_any_job() -> None:
    job = job_of(person())
    staff = Program(supporter())
    assert staff.status(job)["job_id"] == str(job.pk)


def test_a_waiting_job_says_so(program: Program) -> None:
    job_of(person("bob@example.org"))
    told = program.status(job_of(program.owner))
    assert set(told) >= PROTOTYPES_FIELDS
    assert (told["status"], told["step"], told["progress"]) == ("PENDING", "QUEUED", 0)
    assert (told["image_count"], told["queue_position"]) == (3, 2)
    assert told["processing_time_seconds"] is None
    assert told["completed_at"] is None
    assert told["log_tail"] == []


def test_a_running_job_says_how_far_it_is(program: Program) -> None:
    job = job_of(
        program.owner,
        status=Job.Status.PROCESSING,
        step="GS_TRAIN",
        percent=71.9,
        started_at=timezone.now() - timedelta(seconds=30),
    )
    job.workspace.log.parent.mkdir()
    job.workspace.log.write_text("12:00:00 step 100\n12:00:01 step 200\n")
    told = program.status(job)
    assert (told["status"], told["step"], told["progress"]) == ("PROCESSING", "GS_TRAIN", 71)
    assert 30 <= told["processing_time_seconds"] < 90
    assert told["log_tail"] == ["12:00:00 step 100", "12:00:01 step 200"]


def test_a_finished_job_tells_its_figures(program: Program) -> None:
    told = program.status(finished_job(program.owner, lpips=None))
    assert (told["status"], told["step"], told["progress"]) == ("COMPLETED", "DONE", 100)
    assert (told["psnr"], told["ssim"], told["lpips"]) == (22.84, 0.813, None)
    assert (told["gaussian_count"], told["iterations"], told["registered"]) == (1234, 700, 3)
    assert told["processing_time_seconds"] == pytest.approx(90, abs=1)
    assert datetime.fromisoformat(told["completed_at"]).tzinfo is not None
    assert told["error"] is None


def test_a_failed_job_tells_why_and_its_progress_is_nothing(program: Program) -> None:
    job = job_of(
        program.owner,
        status=Job.Status.FAILED,
        step="COLMAP_MAP",
        percent=47.0,
        error_code="too_few_registered",
        error_facts={"registered": 2, "total": 3},
        completed_at=timezone.now(),
    )
    told = program.status(job)
    assert (told["status"], told["step"], told["progress"]) == ("FAILED", "ERROR", 0)
    assert (told["failed_step"], told["error_code"]) == ("COLMAP_MAP", "too_few_registered")
    assert told["error"].startswith("Only 2 of 3 photos could be placed")


def test_a_cancelled_job_says_so(program: Program) -> None:
    job = job_of(program.owner, status=Job.Status.CANCELLED, completed_at=timezone.now())
    assert program.status(job)["status"] == "CANCELLED"


# --- The queue ---


def test_the_queue_tells_the_callers_own_places(program: Program, settings: Any) -> None:
    settings.MAX_CONCURRENT_JOBS = 2
    bob = person("bob@example.org")
    job_of(bob)
    running = job_of(program.owner, status=Job.Status.PROCESSING)
    waiting = job_of(program.owner)
    finished_job(program.owner)
    assert program.get("/recon/queue").json() == {
        "queued": 2,
        "running": 1,
        "max_concurrent": 2,
        "jobs": [
            {"job_id": str(running.pk), "status": "PROCESSING", "position": None},
            {"job_id": str(waiting.pk), "status": "PENDING", "position": 2},
        ],
    }


# --- Wrong methods and addresses ---


@pytest.mark.parametrize(
    ("method", "address", "allowed"),
    [
        ("put", "/recon/jobs", "GET, HEAD, POST"),
        ("delete", "/recon/jobs", "GET, HEAD, POST"),
        ("patch", "/recon/jobs/1", "DELETE"),
        ("get", "/recon/jobs/1/cancel", "POST"),
        ("put", "/recon/jobs/1/share", "POST"),
        ("delete", "/recon/jobs/1/files/spz", "GET, HEAD"),
        ("post", "/recon/queue", "GET, HEAD"),
        ("post", ADDRESSES[0], "GET, HEAD"),
        ("post", "/healthz", "GET, HEAD"),
    ],
)
def test_a_wrong_method_is_refused(client: Client, method: str, address: str, allowed: str) -> None:
    response = getattr(client, method)(address)
    assert is_error(response, 405, "not " + method.upper())
    assert response["Allow"] == allowed


@pytest.mark.parametrize("address", ["/recon/", "/recon/nothing", "/recon/jobs/"])
def test_an_unknown_address_is_json_too(client: Client, address: str) -> None:
    assert is_error(client.get(address), 404, "nothing at this address")
