"""Files out: names, ranges, validators, and small pictures of photos."""

from __future__ import annotations

import io
import os
from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from PIL import Image

from recon.models import Artifact, Job
from tests.site.making import (
    FILES,
    ORIENTATION,
    browser_of,
    exif_with_gps,
    finished_job,
    job_of,
    person,
    photo_bytes,
    supporter,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("data_dir")]

SPLAT = FILES["splat"][1]


@pytest.fixture
def job() -> Job:
    return finished_job(person())


@pytest.fixture
def browser(job: Job) -> Client:
    return browser_of(job.owner)


def at(job: Job, kind: str = "splat") -> str:
    return reverse("recon:file", args=(job.pk, kind))


def body(response: Any) -> bytes:
    return b"".join(response.streaming_content) if response.streaming else response.content


@pytest.mark.parametrize("kind", FILES)
def test_the_owner_gets_every_kind_of_file(job: Job, browser: Client, kind: str) -> None:
    response = browser.get(at(job, kind))
    assert response.status_code == 200
    assert body(response) == FILES[kind][1]
    assert response["Content-Length"] == str(len(FILES[kind][1]))
    assert response["Accept-Ranges"] == "bytes"


@pytest.mark.parametrize("kind", FILES)
def test_nobody_else_gets_a_file(job: Job, client: Client, kind: str) -> None:
    assert browser_of(person("bob@example.org")).get(at(job, kind)).status_code == 404
    assert client.get(at(job, kind)).status_code == 302


def test_staff_get_files_too(job: Job) -> None:
    staff = supporter()
    assert browser_of(staff).get(at(job)).status_code == 200


def test_a_download_is_named_after_the_title(job: Job, browser: Client) -> None:
    named = browser.get(at(job, "scene_ply"))["Content-Disposition"]
    assert named == 'attachment; filename="fern-in-the-hall.ply"'
    assert "fern-in-the-hall.splat" in browser.get(at(job))["Content-Disposition"]
    assert "fern-in-the-hall.spz" in browser.get(at(job, "spz"))["Content-Disposition"]
    assert "fern-in-the-hall-colmap.zip" in browser.get(at(job, "colmap"))["Content-Disposition"]
    for kind, ending in (("poster", "jpg"), ("turntable", "mp4")):
        shown = browser.get(at(job, kind))["Content-Disposition"]
        assert shown == f'inline; filename="fern-in-the-hall.{ending}"'


@pytest.mark.parametrize(
    ("kind", "media_type"),
    [
        ("spz", "application/octet-stream"),
        ("turntable", "video/mp4"),
        ("colmap", "application/zip"),
        ("poster", "image/jpeg"),
    ],
)
def test_a_file_says_what_it_is(job: Job, browser: Client, kind: str, media_type: str) -> None:
    assert browser.get(at(job, kind))["Content-Type"] == media_type


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("", 'filename="scene-from-30-nov-2026-1405.splat"'),
        ("!?", 'filename="scene.splat"'),
        ('a"b\r\n../c', 'filename="ab-c.splat"'),
        ("Zürich", "filename*=utf-8''z%C3%BCrich.splat"),
    ],
)
def test_a_download_has_a_safe_name(job: Job, browser: Client, title: str, name: str) -> None:
    made = datetime(2026, 11, 30, 14, 5, tzinfo=UTC)
    Job.objects.update(title=title, created_at=made)
    assert name in browser.get(at(job))["Content-Disposition"]


def test_an_unknown_kind_is_not_there(job: Job, browser: Client) -> None:
    assert browser.get(at(job, "database.db")).status_code == 404
    assert browser.get(at(job) + "/../../upload").status_code == 404


def test_a_file_that_is_gone_says_so_in_words(job: Job, browser: Client) -> None:
    Artifact.objects.get(kind="splat").file.unlink()
    response = browser.get(at(job))
    assert response.status_code == 404
    assert "This file is not there" in response.content.decode()


def test_a_path_out_of_the_jobs_folder_is_refused(job: Job, browser: Client, data_dir: Any) -> None:
    (data_dir / "secret").write_text("key")
    Artifact.objects.filter(kind="splat").update(path="../../secret")
    assert browser.get(at(job)).status_code == 404


def test_a_link_out_of_the_jobs_folder_is_refused(job: Job, browser: Client, data_dir: Any) -> None:
    (data_dir / "secret").write_text("key")
    file = Artifact.objects.get(kind="splat").file
    file.unlink()
    file.symlink_to(data_dir / "secret")
    assert browser.get(at(job)).status_code == 404


def test_a_job_that_is_not_done_offers_no_files(job: Job, browser: Client) -> None:
    Job.objects.update(status=Job.Status.PROCESSING)
    assert browser.get(at(job)).status_code == 404


# --- Ranges, RFC 9110 section 14 ---


@pytest.mark.parametrize(
    ("asked", "start", "stop"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=10-19", 10, 20),
        ("bytes=1000-", 1000, 1024),
        ("bytes=1000-9999", 1000, 1024),
        ("bytes=-24", 1000, 1024),
        ("bytes=-9999", 0, 1024),
    ],
)
def test_a_range_is_answered_with_that_part(
    job: Job, browser: Client, asked: str, start: int, stop: int
) -> None:
    response = browser.get(at(job), headers={"Range": asked})
    assert response.status_code == 206
    assert body(response) == SPLAT[start:stop]
    assert response["Content-Range"] == f"bytes {start}-{stop - 1}/1024"
    assert response["Content-Length"] == str(stop - start)


@pytest.mark.parametrize("asked", ["bytes=1024-", "bytes=5000-6000", "bytes=-0"])
def test_a_range_outside_the_file_is_refused(job: Job, browser: Client, asked: str) -> None:
    response = browser.get(at(job), headers={"Range": asked})
    assert response.status_code == 416
    assert response["Content-Range"] == "bytes */1024"


@pytest.mark.parametrize(
    "asked",
    ["bytes=-", "bytes=9-2", "bytes=a-b", "lines=1-2", "bytes=0-1,4-5", "bytes=1", "0-5"],
)
def test_what_makes_no_single_range_gets_the_whole(job: Job, browser: Client, asked: str) -> None:
    response = browser.get(at(job), headers={"Range": asked})
    assert response.status_code == 200
    assert body(response) == SPLAT


def test_a_range_of_an_older_version_gets_the_whole(job: Job, browser: Client) -> None:
    first = browser.get(at(job))
    part = {"Range": "bytes=0-9"}
    for mark in (first["ETag"], first["Last-Modified"]):
        assert browser.get(at(job), headers=part | {"If-Range": mark}).status_code == 206
    for mark in ('"another"', "Wed, 21 Oct 2015 07:28:00 GMT", "nonsense"):
        assert browser.get(at(job), headers=part | {"If-Range": mark}).status_code == 200


# --- Validators ---


def test_an_unchanged_file_is_not_sent_again(job: Job, browser: Client) -> None:
    first = browser.get(at(job))
    for header in (
        {"If-None-Match": first["ETag"]},
        {"If-Modified-Since": first["Last-Modified"]},
    ):
        response = browser.get(at(job), headers=header)
        assert response.status_code == 304
        assert body(response) == b""
        assert response["ETag"] == first["ETag"]
        assert "no-cache" in response["Cache-Control"]


def test_a_changed_file_is_sent_again(job: Job, browser: Client) -> None:
    first = browser.get(at(job))
    file = Artifact.objects.get(kind="splat").file
    file.write_bytes(b"another scene")
    os.utime(file, (1, 1))
    response = browser.get(at(job), headers={"If-None-Match": first["ETag"]})
    assert response.status_code == 200
    assert body(response) == b"another scene"


def test_head_tells_the_size_without_the_file(job: Job, browser: Client) -> None:
    response = browser.head(at(job), headers={"Range": "bytes=0-9"})
    assert response.status_code == 200
    assert response["Content-Length"] == "1024"
    assert body(response) == b""


def test_files_are_only_read(job: Job, browser: Client) -> None:
    assert browser.post(at(job)).status_code == 405


# --- Small pictures of photos ---


def picture_of(browser: Client, job: Job, name: str) -> Image.Image:
    response = browser.get(reverse("recon:thumb", args=(job.pk, name)))
    assert response.status_code == 200
    assert response["Content-Type"] == "image/jpeg"
    image = Image.open(io.BytesIO(body(response)))
    image.load()
    return image


def test_a_small_picture_is_upright_and_free_of_metadata(job: Job, browser: Client) -> None:
    sideways = photo_bytes(5, (800, 600), exif=exif_with_gps(orientation=6), quality=90)
    (job.workspace.upload / "000.jpg").write_bytes(sideways)
    image = picture_of(browser, job, "000.jpg")
    assert image.size == (240, 320)
    assert not image.getexif()
    assert ORIENTATION not in image.getexif()
    assert "exif" not in image.info


@pytest.mark.parametrize(("kind", "mode"), [("PNG", "RGBA"), ("PNG", "P"), ("WEBP", "RGB")])
def test_small_pictures_are_made_of_every_format(
    job: Job, browser: Client, kind: str, mode: str
) -> None:
    image = Image.open(io.BytesIO(photo_bytes(5))).convert(mode)
    image.save(job.workspace.upload / "000.jpg", kind)
    assert picture_of(browser, job, "000.jpg").mode == "RGB"


def test_a_small_picture_is_made_once(job: Job, browser: Client) -> None:
    picture_of(browser, job, "000.jpg")
    (job.workspace.upload / "000.jpg").unlink()
    picture_of(browser, job, "000.jpg")


def test_a_missing_photo_has_no_picture(job: Job, browser: Client) -> None:
    (job.workspace.upload / "000.jpg").unlink()
    for name in ("000.jpg", "nothing.jpg", "..%2f000.jpg"):
        assert browser.get(f"/jobs/{job.pk}/photos/{name}").status_code == 404


def test_a_photo_that_broke_on_the_disk_has_no_picture(job: Job, browser: Client) -> None:
    (job.workspace.upload / "000.jpg").write_bytes(b"broken")
    assert browser.get(reverse("recon:thumb", args=(job.pk, "000.jpg"))).status_code == 404


def test_pictures_of_photos_are_for_their_owner(client: Client) -> None:
    job = job_of(person(), shared=True)
    address = reverse("recon:thumb", args=(job.pk, "000.jpg"))
    assert browser_of(job.owner).get(address).status_code == 200
    assert browser_of(person("bob@example.org")).get(address).status_code == 404
    assert client.get(address).status_code == 302
