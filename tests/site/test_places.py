"""Photos of two places in one set: a scene for each with one click, and nothing is lost."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from PIL import Image

from recon.jobs.drafts import drafts, places
from recon.models import Job, Photo
from recon.pipeline.errors import UserError
from recon.pipeline.photo_check.report import CheckReport
from recon.poses.photo_check import colours
from recon.poses.photo_check.findings import Finding
from tests.site.making import browser_of, job_of, person, photo
from tests.site.matching import two_places

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("data_dir")]


def scene_url(job: Job, number: int = 1) -> str:
    return reverse("recon:scene_of", args=[job.pk, number])


def keys(photos: list[Photo]) -> str:
    return " ".join(str(one.pk) for one in photos)


def names(job: Job) -> list[str]:
    return [one.original_name for one in job.photos.all()]


@pytest.fixture
def draft(data_dir: Path) -> Job:
    """Seven photos, and a check that says the last three show another place."""
    made = drafts.create_draft(person(), title="Trip")
    for name in "abcdefg":
        drafts.add_photo(made, photo(f"{name}.jpg"))
    files = [one.name for one in made.photos.all()]
    places = (tuple(files[:4]), tuple(files[4:]))
    split = Finding("split", tuple(files), {"groups": places})
    report = CheckReport(
        sent=tuple(files), photos=(), pairs=(), groups=places, findings=(split,), complete=True
    )
    report.write(made.workspace.check)
    return made


def test_a_draft_of_two_places_offers_a_scene_of_each(draft: Job) -> None:
    page = browser_of(draft.owner).get(draft.get_absolute_url()).content.decode()
    assert "These look like 2 places: photos 1 to 4 and photos 5 to 7." in page
    assert "between" not in page[page.index("These look like") :][:300]
    photos = list(draft.photos.all())
    for number, place in ((1, photos[:4]), (2, photos[4:])):
        assert f'formaction="{scene_url(draft, number)}"' in page
        assert f'name="photos" value="{keys(place)}"' in page
    assert "Make a scene of photos 5 to 7" in page


def test_endless_lists_of_photos_are_no_question_for_the_database(draft: Job) -> None:
    """SQLite accepts 250,000 values at most, so the site answered 503."""
    endless = " ".join(str(number) for number in range(10**6, 10**6 + 260_000))
    answer = browser_of(draft.owner).post(scene_url(draft), {"photos": endless})
    assert answer.status_code == 409
    assert draft.photos.count() == 7


def test_a_place_leaves_the_draft_for_one_of_its_own(
    draft: Job, django_capture_on_commit_callbacks: Any
) -> None:
    browser = browser_of(draft.owner)
    moved = list(draft.photos.all())[4:]
    with django_capture_on_commit_callbacks(execute=True):
        response = browser.post(scene_url(draft, 2), {"photos": keys(moved)})
    made = Job.objects.exclude(pk=draft.pk).get()
    assert response["Location"] == made.get_absolute_url()
    assert (made.status, made.title, made.owner) == ("DRAFT", "Trip 2", draft.owner)
    assert (names(draft), names(made)) == (["a.jpg", "b.jpg", "c.jpg", "d.jpg"],
                                           ["e.jpg", "f.jpg", "g.jpg"])  # fmt: skip
    assert all(one.path.is_file() for job in (draft, made) for one in job.photos.all())
    assert not any(one.path.exists() for one in moved), "their files went along"
    assert "still in “Trip”" in browser.get(made.get_absolute_url()).content.decode()
    added, _ = drafts.add_photo(made, photo("h.jpg"))
    assert added.name == "08_h.jpg", "no name is given twice"
    again = browser.post(scene_url(draft, 2), {"photos": keys(moved)}, follow=True)
    assert "These photos are not in this scene any more." in again.content.decode()
    assert Job.objects.count() == 2
    assert drafts.start(made)


def test_two_places_fit_where_the_account_is_full(draft: Job, settings: Any) -> None:
    settings.QUOTA_STORED_MB = 1
    Photo.objects.filter(job=draft).update(size=2**20 // 7)
    places.scene_of(draft, [one.pk for one in draft.photos.all()][4:])
    assert draft.photos.count() == 4


@pytest.mark.parametrize("status", ["FAILED", "COMPLETED"])
def test_a_job_that_has_ended_offers_a_scene_of_each_place(status: str) -> None:
    job = two_places(person(), status=status, step="COLMAP_MAP", title="Trip", registered=3,
                     error_code="internal" if status == "FAILED" else "")  # fmt: skip
    browser = browser_of(job.owner)
    page = browser.get(job.get_absolute_url()).content.decode()
    assert page.count("These look like 2 places: photos 1 to 3 and photos 4 and 5.") == 1
    assert "Make a scene of photos 4 and 5" in page
    assert "It needs 1 more photo." in page
    assert ("Make a scene of photos 1 to 3" in page) == (status == "FAILED"), "it already exists"
    assert page.index("Make a scene of") < page.index("How the photos overlap")
    place = list(job.photos.all())[3:]
    browser.post(scene_url(job, 2), {"photos": keys(place)})
    made = Job.objects.exclude(pk=job.pk).get()
    assert (names(made), made.photos_from) == (["garden 3.jpg", "garden 4.jpg"], job)
    assert job.photos.count() == 5, "they stay there, too"


def test_what_looks_alike_is_not_called_two_places() -> None:
    job = two_places(person(), status="FAILED", step="COLMAP_MAP", error_code="internal")
    for one in job.photos.all():
        Image.new("RGB", (32, 24), "darkred").save(one.thumb_path)
    page = browser_of(job.owner).get(job.get_absolute_url()).content.decode()
    assert "These look like" not in page
    assert "2 groups that have nothing in common: photos 1 to 3 and photos 4 and 5." in page
    assert "Make a scene of photos 4 and 5" in page


def test_small_pictures_are_looked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    job = two_places(person(), status="FAILED", step="COLMAP_MAP", error_code="internal")
    browser, looked_at, real = browser_of(job.owner), [], colours.histogram

    def counted(picture: Image.Image) -> Any:
        looked_at.append(picture)
        return real(picture)

    monkeypatch.setattr(colours, "histogram", counted)
    for _ in range(2):
        assert "These look like 2 places" in browser.get(job.get_absolute_url()).content.decode()
        assert len(looked_at) == 5
    for one in job.photos.all():
        Image.new("RGB", (48, 24), "darkred").save(one.thumb_path)
    assert "These look like" not in browser.get(job.get_absolute_url()).content.decode()
    assert len(looked_at) > 5, "they have changed"


@pytest.mark.parametrize("sent", ["", "x", "1 -2", "9" * 30])
def test_no_photos_no_scene(draft: Job, sent: str) -> None:
    response = browser_of(draft.owner).post(scene_url(draft), {"photos": sent})
    assert response.status_code == 409
    assert Job.objects.count() == 1
    assert [path.name for path in draft.folder.parent.iterdir()] == [str(draft.pk)]


def test_a_running_job_s_photos_are_not_taken() -> None:
    job = job_of(person(), status=Job.Status.PROCESSING)
    with pytest.raises(UserError) as caught:
        places.scene_of(job, [job.photos.first().pk])
    assert caught.value.code == "not_ended"


def test_photos_of_others_are_not_taken(draft: Job) -> None:
    bob = job_of(person("bob@example.org"), status=Job.Status.DRAFT)
    response = browser_of(bob.owner).post(scene_url(bob), {"photos": keys(draft.photos.all())})
    assert response.status_code == 409
    assert draft.photos.count() == 7
    assert browser_of(bob.owner).post(scene_url(draft), {"photos": "1"}).status_code == 404
    assert Client().post(scene_url(draft), {"photos": "1"}).status_code == 302
    assert browser_of(draft.owner).get(scene_url(draft)).status_code == 302
