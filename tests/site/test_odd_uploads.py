"""Odd photos and videos as uploads: refused with 400 by name, or accepted; never a 500."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from PIL import Image

from accounts.models import User
from recon.jobs.drafts import drafts
from recon.models import Job, Photo
from tests.faults import fault
from tests.odd_files import CR3, encoded, sphere, texture, tiff, with_chunk, with_segment
from tests.site.making import browser_of, person, photo_bytes, photos, token_of
from tests.videos import video_bytes

pytestmark = pytest.mark.django_db(transaction=True)

RAW = "Raw formats such as CR3, NEF, ARW and DNG can't be read here."
DNG = tiff({0xC612: (1, b"\1\4\0\0")})


@pytest.fixture
def ann(data_dir: Any, redis_queue: Any) -> User:
    return person()


@pytest.fixture
def draft(ann: User) -> Job:
    return drafts.create_draft(ann)


@pytest.fixture
def program(ann: User) -> Client:
    # What a worker process does with an exception that nobody expected: a page, and a 500.
    client = Client(headers={"Authorization": f"Bearer {token_of(ann)}"})
    client.raise_request_exception = False
    return client


def upload(name: str, content: bytes, declared: str = "image/jpeg") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content, declared)


def sent(program: Client, draft: Job, file: SimpleUploadedFile) -> Any:
    return program.post(f"/recon/jobs/{draft.pk}/photos", {"file": file})


def unknown_codec() -> bytes:
    film = [texture(place, (160, 120)) for place in range(3) for _ in range(10)]
    return video_bytes(film).replace(b"avc1", b"zz9q")


@pytest.mark.parametrize(
    ("name", "make", "declared", "said"),
    [
        ("IMG.CR3", lambda: CR3, "image/x-canon-cr3", RAW),
        ("IMG.mp4", lambda: CR3, "video/mp4", RAW),
        ("IMG.jpg", lambda: DNG, "image/jpeg", RAW),
        ("IMG.DNG", lambda: DNG, "image/x-adobe-dng", RAW),
        ("a.jpg", lambda: encoded(texture(), "TIFF"), "image/jpeg", "its format is TIFF."),
        ("a.pdf", lambda: b"%PDF-1.7", "application/pdf", "its format is PDF."),
        ("a.avi", lambda: b"RIFF\0\0\1\0AVI LIST", "video/x-msvideo", "its format is AVI."),
        ("a.jpg", lambda: encoded(sphere()), "image/jpeg", "is a 360-degree photo"),
        ("a.mp4", unknown_codec, "video/mp4", "can't be read as a video."),
        ("a.mp4", lambda: b"\0\0\0\x18ftypM4A \0\0\0\0M4A isom", "video/mp4", "as a video."),
        (
            "a.png",
            lambda: encoded(texture(), "PNG")[:9000],
            "image/png",
            "can't be read as a photo",
        ),
    ],
)
def test_an_odd_file_is_refused_by_name_everywhere(
    name: str, make: Any, declared: str, said: str, program: Client, draft: Job, ann: User
) -> None:
    content = make()
    api = sent(program, draft, upload(name, content, declared))
    assert api.status_code == 400
    assert said in api.json()["detail"]
    assert f"“{name}”" in api.json()["detail"]
    whole = program.post("/recon/jobs", {"files": [upload(name, content, declared), *photos(3)]})
    assert whole.status_code == 400
    assert said in whole.json()["detail"]
    page = browser_of(ann).post(
        reverse("recon:add_photos", args=[draft.pk]), {"photos": [upload(name, content, declared)]}
    )
    assert page.status_code == 400
    assert not Photo.objects.exists()
    assert Job.objects.count() == 1


@pytest.mark.parametrize(
    "path",
    ["unknown_codec/unknown_codec.mp4", "equirect/equirect/photo_01.jpg"],
)
def test_the_files_that_failed_are_refused_with_400(path: str, program: Client, draft: Job) -> None:
    file = fault(path)
    declared = "video/mp4" if path.endswith("mp4") else "image/jpeg"
    answer = sent(program, draft, upload(file.name, file.read_bytes(), declared))
    assert answer.status_code == 400
    assert "360-degree" in answer.json()["detail"] or "video" in answer.json()["detail"]


@pytest.mark.parametrize("name", ["bad_rawprofile.png", "bigtext.png", "zeroed_exif.webp"])
def test_sound_photos_with_broken_metadata_are_taken_and_shown(
    name: str, program: Client, draft: Job
) -> None:
    file = fault("bad_metadata") / name
    assert sent(program, draft, upload(name, file.read_bytes())).status_code == 201
    shows_its_thumb(draft)


@pytest.mark.parametrize(
    "content",
    [
        with_chunk(encoded(texture(), "PNG"), b"zTXt", b"k\0\0no text"),
        with_segment(encoded(texture()), 0xE1, b"Exif\0\0" + bytes(50)),
        with_segment(encoded(texture()), 0xE2, b"MPF\0MM"),
    ],
    ids=["PNG", "EXIF", "MPF"],
)
def test_so_are_others_of_the_kind(content: bytes, program: Client, draft: Job) -> None:
    assert sent(program, draft, upload("a.png", content)).status_code == 201
    shows_its_thumb(draft)


def shows_its_thumb(draft: Job) -> None:
    photo = draft.photos.get()
    shown = browser_of(draft.owner).get(reverse("recon:thumb", args=[draft.pk, photo.name]))
    assert shown.status_code == 200
    with Image.open(io.BytesIO(b"".join(shown.streaming_content))) as image:
        assert max(image.size) == 320


@pytest.mark.parametrize("spooled", [True, False])
@pytest.mark.parametrize(
    "name",
    [
        "no-suffix", "a.jfif", "a.jpe", "x" * 255, "x" * 251 + ".jpg", "a." + "b" * 250, "사" * 85,
        "사" * 83 + ".jpg", "a." + "é" * 126, "." + "é" * 120, "\U0001f600" * 62 + ".jpg",
        "사" * 400,
    ],
)  # fmt: skip
def test_a_photo_of_any_name_is_taken(
    name: str, spooled: bool, program: Client, draft: Job, settings: Any
) -> None:
    settings.FILE_UPLOAD_MAX_MEMORY_SIZE = 100 if spooled else 10**6
    answer = sent(program, draft, upload(name, photo_bytes(1)))
    assert answer.status_code == 201
    assert answer.json()["original_name"][:20] == name[:20]
    assert Path(draft.photos.get().path).is_file()


def test_an_odd_file_leaves_the_others_their_place(program: Client, draft: Job) -> None:
    assert sent(program, draft, upload("a.jpg", photo_bytes(1))).status_code == 201
    assert sent(program, draft, upload("b.cr3", CR3)).status_code == 400
    assert sent(program, draft, upload("c.jpg", photo_bytes(2))).status_code == 201
    assert draft.photos.count() == 2
