"""Photos in: what the upload page accepts, what it refuses, and in which words."""

from __future__ import annotations

import errno
import re
import shutil
import struct
import zlib
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from recon.jobs import queue
from recon.models import Job
from recon.pipeline.photos import file_kinds, media
from tests.photos import rendered_photos
from tests.site.making import (
    browser_of,
    exif_with_gps,
    person,
    photo,
    photo_bytes,
    photos,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def browser(data_dir: Any) -> Client:
    return browser_of(person())


def send(browser: Client, files: list[Any], *, json: bool = False, **fields: Any) -> Any:
    headers = {"Accept": "application/json"} if json else {"Accept": "text/html"}
    return browser.post(reverse("recon:upload"), {"photos": files, **fields}, headers=headers)


def errors(response: Any) -> str:
    """All the form's errors, as one text."""
    return " ".join(response.context["form"].sentences)


def png_declaring(width: int, height: int) -> bytes:
    """A tiny PNG whose header declares that many pixels: a decompression bomb."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = zlib.compress(b"\0" * 1000)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    )


def test_the_form_says_what_it_takes(browser: Client) -> None:
    response = browser.get(reverse("recon:upload"))
    assert response.status_code == 200
    assert (
        response.context["limits"].items()
        >= {
            "min_photos": 3,
            "max_photos": 20,
            "max_file_mb": 30,
            "max_total_mb": 500,
            "max_video_mb": 200,
            "min_side": 100,
        }.items()
    )


def test_the_page_offers_and_checks_the_kinds_of_files_that_the_server_knows(
    browser: Client,
) -> None:
    """One list of each kind: what the server accepts is never refused by a script."""
    page = browser.get(reverse("recon:upload")).content.decode()
    accepted = re.search(r'id="photos" multiple accept="([^"]*)"', page)
    assert accepted
    photos = [*media.PHOTO_TYPES, *media.PHOTO_SUFFIXES]
    videos = [*media.VIDEO_TYPES, *media.VIDEO_SUFFIXES]
    zips = [*media.ZIP_TYPES, *media.ZIP_SUFFIXES]
    assert accepted[1].split(",") == photos + videos + zips
    kinds = {"photo": photos, "video": videos, "raw": list(file_kinds.RAW_SUFFIXES), "zip": zips}
    for name, wanted in kinds.items():
        assert f'data-{name}-kinds="{",".join(wanted)}"' in page
    for script in Path("static/js").rglob("*.js"):
        assert not re.search(r"jfif|m4v|\bnef\b", script.read_text()), f"a list in {script}"


def test_strangers_are_sent_to_the_sign_in_page(client: Client) -> None:
    response = client.get(reverse("recon:upload"))
    assert response.status_code == 302
    assert response["Location"] == f"{reverse('accounts:sign_in')}?next=/jobs/new/"


def test_a_strangers_photos_are_not_taken(client: Client, data_dir: Any) -> None:
    assert send(client, photos(3)).status_code == 302
    assert send(client, photos(3), json=True).status_code == 401
    assert not Job.objects.exists()


def test_three_photos_make_a_private_job(browser: Client) -> None:
    response = send(browser, photos(3), title=" Fern ", preset="high", original_resolution="on")
    job = Job.objects.get()
    assert response.status_code == 302
    assert response["Location"] == job.get_absolute_url()
    assert (job.title, job.wishes.preset, job.wishes.original_resolution) == ("Fern", "high", True)
    assert not job.share.is_on
    assert [p.original_name for p in job.photos.all()] == [
        "photo 00.jpg",
        "photo 01.jpg",
        "photo 02.jpg",
    ]
    assert [p.path.read_bytes() for p in job.photos.all()] == [photo_bytes(n) for n in range(3)]


@pytest.mark.django_db(transaction=True)
def test_an_upload_reaches_the_queue(browser: Client, redis_queue: Any) -> None:
    send(browser, photos(3))
    job = Job.objects.get()
    assert queue.carried_ids() == {job.queue_id}
    assert browser.get(job.get_absolute_url()).context["queue_position"] == 1


def test_twenty_photos_are_not_too_many(browser: Client) -> None:
    assert send(browser, photos(20)).status_code == 302
    assert Job.objects.get().photos.count() == 20


def test_without_wishes_the_defaults_hold(browser: Client, settings: Any) -> None:
    settings.DEFAULT_PRESET = "standard"
    send(browser, photos(3))
    job = Job.objects.get()
    assert (job.title, job.wishes.preset, job.wishes.original_resolution) == ("", "standard", False)
    assert not job.wishes.cross_validate


def test_the_wish_to_hold_out_every_photo_is_kept_with_the_job(browser: Client) -> None:
    send(browser, photos(3), preset="standard", cross_validate="on")
    job = Job.objects.get()
    assert job.wishes.cross_validate
    assert job.config["evaluate"]["cross_validate"] is True


def test_a_refused_form_still_has_the_wish(browser: Client) -> None:
    page = send(browser, photos(2), preset="standard", cross_validate="on").content.decode()
    assert re.search(r'name="cross_validate"[^>]* checked', page)


def test_jpeg_png_and_webp_are_told_by_their_content(browser: Client) -> None:
    mixed = [
        photo("a.dat", kind="JPEG"),
        photo("b.jpg", kind="PNG"),
        photo("c.webp", kind="WEBP"),
    ]
    assert send(browser, mixed).status_code == 302


def test_a_script_is_answered_with_the_jobs_address(browser: Client) -> None:
    response = send(browser, photos(3), json=True)
    assert response.status_code == 201
    assert response.json() == {"location": Job.objects.get().get_absolute_url()}


@pytest.mark.parametrize(("count", "are"), [(0, "are no photos yet"), (2, "are 2 photos")])
def test_too_few_photos_are_refused(browser: Client, count: int, are: str) -> None:
    response = send(browser, photos(count))
    assert response.status_code == 400
    assert f"There {are}; a scene needs 3 to 20." in errors(response)
    assert not Job.objects.exists()


def test_more_than_twenty_photos_are_refused(browser: Client) -> None:
    response = send(browser, photos(21))
    assert response.status_code == 400
    assert "There are 21 photos; a scene takes 3 to 20." in errors(response)


def test_more_than_a_hundred_files_are_refused_in_words(browser: Client) -> None:
    tiny = [SimpleUploadedFile(f"{n}.jpg", b"x") for n in range(101)]
    response = send(browser, tiny)
    assert response.status_code == 400
    assert "more than 100 files" in errors(response)
    assert "more than 100 files" in send(browser, tiny, json=True).json()["errors"][0]


DAMAGED = {
    "text.jpg": b"this is no photo",
    "empty.jpg": b"",
    "cut off.jpg": photo_bytes(1, (300, 300))[:20_000],
}
OTHER_KINDS = {
    "drawing.svg": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "SVG"),
    "moving.gif": (photo_bytes(1, kind="GIF"), "GIF"),
    "scan.tiff": (photo_bytes(1, kind="TIFF"), "TIFF"),
    "page.html.jpg": (b"<html><script>alert(1)</script></html>", "HTML"),
}


@pytest.mark.parametrize("name", OTHER_KINDS)
def test_a_file_of_another_kind_is_called_what_it_is(browser: Client, name: str) -> None:
    content, kind = OTHER_KINDS[name]
    response = send(browser, [*photos(3), SimpleUploadedFile(name, content, "image/jpeg")])
    assert response.status_code == 400
    said = f"“{name}” is not a photo that can be read here: its format is {kind}."
    assert said in errors(response)
    assert not Job.objects.exists()


@pytest.mark.parametrize("name", DAMAGED)
def test_what_is_no_photo_is_named(browser: Client, name: str) -> None:
    wrong = SimpleUploadedFile(name, DAMAGED[name], "image/jpeg")
    response = send(browser, [*photos(3), wrong])
    assert response.status_code == 400
    assert f"“{name}” can't be read as a photo." in errors(response)
    assert not Job.objects.exists()


def test_every_wrong_photo_is_named_at_once(browser: Client) -> None:
    wrong = [SimpleUploadedFile("one.jpg", b"no"), SimpleUploadedFile("two.jpg", b"no")]
    response = send(browser, [*photos(2), *wrong], json=True)
    assert response.status_code == 400
    told = response.json()["errors"]
    assert len(told) == 2
    assert "“one.jpg”" in told[0]
    assert "“two.jpg”" in told[1]


def test_a_photo_under_the_smallest_size_is_named(browser: Client) -> None:
    response = send(browser, [*photos(3), photo("stamp.jpg", size=(120, 99))])
    assert response.status_code == 400
    assert "“stamp.jpg” is 120×99 pixels; at least 100" in errors(response)


def test_a_decompression_bomb_is_refused_unopened(browser: Client) -> None:
    bomb = SimpleUploadedFile("bomb.png", png_declaring(19_000, 19_000), "image/png")
    response = send(browser, [*photos(3), bomb])
    assert response.status_code == 400
    assert "“bomb.png” declares 361 megapixels" in errors(response)


def test_a_photo_over_the_size_limit_is_too_large(browser: Client, settings: Any) -> None:
    settings.MAX_FILE_SIZE_MB = 1
    large = SimpleUploadedFile("large.jpg", bytes(2**20 + 1))
    response = send(browser, [*photos(3), large])
    assert response.status_code == 413
    assert "“large.jpg” is larger than 1 MB" in errors(response)
    assert not Job.objects.exists()


def test_a_photo_at_the_size_limit_is_not_too_large(browser: Client, settings: Any) -> None:
    settings.MAX_FILE_SIZE_MB = 1
    data = photo_bytes(7)
    padded = SimpleUploadedFile("padded.jpg", data + bytes(2**20 - len(data)))
    assert send(browser, [*photos(2), padded]).status_code == 302


def test_too_large_counts_more_than_whatever_else_is_wrong(browser: Client, settings: Any) -> None:
    settings.MAX_FILE_SIZE_MB = 1
    large = SimpleUploadedFile("large.jpg", bytes(2**20 + 1))
    response = send(browser, [large], json=True, preset="nonsense", title="x" * 200)
    assert response.status_code == 413
    assert any("“large.jpg” is larger" in sentence for sentence in response.json()["errors"])


def test_too_large_counts_more_than_too_many(browser: Client, settings: Any) -> None:
    settings.MAX_FILE_SIZE_MB = 1
    files = [SimpleUploadedFile("large.jpg", bytes(2**20 + 1)), *photos(100)]
    assert send(browser, files).status_code == 413


def test_photos_too_large_together_are_refused(browser: Client, settings: Any) -> None:
    settings.MAX_UPLOAD_SIZE_MB = settings.MAX_FILE_SIZE_MB = 1
    half_megabytes = [SimpleUploadedFile(f"{n}.jpg", bytes(2**19)) for n in range(3)]
    response = send(browser, half_megabytes)
    assert response.status_code == 413
    assert "larger than 1 MB" in errors(response)


def test_a_body_that_declares_too_much_is_not_stored(browser: Client, settings: Any) -> None:
    settings.MAX_UPLOAD_SIZE_MB = settings.MAX_FILE_SIZE_MB = 1
    huge = [SimpleUploadedFile(f"{n}.jpg", bytes(2**20)) for n in range(7)]
    response = send(browser, huge)
    assert response.status_code == 413
    assert "larger than 1 MB" in errors(response)
    assert not list(settings.FILE_UPLOAD_TEMP_DIR.glob("*.upload"))


def test_a_title_of_megabytes_is_too_large(browser: Client) -> None:
    response = send(browser, photos(3), title="x" * 3_000_000)
    assert response.status_code == 413
    assert "text in the form is too long" in errors(response)


def test_what_was_typed_survives_a_refusal(browser: Client) -> None:
    response = send(browser, photos(2), title="Fern <b>", preset="high")
    assert response.status_code == 400
    assert response.context["form"]["title"].value() == "Fern <b>"
    assert "Fern &lt;b&gt;" in response.content.decode()


def test_an_unknown_preset_is_refused(browser: Client) -> None:
    response = send(browser, photos(3), preset="ultra")
    assert response.status_code == 400
    assert "ultra" in errors(response)


def test_a_title_that_is_too_long_is_refused(browser: Client) -> None:
    response = send(browser, photos(3), title="x" * 121)
    assert response.status_code == 400
    assert "Title: Ensure this value has at most 120 characters" in errors(response)


def test_the_same_photo_twice_is_taken_once_and_said(browser: Client) -> None:
    files = [*photos(3), photo("again.jpg", seed=0)]
    response = send(browser, files)
    assert response.status_code == 302
    assert Job.objects.get().photos.count() == 3
    page = browser.get(response["Location"]).content.decode()
    assert "“again.jpg” is the same photo as “photo 00.jpg” and was left out." in page


def test_three_times_the_same_photo_is_too_few(browser: Client) -> None:
    response = send(browser, [photo(name, seed=1) for name in ("a.jpg", "b.jpg", "c.jpg")])
    assert response.status_code == 400
    assert "“c.jpg” is the same photo as “a.jpg”" in errors(response)
    assert "There is 1 photo;" in errors(response)


def test_a_name_with_a_path_in_it_stays_a_name(browser: Client) -> None:
    sly = SimpleUploadedFile("x", photo_bytes(9))
    sly._name = "../../../etc/passwd.jpg"
    send(browser, [*photos(2), sly])
    job = Job.objects.get()
    inside = job.workspace.upload.resolve()
    assert all(p.path.resolve().parent == inside for p in job.photos.all())
    assert "passwd.jpg" in [p.original_name for p in job.photos.all()]


def test_a_form_without_its_token_is_forbidden(data_dir: Any) -> None:
    browser = browser_of(person(), enforce_csrf_checks=True)
    assert send(browser, photos(3)).status_code == 403
    assert not Job.objects.exists()
    browser.get(reverse("recon:upload"))
    token = browser.cookies["instarecon_csrf"].value
    assert send(browser, photos(3), csrfmiddlewaretoken=token).status_code == 302


def test_a_damaged_body_is_refused_in_words(browser: Client) -> None:
    response = browser.post(
        reverse("recon:upload"), b"nonsense", content_type="multipart/form-data; boundary=\x01"
    )
    assert response.status_code == 400
    assert "damaged or cut off" in errors(response)


def test_an_upload_cut_off_on_the_way_makes_no_job(browser: Client) -> None:
    body = (
        b"--x\r\nContent-Disposition: form-data; name=photos; filename=a.jpg\r\n\r\n"
        + photo_bytes()[:500]
    )
    response = browser.post(
        reverse("recon:upload"), body, content_type="multipart/form-data; boundary=x"
    )
    assert response.status_code == 400
    assert not Job.objects.exists()


def test_files_sent_to_other_pages_are_dropped(client: Client, settings: Any) -> None:
    """Anybody can post to the sign-in page; it must not fill the disk."""
    large = SimpleUploadedFile("large.bin", bytes(3 * 2**20))
    response = client.post(reverse("accounts:sign_in"), {"username": "a", "file": large})
    assert response.status_code in (200, 400)
    assert not response.wsgi_request.FILES


def test_photos_keep_their_metadata_for_the_pipeline_only(browser: Client) -> None:
    """The focal length is needed later; what is shown is made without metadata (test_files)."""
    data = photo_bytes(3, exif=exif_with_gps())
    send(browser, [*photos(2), SimpleUploadedFile("phone.jpg", data)])
    phone = Job.objects.get().photos.get(original_name="phone.jpg")
    assert phone.path.read_bytes() == data


@pytest.mark.slow
def test_the_sample_job_needs_no_photos(browser: Client, data_dir: Path) -> None:
    shutil.copytree(rendered_photos()[0].parent, data_dir / "samples")
    response = browser.post(reverse("recon:sample"))
    job = Job.objects.get()
    assert job.is_sample
    assert response["Location"] == job.get_absolute_url()


def test_the_sample_job_is_for_members(client: Client) -> None:
    assert client.post(reverse("recon:sample")).status_code == 302
    assert not Job.objects.exists()


def test_the_sample_job_is_not_made_by_a_link(browser: Client) -> None:
    assert browser.get(reverse("recon:sample")).status_code == 302
    assert not Job.objects.exists()


def test_a_full_disk_is_said_and_leaves_no_job(browser: Client, monkeypatch: Any) -> None:
    monkeypatch.setattr(Path, "open", _no_room)
    response = send(browser, photos(3))
    assert response.status_code == 503
    assert "There is too little free disk space" in errors(response)
    assert not Job.objects.exists()


def _no_room(path: Path, mode: str = "r", **kwargs: Any) -> Any:
    if mode == "xb":  # only when an upload is stored
        raise OSError(errno.ENOSPC, "No space left on device")
    return open(path, mode, **kwargs)
