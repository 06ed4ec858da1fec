"""Photos that are already there are recognised by their digest and not sent again."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from recon.jobs import deletion
from recon.jobs.drafts import drafts, known_photos
from recon.jobs.folder import photo_files
from recon.models import Job, Photo
from recon.pipeline.errors import UserError
from tests.site.making import browser_of, person, photo, photo_bytes, photos, token_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("data_dir")]

JSON = {"Accept": "application/json"}


@pytest.fixture
def ann() -> User:
    return person()


@pytest.fixture
def draft(ann: User) -> Job:
    made = drafts.create_draft(ann)
    for upload in photos(3):
        drafts.add_photo(made, upload)
    return made


def digest(seed: int) -> str:
    return hashlib.sha256(photo_bytes(seed)).hexdigest()


def ask(browser: Client, draft: Job, seed: int, **fields: Any) -> Any:
    data = {"sha256": digest(seed), "name": "again.jpg", **fields}
    return browser.post(reverse("recon:known_photo", args=[draft.pk]), data, headers=JSON)


def test_a_photo_of_this_draft_is_answered_with_its_tile(ann: User, draft: Job) -> None:
    response = ask(browser_of(ann), draft, 1)
    assert response.status_code == 200
    assert response.json()["id"] == draft.photos.all()[1].pk
    assert "photo 01.jpg" in response.json()["tile"]
    assert draft.photos.count() == 3


def test_a_photo_that_nobody_sent_is_asked_for(ann: User, draft: Job) -> None:
    response = ask(browser_of(ann), draft, 50)
    assert (response.status_code, response.content) == (204, b"")


def test_a_photo_of_another_scene_of_mine_is_taken_over_without_its_bytes(
    ann: User, draft: Job
) -> None:
    fresh = drafts.create_draft(ann)
    response = ask(browser_of(ann), fresh, 2, number="4")
    assert response.status_code == 201
    taken, known = fresh.photos.get(), draft.photos.last()
    assert (taken.name, taken.original_name, taken.position) == ("04_again.jpg", "again.jpg", 4)
    assert (taken.sha256, taken.size) == (known.sha256, known.size)
    assert taken.path.read_bytes() == photo_bytes(2)
    assert taken.path.stat().st_ino == known.path.stat().st_ino
    deletion.delete(draft)
    assert taken.path.read_bytes() == photo_bytes(2)


def test_nobody_learns_whether_somebody_else_has_a_photo(draft: Job) -> None:
    bob = person("bob@example.org")
    of_bob = drafts.create_draft(bob)
    have, have_not = ask(browser_of(bob), of_bob, 1), ask(browser_of(bob), of_bob, 50)
    assert (have.status_code, have.content) == (have_not.status_code, have_not.content)
    assert have.headers.keys() == have_not.headers.keys()
    assert not of_bob.photos.exists()
    assert ask(browser_of(bob), draft, 1).status_code == 404
    assert ask(Client(), draft, 1).status_code == 401


def test_a_digest_beside_a_file_counts_for_nothing(ann: User, draft: Job) -> None:
    data = {"photos": [photo("liar.jpg", seed=60)], "sha256": digest(1)}
    where = reverse("recon:add_photos", args=[draft.pk])
    response = browser_of(ann).post(where, data, headers=JSON)
    assert response.status_code == 201
    assert response.json()["sha256"] == digest(60)
    assert draft.photos.last().sha256 == digest(60)


@pytest.mark.parametrize("wrong", ["", "x", "0" * 63, "G" * 64, "\0" * 64, "0" * 64])
def test_what_is_no_digest_of_ours_is_nothing(draft: Job, wrong: str) -> None:
    assert known_photos.add_known(draft, wrong, name="a.jpg") is None


def test_a_file_that_is_gone_must_be_sent_again(ann: User, draft: Job) -> None:
    draft.photos.last().path.unlink()
    fresh = drafts.create_draft(ann)
    assert known_photos.add_known(fresh, digest(2), name="a.jpg") is None
    assert not list(fresh.workspace.upload.iterdir())


def test_a_file_that_goes_at_that_very_moment_must_be_sent_again(
    ann: User, draft: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = photo_files.link

    def late(source: Any, path: Any, **more: Any) -> None:
        source.unlink()
        link(source, path, **more)

    monkeypatch.setattr(photo_files, "link", late)
    fresh = drafts.create_draft(ann)
    assert known_photos.add_known(fresh, digest(2), name="a.jpg") is None
    assert not fresh.photos.exists()


def test_the_limits_hold_for_photos_that_are_not_sent(ann: User, draft: Job, settings: Any) -> None:
    fresh = drafts.create_draft(ann)
    settings.MAX_PHOTOS = 3
    for seed in (60, 61):
        drafts.add_photo(fresh, photo("x.jpg", seed=seed))
    known_photos.add_known(fresh, digest(0), name="a.jpg")
    with pytest.raises(UserError) as caught:
        known_photos.add_known(fresh, digest(1), name="b.jpg")
    assert caught.value.code == "too_many_photos"
    assert ask(browser_of(ann), fresh, 1).status_code == 400
    settings.MAX_PHOTOS, settings.MAX_UPLOAD_SIZE_MB = 20, 0
    assert ask(browser_of(ann), fresh, 1).status_code == 413
    drafts.start(draft)
    assert ask(browser_of(ann), draft, 1).status_code == 409
    assert Photo.objects.filter(job=fresh).count() == 3


def test_a_program_sends_a_digest_first(ann: User, draft: Job) -> None:
    program = Client(headers={"Authorization": f"Bearer {token_of(ann)}"})
    fresh = drafts.create_draft(ann)
    where = f"/recon/jobs/{fresh.pk}/photos"
    taken = program.post(where, {"sha256": digest(0), "name": "a.jpg"})
    again = program.post(where, {"sha256": digest(0), "name": "a.jpg"})
    assert (taken.status_code, again.status_code) == (201, 200)
    assert taken.json() == again.json()
    assert taken.json()["sha256"] == digest(0)
    unknown = program.post(where, {"sha256": digest(70)})
    assert unknown.status_code == 404
    assert "send it as `file`" in unknown.json()["detail"]
