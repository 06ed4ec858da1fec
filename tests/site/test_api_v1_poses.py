"""Camera positions by API v1 and the client: sent to a draft, looked at, taken out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from recon.client import Client, NotThere, Wishes, WrongUse, pose_files
from recon.jobs import submit
from recon.jobs.drafts import photo_zips
from recon.models import Job
from recon.poses.pose_files import finding
from tests.site.client_site import photo_folder
from tests.site.making import person, photo_bytes, photos, token_of
from tests.site.v1 import Program, is_problem, wrong_fields
from tests.zips import bomb, transforms, zip_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("data_dir", "redis_queue")]

NAMES = [f"photo {number:02}.jpg" for number in range(3)]
TEXT_MODEL = {
    "cameras.txt": b"1 PINHOLE 120 110 100 100 60 55\n",
    "images.txt": b"".join(
        f"{n} 1 0 0 0 {n} 0 0 1 {name}\n\n".encode() for n, name in enumerate(NAMES)
    ),
}


@pytest.fixture
def program() -> Program:
    return Program(person())


@pytest.fixture
def draft(program: Program) -> Job:
    made = program.draft()
    for number, name in enumerate(NAMES):
        one = SimpleUploadedFile(name, photo_bytes(number))
        assert program.upload(f"/jobs/{made.pk}/photos", file=one).status_code == 201
    return made


def give(program: Program, draft: Job, **files: bytes) -> Any:
    """`files` by their names, with `_` for the dot."""
    sent = [SimpleUploadedFile(name.replace("_", "."), one) for name, one in files.items()]
    return program.upload(f"/jobs/{draft.pk}/poses", files=sent)


def named(model: dict[str, bytes]) -> dict[str, bytes]:
    return {name.replace(".", "_"): content for name, content in model.items()}


@pytest.mark.parametrize(
    ("files", "read"),
    [
        ({"transforms_json": transforms(*NAMES)}, ["transforms.json"]),
        (named(TEXT_MODEL), ["cameras.txt", "images.txt"]),
        ({"model_zip": zip_of({f"sparse/0/{n}": c for n, c in TEXT_MODEL.items()})},
         ["cameras.txt", "images.txt"]),
    ],
)  # fmt: skip
def test_they_are_sent_looked_at_and_taken_out(
    program: Program, draft: Job, files: dict[str, bytes], read: list[str]
) -> None:
    address = f"/jobs/{draft.pk}/poses"
    assert is_problem(program.get(address), 404, "no_poses")
    sent = give(program, draft, **files)
    assert sent.status_code == 201, sent.content
    told = sent.json()
    assert told == {
        "files": read, "listed": 3, "found": 3, "total": 3, "lacking": [], "used": True,
    }  # fmt: skip
    assert program.get(address).json() == told
    assert program.send("DELETE", address).status_code == 204
    assert is_problem(program.get(address), 404, "no_poses")
    assert is_problem(program.send("DELETE", address), 404, "no_poses")


def test_later_ones_take_the_place_of_earlier_ones(program: Program, draft: Job) -> None:
    give(program, draft, **named(TEXT_MODEL))
    told = give(program, draft, transforms_json=transforms(NAMES[1], "x", "y", "z")).json()
    assert (told["files"], told["listed"]) == (["transforms.json"], 4)
    assert (told["found"], told["lacking"]) == (1, [NAMES[0], NAMES[2]])


@pytest.mark.parametrize(
    ("files", "status", "code"),
    [
        ({"transforms_json": b"{"}, 400, "poses_unreadable"),
        ({"notes_txt": b"none"}, 400, "poses_unreadable"),
        ({"images_txt": TEXT_MODEL["images.txt"]}, 400, "poses_unreadable"),
        ({"model_zip": zip_of({"a.txt": b"a"})}, 400, "zip_without_photos"),
        ({"model_zip": bomb("images.bin")}, 400, "zip_too_large"),
        ({**named(TEXT_MODEL), "cameras_txt": b"1 SPHERE 9 9 1\n"}, 400, "poses_unknown_camera"),
        ({"transforms_json": b" " * (9 * 2**20)}, 400, "poses_too_large"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_and_what_was_there_stays(
    program: Program, draft: Job, files: dict[str, bytes], status: int, code: str
) -> None:
    before = give(program, draft, transforms_json=transforms(*NAMES)).json()
    assert is_problem(give(program, draft, **files), status, code)
    assert program.get(f"/jobs/{draft.pk}/poses").json() == before


def test_files_that_are_too_large_together_are_not_read(
    program: Program, draft: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(photo_zips, "MOST_BYTES", 100)
    assert is_problem(give(program, draft, **named(TEXT_MODEL)), 400, "poses_too_large")


def test_no_file_is_a_wrong_field(program: Program, draft: Job) -> None:
    assert wrong_fields(give(program, draft)) == {"files"}


def test_a_job_that_has_started_keeps_its_own(program: Program, draft: Job) -> None:
    give(program, draft, transforms_json=transforms(*NAMES))
    assert program.post(f"/jobs/{draft.pk}/start", {"without_poses": True}).status_code == 202
    assert is_problem(give(program, draft, transforms_json=transforms("a")), 409, "draft_started")
    address = f"/jobs/{draft.pk}/poses"
    assert is_problem(program.send("DELETE", address), 409, "draft_started")
    told = program.get(address).json()
    assert (told["found"], told["used"]) == (3, False)


def test_nobody_else_sees_or_changes_them(program: Program, draft: Job) -> None:
    give(program, draft, transforms_json=transforms(*NAMES))
    other = Program(person("eve"))
    address = f"/jobs/{draft.pk}/poses"
    assert is_problem(other.get(address), 404, "no_such_job")
    assert is_problem(other.send("DELETE", address), 404, "no_such_job")
    assert is_problem(give(other, draft, transforms_json=transforms("a")), 404, "no_such_job")


def test_a_new_job_takes_them_beside_its_photos_or_in_a_zip(program: Program) -> None:
    names = [one.name for one in photos(3)]
    model = SimpleUploadedFile("transforms.json", transforms(*names))
    together = SimpleUploadedFile(
        "a.zip",
        zip_of({**{name: photo_bytes(n) for n, name in enumerate(names)},
                "transforms.json": transforms(*names)}),
    )  # fmt: skip
    for sent in ({"files": photos(3), "poses": model}, {"files": [together]}):
        made = program.upload("/jobs", **sent)
        assert made.status_code == 202, made.content
        job = made.json()["job"]
        assert job["status"] == "PENDING"
        assert program.get(f"/jobs/{job['job_id']}/poses").json()["found"] == 3


# The client.


@pytest.fixture
def site(live_server: Any, settings: Any, data_dir: Path) -> Any:
    settings.BASE_URL = live_server.url
    with Client(live_server.url, token_of(person())) as client:
        yield client


def model_at(folder: Path) -> Path:
    (folder / "sparse" / "0").mkdir(parents=True)
    for name, content in TEXT_MODEL.items():
        (folder / "sparse" / "0" / name).write_bytes(content)
    return folder


@pytest.mark.django_db(transaction=True)
def test_the_client_sends_photos_with_their_positions(site: Client, tmp_path: Path) -> None:
    photos = photo_folder(tmp_path / "photos", 3)
    draft = site.upload(photos, poses=model_at(tmp_path / "model"), start=False)
    assert site.poses(draft.job_id).found == 3
    site.drop_poses(draft.job_id)
    site.drop_poses(draft.job_id)  # an answer may have been lost
    with pytest.raises(NotThere):
        site.poses(draft.job_id)
    model = tmp_path / "my cameras.json"
    model.write_bytes(transforms(*NAMES[:2]))
    assert site.set_poses(draft.job_id, model).lacking == [NAMES[2]]
    job = site.start(draft.job_id, wishes=Wishes(without_poses=True))
    assert not site.poses(job.job_id).used


def test_the_client_finds_a_model_as_the_core_does(tmp_path: Path) -> None:
    assert pose_files.PLACES == finding._PLACES
    assert set(pose_files.find(model_at(tmp_path))) == {"cameras.txt", "images.txt"}
    (tmp_path / "transforms.json").write_bytes(b"")
    assert set(pose_files.find(tmp_path)) == {"cameras.txt", "images.txt"}
    (tmp_path / "a").mkdir()
    with pytest.raises(WrongUse, match="no camera positions"):
        pose_files.find(tmp_path / "a")


def test_positions_of_a_retried_job_come_along(program: Program, draft: Job) -> None:
    give(program, draft, transforms_json=transforms(*NAMES))
    Job.objects.filter(pk=draft.pk).update(status=Job.Status.FAILED)
    draft.refresh_from_db()
    again = submit.run_again(draft)
    assert program.get(f"/jobs/{again.pk}/poses").json()["found"] == 3
