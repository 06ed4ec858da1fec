"""Drafts through the API: one request per photo, by token."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from recon.jobs.drafts import drafts
from recon.models import Job
from recon.pipeline.config import from_dict
from tests.site.making import browser_of, finished_job, person, photo, photos, token_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("data_dir")]


class Program:
    """Calls the API with a token and nothing else."""

    def __init__(self, email: str = "ann@example.org") -> None:
        self.owner = person(email)
        self.client = Client(
            enforce_csrf_checks=True, headers={"Authorization": f"Bearer {token_of(self.owner)}"}
        )

    def draft(self, **wishes: Any) -> Job:
        response = self.client.post("/recon/drafts", wishes)
        assert response.status_code == 201
        return Job.objects.get(pk=response.json()["job_id"])

    def add(self, draft: Job, upload: Any) -> Any:
        return self.client.post(f"/recon/jobs/{draft.pk}/photos", {"file": upload})

    def start(self, draft: Job, **wishes: Any) -> Any:
        return self.client.post(f"/recon/jobs/{draft.pk}/start", wishes)


@pytest.fixture
def program() -> Program:
    return Program()


def is_error(response: Any, status: int, words: str) -> bool:
    assert response.status_code == status
    assert words in response.json()["detail"]
    return True


def test_a_program_makes_fills_and_starts_a_draft(program: Program) -> None:
    draft = program.draft(title="Fern", preset="high", final_refine="no")
    added = [program.add(draft, upload) for upload in photos(4)]
    assert [response.status_code for response in added] == [201] * 4
    first = draft.photos.first()
    assert added[0].json() == {
        "photo_id": first.pk,
        "name": "01_photo-00.jpg",
        "original_name": "photo 00.jpg",
        "sha256": first.sha256,
        "size": first.size,
        "width": 120,
        "height": 110,
    }
    gone = f"/recon/jobs/{draft.pk}/photos/{first.pk}"
    assert program.client.delete(gone).status_code == 204
    told = program.client.get(f"/recon/jobs/{draft.pk}/status").json()
    assert (told["status"], told["image_count"], told["viewer_url"]) == ("DRAFT", 3, None)
    assert told["photos"] == [response.json() for response in added[1:]]
    started = program.start(draft, cross_validate="true", share="true")
    draft.refresh_from_db()
    assert started.status_code == 200
    assert started.json() == {
        "job_id": str(draft.pk),
        "pub_key": draft.share.key,
        "original_resolution": False,
        "cross_validate": True,
        "shared": True,
    }
    assert (draft.status, draft.title, draft.wishes.preset) == ("PENDING", "Fern", "high")
    assert not from_dict(draft.config).export.final_refine, "wishes not sent stay"


@pytest.mark.parametrize(
    ("wish", "shared"), [({}, False), ({"share": "false"}, False), ({"share": "true"}, True)]
)
def test_a_draft_is_private_unless_a_program_asks_for_more(
    program: Program, wish: dict[str, str], shared: bool
) -> None:
    draft = program.draft()
    for upload in photos(3):
        program.add(draft, upload)
    told = program.start(draft, **wish).json()
    assert told["shared"] is shared
    assert Client().get(f"/v/{told['pub_key']}").status_code == (200 if shared else 404)
    status = program.client.get(f"/recon/jobs/{draft.pk}/status").json()
    assert (status["viewer_url"] is not None) is shared


def test_a_photo_sent_twice_is_the_same_photo(program: Program) -> None:
    draft = program.draft()
    first = program.add(draft, photo("a.jpg", seed=1))
    again = program.add(draft, photo("b.jpg", seed=1))
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()


def test_what_is_wrong_with_a_draft_is_said_with_a_fitting_status(
    program: Program, settings: Any
) -> None:
    settings.MAX_FILE_SIZE_MB, settings.MAX_DRAFTS = 1, 1
    draft = program.draft()
    assert is_error(program.client.post("/recon/drafts"), 409, "1 scene that has not been")
    broken = SimpleUploadedFile("broken.jpg", b"no photo")
    assert is_error(program.add(draft, broken), 400, "“broken.jpg” can't be read")
    large = SimpleUploadedFile("large.jpg", bytes(2**20 + 1))
    assert is_error(program.add(draft, large), 413, "larger than 1 MB")
    assert is_error(program.add(draft, []), 400, "Send one photo as `file`, not 0.")
    assert is_error(program.start(draft, preset="ultra"), 400, "ultra")
    assert is_error(program.start(draft, share="maybe"), 400, "share is either true or false")
    assert is_error(program.start(draft), 400, "There are no photos yet")
    gone = program.client.delete(f"/recon/jobs/{draft.pk}/photos/1")
    assert is_error(gone, 404, "no such photo")
    assert is_error(program.client.post("/recon/drafts", {"preset": "ultra"}), 400, "ultra")


def test_what_was_started_is_not_changed_any_more(program: Program) -> None:
    draft = program.draft()
    for upload in photos(3):
        program.add(draft, upload)
    program.start(draft)
    assert is_error(program.start(draft), 409, "already been started")
    assert is_error(program.add(draft, photo("late.jpg", seed=9)), 409, "already been started")
    first = f"/recon/jobs/{draft.pk}/photos/{draft.photos.first().pk}"
    assert is_error(program.client.delete(first), 409, "already been started")
    again = program.client.post(f"/recon/jobs/{draft.pk}/draft")
    assert is_error(again, 409, "not done yet")


def test_a_program_adds_photos_to_a_finished_job(program: Program) -> None:
    job = finished_job(program.owner)
    response = program.client.post(f"/recon/jobs/{job.pk}/draft")
    made = job.runs_again.get()
    assert response.status_code == 201
    assert response.json()["job_id"] == str(made.pk)
    assert program.add(made, photo("x.jpg", seed=9)).status_code == 201
    assert program.start(made).status_code == 200


def test_a_stranger_s_draft_is_not_there(program: Program) -> None:
    draft = drafts.create_draft(person("bob@example.org"))
    assert is_error(program.add(draft, photo()), 404, "have no such job")
    assert is_error(program.start(draft), 404, "have no such job")
    gone = program.client.delete(f"/recon/jobs/{draft.pk}/photos/1")
    assert is_error(gone, 404, "have no such job")
    assert not draft.photos.exists()


def test_a_session_needs_its_csrf_token(program: Program) -> None:
    draft = program.draft()
    program.add(draft, photo())
    browser = browser_of(program.owner, enforce_csrf_checks=True)
    photos_url = f"/recon/jobs/{draft.pk}/photos"
    for response in (
        browser.post("/recon/drafts"),
        browser.post(photos_url, {"file": photo("x.jpg")}),
        browser.delete(f"{photos_url}/{draft.photos.first().pk}"),
        browser.post(f"/recon/jobs/{draft.pk}/start"),
        browser.post(f"/recon/jobs/{draft.pk}/draft"),
    ):
        assert is_error(response, 403, "CSRF")
    assert draft.photos.count() == 1
