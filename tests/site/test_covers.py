""" "Use this view as start and cover": who may, what is accepted, and what changes with it."""

from __future__ import annotations

import io
import json
import math
import re
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from PIL import Image

from recon.jobs import covers, deletion
from recon.models import Artifact, Job
from recon.web.sharing import preview_picture
from tests.site.making import browser_of, finished_job, job_of, person, photo_bytes, supporter

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("data_dir")]

AUTOMATIC = {
    "position": [0, 0, -3], "target": [0, 0, 0], "up": [0, -1, 0], "fov_y_degrees": 50.0,
    "aspect": 0.75, "trained_height": 400,
}  # fmt: skip
VIEW = {
    "position": [1.0, -0.5, -2.0], "target": [0.0, 0.1, 0.0], "up": [0.0, -1.0, 0.0],
    "fov_y_degrees": 30.0, "aspect": 0.8,
}  # fmt: skip
SIZE = (240, 300)  # px, of that aspect


@pytest.fixture
def job() -> Job:
    return finished_job(person(), shared=True, view=AUTOMATIC)


def picture(size: tuple[int, int] = SIZE, **options: Any) -> SimpleUploadedFile:
    return SimpleUploadedFile("cover.jpg", photo_bytes(5, size, **options), "image/jpeg")


def send(browser: Client, job: Job, view: Any = VIEW, sent: Any = None, **extra: Any) -> Any:
    text = view if isinstance(view, str) else json.dumps(view)
    data = {"view": text, "picture": picture() if sent is None else sent}
    headers = {"Accept": "application/json"}
    return browser.post(reverse("recon:cover", args=(job.pk,)), data, headers=headers, **extra)


def reset(browser: Client, job: Job) -> Any:
    return browser.post(reverse("recon:reset_cover", args=(job.pk,)))


def now(job: Job) -> Job:
    return Job.objects.get(pk=job.pk)


def poster(job: Job) -> Image.Image:
    with Image.open(job.artifacts.get(kind=Artifact.Kind.POSTER).file) as image:
        image.load()
    return image


def covers_of(job: Job) -> list[str]:
    return sorted(path.name for path in job.workspace.output.glob("cover-*"))


def start_on(page: Any) -> Any:
    return page.context["viewer"]["view"]


# --- What changes with it ---


def test_the_view_is_where_the_scene_starts_from_now_on(client: Client, job: Job) -> None:
    browser = browser_of(job.owner)
    answer = send(browser, job)
    assert answer.status_code == 200
    chosen = answer.json()["view"]
    assert {name: chosen[name] for name in VIEW} == VIEW
    # As soft as in training: the focal length is the automatic start view's, the frame is not.
    ratio = math.tan(math.radians(15)) / math.tan(math.radians(25))
    assert chosen["trained_height"] == pytest.approx(400 * ratio)
    for page in (browser.get(job.get_absolute_url()), client.get(f"/v/{job.share.key}"),
                 client.get(f"/v/{job.share.key}?embed=1")):  # fmt: skip
        assert start_on(page) == chosen
        assert page.context["viewer"]["poster_url"].partition("?")[2] in answer.json()["poster_url"]
    assert now(job).view == AUTOMATIC, "the automatic view is kept for going back"


def test_poster_cards_previews_and_oembed_follow(client: Client, job: Job) -> None:
    browser = browser_of(job.owner)
    asked = {"url": f"http://testserver/v/{job.share.key}"}
    address = re.search(
        r'og:image" content="([^"]+)', client.get(f"/v/{job.share.key}").content.decode()
    )
    assert address
    asked["url"] = re.sub(r"/recon/.*", f"/v/{job.share.key}", address[1])
    before = client.get("/oembed", asked).json()
    send(browser, job)
    assert poster(job).size == SIZE
    after = client.get("/oembed", asked).json()
    assert (after["thumbnail_width"], after["thumbnail_height"]) == SIZE
    assert before["thumbnail_url"] != after["thumbnail_url"], "sites cache pictures by address"
    page = client.get(f"/v/{job.share.key}").content.decode()
    preview = re.search(r'og:image" content="([^"]+)', page)
    assert preview
    assert preview[1] != address[1]
    assert (
        f"poster?v={job.artifacts.get(kind='poster').mark}"
        in browser.get(reverse("recon:gallery")).content.decode()
    )


def test_a_link_unfolds_to_all_of_a_portrait(client: Client, job: Job) -> None:
    """In the shape that chats show, or they would crop it to its middle."""
    tall = Image.new("RGB", (300, 600), "green")
    tall.paste("red", (0, 0, 300, 60))
    tall.paste("blue", (0, 540, 300, 600))
    tall.save(job.workspace.poster, "JPEG", quality=95)
    link = reverse("recon:public_preview", args=(job.share.key,))

    def shown() -> Image.Image:
        return Image.open(io.BytesIO(b"".join(client.get(link)))).convert("RGB")

    seen = shown()
    assert seen.size == (preview_picture.WIDTH, preview_picture.HEIGHT)
    at = [seen.getpixel((600, y)) for y in (10, 315, 620)]
    assert [max(range(3), key=pixel.__getitem__) for pixel in at] == [0, 1, 2]  # red, green, blue
    assert sum(seen.getpixel((5, 315))) < sum(seen.getpixel((600, 315))), "the sides are darker"
    Image.new("RGB", (600, 300), "white").save(job.workspace.poster, "JPEG")
    assert shown().getpixel((5, 5)) > (240, 240, 240), "a new poster makes a new preview"


@pytest.mark.parametrize("size", [(30, 900), (900, 30), (1, 1), (1200, 630), (800, 600)])
def test_a_preview_of_any_shape_has_one_size(size: tuple[int, int]) -> None:
    framed = preview_picture.fit_to_preview(Image.new("RGB", size, "white"))
    assert framed.size == (preview_picture.WIDTH, preview_picture.HEIGHT)
    assert framed.getpixel((600, 315)) == (255, 255, 255)


def test_a_second_choice_takes_the_first_one_s_place(job: Job) -> None:
    browser = browser_of(job.owner)
    first = send(browser, job).json()["poster_url"]
    first = covers_of(job)
    second = send(browser, job, VIEW | {"aspect": 1.0}, picture((200, 200))).json()["poster_url"]
    assert first != second
    assert len(first) == len(covers_of(job)) == 1
    assert first != covers_of(job)
    assert poster(job).size == (200, 200)


def test_the_automatic_start_and_cover_come_back(job: Job) -> None:
    browser = browser_of(job.owner)
    before = poster(job).tobytes()
    assert "Use the automatic view again" in browser.get(job.get_absolute_url()).content.decode()
    assert "data-cover-chosen hidden" in browser.get(job.get_absolute_url()).content.decode()
    send(browser, job)
    assert "data-cover-chosen hidden" not in browser.get(job.get_absolute_url()).content.decode()
    for _ in range(2):
        assert reset(browser, job)["Location"] == job.get_absolute_url()
        assert (now(job).own_view, now(job).start_view) == (None, AUTOMATIC)
        assert poster(job).tobytes() == before
        assert covers_of(job) == []


def test_a_scene_without_a_poster_gets_one_and_loses_it_again(job: Job) -> None:
    job.artifacts.filter(kind="poster").delete()
    job.workspace.poster.unlink()
    browser = browser_of(job.owner)
    assert send(browser, job).json()["poster_url"]
    assert poster(job).size == SIZE
    reset(browser, job)
    assert not job.artifacts.filter(kind="poster").exists()


def test_where_the_automatic_start_is_unknown_a_view_can_be_chosen_all_the_same() -> None:
    job = finished_job(person(), view=None)
    chosen = send(browser_of(job.owner), job).json()["view"]
    assert chosen == VIEW


def test_the_cover_counts_as_stored_and_goes_with_the_files(job: Job) -> None:
    Job.objects.update(stored_bytes=1)
    send(browser_of(job.owner), job)
    assert now(job).stored_bytes > 1, "measured again"
    deletion.delete_files(now(job))
    assert now(job).start_view is None


# --- Who may ---


def test_only_the_owner_may(client: Client, job: Job) -> None:
    other = browser_of(person("bob@example.org"))
    for browser, status in (
        (other, 404),
        (client, 401),
        (browser_of(supporter("s@example.org")), 404),
    ):
        assert send(browser, job).status_code == status
    assert reset(other, job).status_code == 404
    assert now(job).own_view is None
    assert covers_of(job) == []


def test_only_the_owner_sees_the_button(client: Client, job: Job) -> None:
    button = "Use this view as start and cover"
    staff = browser_of(supporter())
    assert button in browser_of(job.owner).get(job.get_absolute_url()).content.decode()
    for page in (staff.get(job.get_absolute_url()), client.get(f"/v/{job.share.key}"),
                 client.get(f"/v/{job.share.key}?embed=1")):  # fmt: skip
        assert page.status_code == 200
        assert button not in page.content.decode()


def test_another_site_can_t_do_it(job: Job) -> None:
    browser = browser_of(job.owner, enforce_csrf_checks=True)
    assert send(browser, job).status_code == 403
    page = browser.get(job.get_absolute_url()).content.decode()
    form = page[page.index("data-viewer-cover") :]
    token = re.search(r'csrfmiddlewaretoken" value="([^"]+)', form)
    assert token
    data = {"view": json.dumps(VIEW), "picture": picture(), "csrfmiddlewaretoken": token[1]}
    answer = browser.post(reverse("recon:cover", args=(job.pk,)), data)
    assert answer["Location"] == job.get_absolute_url()
    assert now(job).own_view is not None


# --- What is refused ---


def refused(answer: Any, status: int, said: str, job: Job) -> None:
    assert answer.status_code == status
    assert said in " ".join(answer.json()["errors"])
    assert now(job).own_view is None
    assert poster(job).size == (120, 110)
    assert covers_of(job) == []


@pytest.mark.parametrize(
    "view",
    ["", "no json", "[]", "1", "null", "{}", "[" * 1500, VIEW | {"position": [0, 0]},
     VIEW | {"position": [1e99, 0, 0]}, json.dumps(VIEW).replace("30.0", "NaN"),
     VIEW | {"fov_y_degrees": 179.9}, VIEW | {"target": VIEW["position"]}, VIEW | {"up": None},
     "x" * 3000],
)  # fmt: skip
def test_what_is_no_view_changes_nothing(job: Job, view: Any) -> None:
    refused(send(browser_of(job.owner), job, view), 400, "", job)


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        (SimpleUploadedFile("a.jpg", b"no picture"), "can’t be read"),
        (SimpleUploadedFile("a.jpg", b""), "can’t be read"),
        (SimpleUploadedFile("a.jpg", photo_bytes(1, SIZE)[:-2000]), "can’t be read"),
        (SimpleUploadedFile("a.jpg", photo_bytes(1, (40, 50))), "can’t be read"),
        (SimpleUploadedFile("a.jpg", photo_bytes(1, (300, 240))), "doesn’t match the view"),
        ("", "didn’t arrive"),
    ],
    ids=["text", "empty", "cut off", "tiny", "of another shape", "none"],
)
def test_what_is_no_picture_of_the_view_changes_nothing(job: Job, sent: Any, said: str) -> None:
    refused(send(browser_of(job.owner), job, VIEW, sent), 400, said, job)


def test_what_is_too_large_changes_nothing(job: Job, settings: Any) -> None:
    browser = browser_of(job.owner)
    heavy = SimpleUploadedFile("a.jpg", photo_bytes(1, SIZE) + bytes(9 * 2**20))
    refused(send(browser, job, VIEW, heavy), 413, "larger than 8 MB", job)
    many = io.BytesIO()
    Image.new("L", (4000, 5000)).save(many, "PNG")
    wide = SimpleUploadedFile("a.png", many.getvalue())
    refused(send(browser, job, VIEW, wide), 400, "can’t be read", job)
    settings.MAX_FILE_SIZE_MB = 1
    large = SimpleUploadedFile("a.jpg", bytes(2 * 2**20))
    refused(send(browser, job, VIEW, large), 413, "larger than 1 MB", job)


def test_the_picture_is_made_anew_without_what_came_with_it(job: Job) -> None:
    exif = Image.Exif()
    exif[0x010E] = "where I live"
    large = photo_bytes(2, (1600, 2000), exif=exif.tobytes())
    assert b"where I live" in large
    send(browser_of(job.owner), job, VIEW, SimpleUploadedFile("a.jpg", large))
    assert poster(job).size == (1024, 1280)
    assert b"where I live" not in job.artifacts.get(kind="poster").file.read_bytes()


@pytest.mark.parametrize("status", ["DRAFT", "PENDING", "PROCESSING", "FAILED"])
def test_before_there_is_a_scene_there_is_nothing_to_choose(status: str) -> None:
    job = job_of(person(), status=status)
    answer = send(browser_of(job.owner), job)
    assert answer.status_code == 409
    assert now(job).own_view is None


def test_a_deleted_scene_stays_deleted(job: Job) -> None:
    browser = browser_of(job.owner)
    deletion.delete_files(job)
    assert send(browser, job).status_code == 404
    assert reset(browser, job).status_code == 404
    assert not job.folder.exists()


def test_while_another_holds_the_folder_it_says_so(
    job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    from recon.jobs.folder import lock as folder_lock

    monkeypatch.setattr(covers, "WAIT_S", 0.0)
    with folder_lock.hold(job.folder):
        answer = send(browser_of(job.owner), job)
    refused(answer, 503, "", job)
    assert answer["Retry-After"]
