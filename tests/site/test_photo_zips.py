"""A zip of photos on the pages and in the API, and the camera positions that came with photos."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from accounts.models import User
from recon.jobs import submit
from recon.jobs.drafts import drafts, photo_zips, places
from recon.models import Job
from recon.pipeline.known_poses.placement import known_names
from tests.site.making import browser_of, person, photo, photo_bytes, photos, token_of
from tests.zips import bomb, transforms, zip_of

pytestmark = [pytest.mark.django_db(transaction=True)]

JSON = {"Accept": "application/json"}


@pytest.fixture
def ann(data_dir: Any, redis_queue: Any) -> User:
    return person()


@pytest.fixture
def draft(ann: User) -> Job:
    return drafts.create_draft(ann, title="Scan")


@pytest.fixture
def browser(ann: User) -> Client:
    return browser_of(ann)


@pytest.fixture
def program(ann: User) -> Client:
    return Client(headers={"Authorization": f"Bearer {token_of(ann)}"})


NAMES = [f"images/DSC {number}.JPG" for number in range(4)]
PICTURES = {name: photo_bytes(seed) for seed, name in enumerate(NAMES)}


def archive(files: dict[str, bytes] | None = None, name: str = "scan.zip") -> SimpleUploadedFile:
    content = zip_of(PICTURES | {"transforms.json": transforms(*NAMES)} if files is None else files)
    return SimpleUploadedFile(name, content, "application/zip")


def send(browser: Client, draft: Job, *files: Any, script: bool = True) -> Any:
    address = reverse("recon:add_photos", args=[draft.pk])
    headers = JSON if script else {"Accept": "text/html"}
    return browser.post(address, {"photos": list(files)}, headers=headers)


def test_a_zip_s_photos_are_the_draft_s_and_its_positions_are_shown(
    browser: Client, draft: Job
) -> None:
    response = send(browser, draft, archive())
    assert response.status_code == 201
    assert response.json() == {"unpacked": [photo.pk for photo in draft.photos.all()]}
    assert [photo.original_name for photo in draft.photos.all()] == [
        "DSC 0.JPG", "DSC 1.JPG", "DSC 2.JPG", "DSC 3.JPG",
    ]  # fmt: skip
    assert photo_zips.poses_of(draft) == {"found": 4, "total": 4}
    page = browser.get(draft.get_absolute_url()).content.decode()
    assert "Camera positions of 4 of 4 photos came with them" in page
    assert 'name="without_poses"' in page
    assert known_names(draft.workspace) == {
        photo.name: f"images/{photo.original_name}" for photo in draft.photos.all()
    }


def test_without_scripts_a_zip_comes_among_photos(browser: Client, draft: Job) -> None:
    response = send(browser, draft, photo("b.jpg"), archive(), script=False)
    assert response.status_code == 302
    assert draft.photos.count() == 5
    assert photo_zips.poses_of(draft) == {"found": 4, "total": 5}


def test_photos_and_their_positions_may_come_apart(browser: Client, draft: Job) -> None:
    for number, name in enumerate(NAMES):
        drafts.add_photo(draft, SimpleUploadedFile(name, photo_bytes(number)))
    send(browser, draft, archive({"sparse/transforms.json": transforms(*NAMES)}))
    assert photo_zips.poses_of(draft) == {"found": 4, "total": 4}
    late = SimpleUploadedFile("DSC 9.JPG", photo_bytes(9))
    added, _ = drafts.add_photo(draft, late)
    assert drafts.start(draft)
    assert known_names(draft.workspace)[added.name] == "DSC 9.JPG"


def test_whoever_does_not_want_the_positions_says_so(browser: Client, draft: Job) -> None:
    send(browser, draft, archive())
    wishes = {"title": "Scan", "preset": "quick", "without_poses": "on"}
    assert browser.post(reverse("recon:start", args=[draft.pk]), wishes).status_code == 302
    draft.refresh_from_db()
    assert draft.wishes.without_poses
    assert draft.config["mapping"]["use_pose_file"] is False


def test_they_are_used_unless_somebody_says_so(browser: Client, draft: Job) -> None:
    send(browser, draft, archive())
    browser.post(reverse("recon:start", args=[draft.pk]), {"preset": "quick"})
    draft.refresh_from_db()
    assert draft.config["mapping"]["use_pose_file"] is True


def test_positions_of_other_photos_are_said_to_be(browser: Client, draft: Job) -> None:
    send(browser, draft, archive(PICTURES | {"transforms.json": transforms("x", "y", "z")}))
    page = browser.get(draft.get_absolute_url()).content.decode()
    assert "they are of photos with other names" in page


BAD = {
    "bomb": (bomb(), "unpacks to more than"),
    "leads out": (zip_of({"../a.jpg": b"a"}), "leads out of it: “../a.jpg”"),
    "nested": (zip_of({"a.zip": zip_of({})}), "holds another zip"),
    "no photo": (zip_of({"a.txt": b"a"}), "There is no photo in “bad.zip”"),
    "a photo that is none": (zip_of({**PICTURES, "x.jpg": b"none"}), "“x.jpg” can't be read"),
    "cut off": (zip_of(PICTURES)[:3000], "can’t be read as a zip"),
    "broken positions": (
        zip_of({**PICTURES, "transforms.json": b"{"}),
        "The camera positions can’t be read: “transforms.json”",
    ),
    "unknown lens": (
        zip_of({**PICTURES, "cameras.txt": b"1 SPHERE 9 9 1\n", "images.txt": b"\n"}),
        "a lens model that can’t be used here: SPHERE",
    ),
}


@pytest.mark.parametrize("kind", BAD)
def test_what_is_wrong_with_a_zip_is_said_and_nothing_of_it_stays(
    kind: str, browser: Client, draft: Job
) -> None:
    content, words = BAD[kind]
    response = send(browser, draft, SimpleUploadedFile("bad.zip", content))
    assert response.status_code == 400
    assert words in " ".join(response.json()["errors"])
    assert not draft.photos.exists()
    assert not draft.workspace.poses.exists()


def test_a_zip_alone_makes_a_job(browser: Client, ann: User) -> None:
    """The plain form."""
    response = browser.post(reverse("recon:upload"), {"preset": "quick", "photos": [archive()]})
    assert response.status_code == 302
    job = Job.objects.get(owner=ann)
    assert (job.status, job.photos.count()) == (Job.Status.PENDING, 4)
    assert job.workspace.poses.is_dir()


def test_a_bad_zip_leaves_no_draft_behind(browser: Client, ann: User) -> None:
    sent = {"preset": "quick", "photos": [SimpleUploadedFile("bad.zip", bomb())]}
    response = browser.post(reverse("recon:upload"), sent)
    assert response.status_code == 400
    assert not Job.objects.filter(owner=ann).exists()


def test_a_program_sends_a_zip_or_positions_beside_photos(program: Client, ann: User) -> None:
    files = [SimpleUploadedFile(name, content) for name, content in PICTURES.items()]
    positions = SimpleUploadedFile("transforms.json", transforms(*NAMES))
    for sent in ({"files": [archive()]}, {"files": files, "poses": positions}):
        response = program.post("/recon/jobs", {"preset": "quick", **sent})
        assert response.status_code == 200, response.content
        job = Job.objects.get(pk=response.json()["job_id"])
        assert job.photos.count() == 4
        assert photo_zips.poses_of(job) == {"found": 4, "total": 4}
        job.delete()


def test_a_program_fills_a_draft_with_them(program: Client, draft: Job) -> None:
    address = f"/recon/jobs/{draft.pk}/photos"
    added = program.post(address, {"file": archive(PICTURES)})
    assert added.status_code == 201
    assert [one["original_name"] for one in added.json()["photos"]] == [
        name.rpartition("/")[2] for name in NAMES
    ]
    status = f"/recon/jobs/{draft.pk}/status"
    assert program.get(status).json()["poses"] is None
    model = zip_of({"scan/transforms.json": transforms(*NAMES)})
    answer = program.post(address, {"poses": SimpleUploadedFile("model.zip", model)})
    assert (answer.status_code, answer.json()) == (201, {"poses": 4})
    assert program.get(status).json()["poses"] == {"found": 4, "total": 4}
    wrong = program.post(address, {"poses": SimpleUploadedFile("notes.txt", b"")})
    assert wrong.status_code == 400
    assert "“notes.txt”" in wrong.json()["detail"]


def test_other_drafts_and_runs_of_the_photos_have_the_positions_too(ann: User, draft: Job) -> None:
    photo_zips.add_zip(draft, archive())
    parted = places.scene_of(draft, [one.pk for one in draft.photos.all()[:3]])
    assert photo_zips.poses_of(parted) == {"found": 3, "total": 3}
    Job.objects.filter(pk=parted.pk).update(status=Job.Status.FAILED)
    parted.refresh_from_db()
    for made in (submit.run_again(parted), drafts.draft_from(parted)):
        assert photo_zips.poses_of(made) == {"found": 3, "total": 3}


def test_positions_can_t_come_to_a_job_that_has_started(program: Client, ann: User) -> None:
    job = submit.create_job(ann, photos(3))
    positions = SimpleUploadedFile("transforms.json", transforms(*NAMES))
    answer = program.post(f"/recon/jobs/{job.pk}/photos", {"poses": positions})
    assert answer.status_code == 409
    assert not job.workspace.poses.exists()


def test_a_zip_may_be_as_large_as_all_photos_together(
    browser: Client, draft: Job, settings: Any
) -> None:
    content = zip_of(PICTURES)
    settings.MAX_FILE_SIZE_MB = max(map(len, PICTURES.values())) / 2**20
    assert len(content) / 2 / 2**20 > settings.MAX_FILE_SIZE_MB
    assert send(browser, draft, SimpleUploadedFile("a.zip", content)).status_code == 201
