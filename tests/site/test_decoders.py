"""What arrives is opened in other processes, a few at a time, everybody in turn."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from PIL import Image

from accounts.models import User
from benchmarks.attacks import bombs
from recon.jobs import decoders, submit
from recon.jobs.drafts import drafts
from recon.models import Job
from recon.pipeline.decoding.opening import Opener
from recon.pipeline.decoding.slots import NoSlot
from recon.pipeline.photos import photo_file as photo_files
from recon.pipeline.photos import video as video_files
from recon.web import thumbs
from tests.site.making import browser_of, person, photo, photos, token_of
from tests.site.test_videos import clip

pytestmark = pytest.mark.django_db(transaction=True)

JSON = {"Accept": "application/json"}


@pytest.fixture
def ann(data_dir: Any, redis_queue: Any) -> User:
    return person()


@pytest.fixture
def draft(ann: User) -> Job:
    return drafts.create_draft(ann)


def add(draft: Job, upload: SimpleUploadedFile, headers: dict[str, str] = JSON) -> Any:
    where = reverse("recon:add_photos", args=[draft.pk])
    return browser_of(draft.owner).post(where, {"photos": upload}, headers=headers)


def add_by_api(draft: Job, upload: SimpleUploadedFile) -> Any:
    program = Client(headers={"Authorization": f"Bearer {token_of(draft.owner)}"})
    return program.post(f"/recon/jobs/{draft.pk}/photos", {"file": upload})


@pytest.fixture
def decodes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Decoding anything in this process fails the test."""

    def fall(*args: Any, **options: Any) -> Any:
        pytest.fail("decoded in the process that serves the pages")

    for module, name in ((photo_files, "decode"), (photo_files, "open_photo")):
        monkeypatch.setattr(module, name, fall)
    for name in ("probe", "take_frames", "open_video"):
        monkeypatch.setattr(video_files, name, fall)
    monkeypatch.setattr(Image, "open", fall)


def test_nothing_that_was_sent_is_decoded_in_the_web_process(
    draft: Job, decodes_nothing: None
) -> None:
    assert add(draft, photo("a.jpg")).status_code == 201
    assert add(draft, clip()).status_code == 202
    page = browser_of(draft.owner).post(
        reverse("recon:upload"), {"photos": photos(3), "preset": "quick"}
    )
    assert page.status_code == 302
    [shown] = draft.photos.all()
    shown.thumb_path.unlink()
    small = browser_of(draft.owner).get(reverse("recon:thumb", args=(draft.pk, shown.name)))
    assert small.status_code == 200


BOMBS: dict[str, Callable[[], bytes]] = {
    "a.mp4": bombs.many_samples,
    "b.mp4": lambda: bombs.many_samples(tracks=3),
    "c.jpg": lambda: bombs.many_scans(3500, side=512),
}


@pytest.mark.parametrize("name", BOMBS)
def test_what_no_honest_file_has_is_refused_with_a_sentence(draft: Job, name: str) -> None:
    for answer in (
        add(draft, SimpleUploadedFile(name, BOMBS[name]())),
        add_by_api(draft, SimpleUploadedFile(name, BOMBS[name]())),
    ):
        assert answer.status_code == 400
        assert "takes too much memory or time to open." in answer.content.decode()


def test_a_photo_comes_with_its_small_picture(
    draft: Job, ann: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Decoded once for both; another scene of the same photos has the small ones, too."""
    sent, _ = drafts.add_photo(draft, photo("wide.png", size=(700, 400), kind="PNG"))
    job = submit.create_job(ann, photos(3))
    again = submit.run_again(job)
    monkeypatch.delattr(Opener, "small_picture")
    with Image.open(sent.thumb_path) as small:
        assert (small.format, small.size) == ("JPEG", (320, 183))
    for one in (sent, *job.photos.all(), *again.photos.all()):
        assert thumbs.thumb_of(one) == one.thumb_path


def test_a_small_picture_is_made_once_however_many_ask(
    draft: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent, _ = drafts.add_photo(draft, photo())
    sent.thumb_path.unlink()
    made, all_ask, small_picture = [], threading.Barrier(8), Opener.small_picture

    def counted(*args: Any) -> bytes:
        made.append(1)
        return small_picture(*args)

    def ask(_: int) -> Any:
        all_ask.wait()
        return thumbs.thumb_of(sent)

    monkeypatch.setattr(Opener, "small_picture", counted)
    with ThreadPoolExecutor(8) as people:
        assert set(people.map(ask, range(8))) == {sent.thumb_path}
    assert len(made) == 1
    assert [one.name for one in sent.thumb_path.parent.iterdir()] == [sent.thumb_path.name]


def test_a_busy_site_asks_to_come_back_and_loses_nothing(
    draft: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool = decoders.opener().pool
    monkeypatch.setattr(pool, "patience_s", 0.0)
    slots = pool.slots
    for _ in range(slots._here._initial_value):  # type: ignore[attr-defined]
        slots._here.acquire()
    try:
        for answer in (
            add(draft, photo()),
            add(draft, clip()),
            add_by_api(draft, photo()),
            send_form(draft.owner),
            make_by_api(draft.owner),
        ):
            assert (answer.status_code, answer.headers["Retry-After"]) == (503, "2")
        page = add(draft, photo(), headers={"Accept": "text/html"})
        assert page.status_code == 503
        assert "send it again in a moment" in page.content.decode()
        assert not Job.objects.exclude(pk=draft.pk).exists()
    finally:
        for _ in range(slots._here._initial_value):  # type: ignore[attr-defined]
            slots._here.release()
    assert add(draft, photo()).status_code == 201


def send_form(owner: User) -> Any:
    return browser_of(owner).post(reverse("recon:upload"), {"photos": photos(3)}, headers=JSON)


def make_by_api(owner: User) -> Any:
    program = Client(headers={"Authorization": f"Bearer {token_of(owner)}"})
    return program.post("/recon/jobs", {"files": photos(3)})


def test_a_small_picture_that_must_wait_too_long_is_asked_for_again(
    draft: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent, _ = drafts.add_photo(draft, photo())
    sent.thumb_path.unlink()
    monkeypatch.setattr(decoders.opener().pool, "patience_s", 0.0)
    monkeypatch.setattr(decoders.opener().pool.slots._here, "acquire", lambda **_: False)
    answer = browser_of(draft.owner).get(reverse("recon:thumb", args=(draft.pk, sent.name)))
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "2")


def test_nobody_has_all_the_places(draft: Job, data_dir: Any) -> None:
    ben = person("ben@example.org")
    theirs = [decoders.place_for(draft.owner_id) for _ in range(decoders.OF_ONE_PERSON)]
    for turn in theirs:
        turn.__enter__()
    try:
        assert add(draft, photo()).status_code == 503
        assert add_by_api(draft, photo()).status_code == 503
        assert add(drafts.create_draft(ben), photo()).status_code == 201
    finally:
        for turn in theirs:
            turn.__exit__(None, None, None)
    assert add(draft, photo()).status_code == 201


@pytest.mark.parametrize("processes", [2, 4, 16])
def test_threads_are_left_for_pages_however_many_may_decode(
    data_dir: Any, settings: Any, monkeypatch: pytest.MonkeyPatch, processes: int
) -> None:
    settings.DECODING_PROCESSES = processes
    monkeypatch.setattr(decoders, "_opener", None)
    slots = decoders.opener().pool.slots
    threads_of_web = [
        int(found)
        for file in ("scripts/supervisord.conf", "Dockerfile")
        for found in re.findall(r"--threads[\", ]+(\d+)", (settings.BASE_DIR / file).read_text())
    ]
    assert len(threads_of_web) == 2
    held = 0
    with ExitStack() as stack:
        while held < 50:
            try:
                stack.enter_context(slots.hold(0.0))
            except NoSlot:
                break
            held += 1
        assert 0 < held <= min(threads_of_web) - 2
