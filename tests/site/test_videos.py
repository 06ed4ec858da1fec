"""A video instead of photos: it arrives, its frames become photos, and it is deleted."""

from __future__ import annotations

from functools import cache
from html import unescape
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from accounts.models import User
from recon.jobs import deletion, queue
from recon.jobs.drafts import checks, drafts, frames, videos
from recon.jobs.folder import lock as folder_lock
from recon.jobs.reconcile import Mended, reconcile
from recon.models import Job, Video
from recon.pipeline.decoding.opening import Opener
from recon.pipeline.errors import TimeLimit, UserError, explain
from tests.site.making import browser_of, noise, person, photo, photos, token_of
from tests.site.working import work_off
from tests.videos import video_bytes

pytestmark = pytest.mark.django_db(transaction=True)

JSON = {"Accept": "application/json"}
State = Video.State


@cache
def movie(places: int = 8, **options: Any) -> bytes:
    """A video of `pictures` different pictures, three frames of each, ten a second."""
    pictures = [noise(seed, (160, 120)) for seed in range(places) for _ in range(3)]
    return video_bytes(pictures, **options)


def clip(name: str = "walk.mp4", content: bytes | None = None) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, movie() if content is None else content, "video/mp4")


def another(number: int) -> SimpleUploadedFile:
    """The same pictures in a different file: it ends with a box that means nothing."""
    return clip(content=movie() + b"\0\0\0\x0cfree" + number.to_bytes(4))


@pytest.fixture
def ann(data_dir: Any, redis_queue: Any) -> User:
    return person()


@pytest.fixture
def draft(ann: User) -> Job:
    return drafts.create_draft(ann, title="Walk")


@pytest.fixture
def browser(ann: User) -> Client:
    return browser_of(ann)


@pytest.fixture
def program(ann: User) -> Client:
    return Client(headers={"Authorization": f"Bearer {token_of(ann)}"})


def waiting(draft: Job) -> Video:
    return videos.add_video(draft, clip())[0]


def done(video: Video) -> Video:
    frames.take_frames(video.pk)
    video.refresh_from_db()
    return video


def tasks() -> list[str]:
    return [one for one in queue.rq_queue(frames.QUEUE).job_ids if one.startswith("video-")]


def send(browser: Client, draft: Job, *files: Any, script: bool = True) -> Any:
    headers = JSON if script else {"Accept": "text/html"}
    where = reverse("recon:add_photos", args=[draft.pk])
    return browser.post(where, {"photos": list(files)}, headers=headers)


# --- The work ---


@pytest.mark.slow
def test_a_worker_of_the_videos_queue_turns_a_video_into_photos(draft: Job) -> None:
    video = waiting(draft)
    assert video.path.is_file()
    assert len(tasks()) == 1
    work_off(queue=frames.QUEUE)
    video.refresh_from_db()
    assert (video.state, video.percent, video.frames) == (State.DONE, 100.0, 8)
    taken = list(draft.photos.all())
    assert len(taken) == 8
    assert [p.name[:9] for p in taken][:2] == ["01_walk-0", "02_walk-0"]
    seconds = [float(p.original_name.split()[1]) for p in taken]
    assert seconds == sorted(seconds)
    assert (taken[0].width, taken[0].height) == (160, 120)
    assert taken[0].path.read_bytes().startswith(b"\xff\xd8\xff")
    assert not video.path.exists(), "the video itself is deleted"
    work_off(queue=checks.QUEUE)
    assert checks.read_report(draft) is not None, "and the photos are checked"


def test_frames_fill_the_places_that_photos_left(draft: Job) -> None:
    for upload in photos(17):
        drafts.add_photo(draft, upload)
    video = done(waiting(draft))
    assert (video.state, video.frames) == (State.DONE, 3)
    assert draft.photos.count() == 20
    assert [p.original_name for p in draft.photos.all()][17:] == sorted(
        p.original_name for p in draft.photos.all() if p.original_name.startswith("walk")
    )


def test_photos_that_arrive_meanwhile_go_before_frames(
    draft: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    take = Opener.take_frames

    def busy(*args: Any, **options: Any) -> Any:
        for index, frame in enumerate(take(*args, **options)):
            if index == 1:
                for upload in photos(17):
                    drafts.add_photo(draft, upload)
            yield frame

    monkeypatch.setattr(Opener, "take_frames", busy)
    video = done(waiting(draft))
    assert draft.photos.count() == 20
    assert (video.state, video.frames) == (State.DONE, 3)


def test_a_draft_that_is_full_takes_no_video(draft: Job) -> None:
    video = waiting(draft)
    for upload in photos(20):
        drafts.add_photo(draft, upload)
    assert done(video).error_code == "too_many_photos"
    with pytest.raises(UserError) as caught:
        videos.add_video(draft, clip("another.mp4", movie(9)))
    assert caught.value.code == "too_many_photos"


def test_the_same_video_is_worked_on_once_and_again_when_it_was_done(draft: Job) -> None:
    video = waiting(draft)
    twin, is_new = videos.add_video(draft, clip("copy.mp4"))
    assert (twin, is_new) == (video, False)
    done(video)
    drafts.drop_photo(draft, draft.photos.first().pk)
    again, is_new = videos.add_video(draft, clip())
    assert is_new
    assert done(again).frames == 8
    assert draft.photos.count() == 8, "frames that are already there are not added twice"
    assert draft.videos.count() == 1


@pytest.mark.parametrize("end", ["drop", "start", "delete"])
def test_work_ends_quietly_when_nobody_wants_it_any_more(
    end: str, draft: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    video = waiting(draft)

    def end_it(*args: Any, **options: Any) -> Any:
        if end == "drop":
            videos.drop_video(draft, video.pk)
        elif end == "start":
            Job.objects.filter(pk=draft.pk).update(status="PENDING")
        else:
            Job.objects.filter(pk=draft.pk).delete()
        options["report"](0.1)
        pytest.fail("it went on")

    monkeypatch.setattr(Opener, "take_frames", end_it)
    frames.take_frames(video.pk)
    frames.take_frames(video.pk)  # nothing is left to do
    assert not Video.objects.filter(state__in=(State.DONE, State.FAILED)).exists()


def test_a_video_of_a_deleted_draft_is_gone(draft: Job) -> None:
    video = waiting(draft)
    stale = Job.objects.get(pk=draft.pk)
    deletion.delete(draft)
    frames.take_frames(video.pk)
    with pytest.raises(Job.DoesNotExist):
        videos.add_video(stale, clip())
    assert not stale.folder.exists()


def test_what_redis_or_a_dead_worker_lost_is_asked_for_again_three_times(
    draft: Job, redis_queue: Any
) -> None:
    video = waiting(draft)
    checks.check_photos(str(draft.pk))
    assert reconcile() == Mended()
    redis_queue.flushall()
    assert reconcile() == Mended(videos=1)
    assert len(tasks()) == 1
    Video.objects.update(tries=frames.MAX_TRIES)
    redis_queue.flushall()
    reconcile()
    video.refresh_from_db()
    assert (video.state, video.error_code) == (State.FAILED, "video_damaged")


def test_without_redis_a_video_waits(data_dir: Any, no_redis: None) -> None:
    draft = drafts.create_draft(person())
    assert waiting(draft).state == State.WAITING
    assert reconcile() == Mended()


def test_a_busy_folder_leaves_the_video_waiting(
    draft: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(frames, "LOCK_WAIT_S", 0.1)
    video = waiting(draft)
    with folder_lock.hold(video.path.parent):
        assert done(video).state == State.WAITING
    assert done(video).state == State.DONE


def test_work_that_takes_too_long_says_so(draft: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    def slow(*args: Any, **options: Any) -> Any:
        raise TimeLimit

    monkeypatch.setattr(Opener, "take_frames", slow)
    video = done(waiting(draft))
    assert (video.state, video.error_code) == (State.FAILED, "video_too_slow")
    assert "longer than 10 minutes" in str(video.error and video.error.sentence)


# --- What is wrong with it, and how it is answered ---


def wrong(code: str, monkeypatch: pytest.MonkeyPatch) -> SimpleUploadedFile:
    if code == "video_too_short":
        return clip("bad.mp4", movie(3))
    if code == "video_too_long":
        monkeypatch.setattr(videos.VideoLimits, "__init__", _short_limits)
    if code == "video_too_small":
        return clip("bad.mp4", video_bytes([noise(1, (160, 64))] * 30))
    return clip("bad.mp4", b"not a video" if code == "video_unreadable" else movie())


def _short_limits(self: Any, **given: Any) -> None:
    for name, value in {"shortest": 0.1, "longest": 1.0, "min_side": 100}.items():
        object.__setattr__(self, name, value)


SAID = {
    "video_unreadable": "“bad.mp4” can't be read as a video.",
    "video_too_short": "“bad.mp4” lasts 0.9 s; at least 2 s are needed. Walk slowly",
    "video_too_long": "“bad.mp4” lasts 2 s; the limit is 1 s. Trim it",
    "video_too_small": "“bad.mp4” is 160×64 pixels; at least 100 on each side are needed.",
}


@pytest.mark.parametrize("code", SAID)
def test_a_bad_video_is_refused_at_once_in_words(
    code: str, browser: Client, program: Client, draft: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = send(browser, draft, wrong(code, monkeypatch))
    assert told.status_code == 400
    assert SAID[code] in told.json()["errors"][0]
    plain = send(browser, draft, wrong(code, monkeypatch), script=False)
    assert plain.status_code == 400
    assert SAID[code] in plain.context["problems"][0]
    bad = {"file": wrong(code, monkeypatch)}
    api = program.post(f"/recon/jobs/{draft.pk}/photos", bad)
    assert api.status_code == 400
    assert SAID[code] in api.json()["detail"]
    whole = browser.post(
        reverse("recon:upload"), {"photos": [wrong(code, monkeypatch)]}, headers=JSON
    )
    assert whole.status_code == 400
    assert SAID[code] in whole.json()["errors"][0]
    assert not Video.objects.exists()
    assert Job.objects.count() == 1


def test_a_damaged_video_says_so_on_the_draft_s_page_and_can_be_removed(
    browser: Client, program: Client, draft: Job
) -> None:
    content = movie()
    video, _ = videos.add_video(draft, clip("bad.mp4", content[: len(content) // 4]))
    assert done(video).error_code == "video_damaged"
    assert not video.path.exists()
    page = browser.get(draft.get_absolute_url()).content.decode()
    assert "“bad.mp4” is damaged:" in page
    assert "Copy it from the camera again, or send photos." in page
    told = program.get(f"/recon/jobs/{draft.pk}/status").json()["videos"][0]
    assert (told["state"], told["error_code"]) == ("failed", "video_damaged")
    drop = reverse("recon:drop_video", args=[draft.pk, video.pk])
    assert browser.post(drop)["Location"] == draft.get_absolute_url()
    assert browser.post(drop, headers=JSON).status_code == 204, "what is already gone is fine"
    assert not draft.videos.exists()


@pytest.mark.parametrize("script", [True, False])
def test_a_video_over_the_limit_is_too_large(
    browser: Client, program: Client, draft: Job, settings: Any, script: bool
) -> None:
    settings.MAX_FILE_SIZE_MB, settings.MAX_VIDEO_SIZE_MB = 1, 2
    padded = movie() + bytes(2**20)
    assert send(browser, draft, clip("fits.mp4", padded)).status_code == 202, "not photos' limit"
    large = movie() + bytes(2 * 2**20)
    response = send(browser, draft, clip("large.mp4", large), script=script)
    assert response.status_code == 413
    problems = response.json()["errors"] if script else response.context["problems"]
    assert "“large.mp4” is larger than 2 MB, the limit for one video." in problems[0]
    api = program.post(f"/recon/jobs/{draft.pk}/photos", {"file": clip("large.mp4", large)})
    assert api.status_code == 413


# --- Pages ---


def test_a_script_is_told_that_frames_will_come(browser: Client, draft: Job) -> None:
    response = send(browser, draft, clip())
    assert response.status_code == 202
    assert response.json() == {"video": draft.videos.get().pk}
    fragment = browser.get(reverse("recon:videos", args=[draft.pk])).content.decode()
    assert "walk.mp4" in fragment
    assert "every 2s" in fragment
    done(draft.videos.get())
    fragment = browser.get(reverse("recon:videos", args=[draft.pk])).content.decode()
    assert "8 frames taken. The video itself was removed." in fragment
    assert "every 2s" not in fragment
    for taken in draft.photos.all():
        assert str(taken.pk) in fragment


def test_a_plain_form_takes_a_video_among_photos_and_the_page_reloads_itself(
    browser: Client, draft: Job
) -> None:
    response = send(browser, draft, photo(), clip(), script=False)
    assert response["Location"] == draft.get_absolute_url()
    page = browser.get(draft.get_absolute_url()).content.decode()
    assert '<meta http-equiv="refresh"' in page
    assert "Its frames will be taken in a moment." in page
    send(browser, draft, clip(), script=False)
    page = browser.get(draft.get_absolute_url()).content.decode()
    assert "Frames are already being taken from “walk.mp4”." in page
    done(draft.videos.get())
    assert "http-equiv" not in browser.get(draft.get_absolute_url()).content.decode()


def test_a_scene_starts_only_when_the_frames_are_there(
    browser: Client, program: Client, draft: Job
) -> None:
    for upload in photos(3):
        drafts.add_photo(draft, upload)
    video = waiting(draft)
    start = reverse("recon:start", args=[draft.pk])
    response = browser.post(start, {"preset": "quick"})
    assert response.status_code == 409
    assert "Frames are still being taken from “walk.mp4”." in response.context["problems"][0]
    assert program.post(f"/recon/jobs/{draft.pk}/start").status_code == 409
    done(video)
    assert browser.post(start, {"preset": "quick"}).status_code == 302
    draft.refresh_from_db()
    assert draft.is_pending
    assert not (draft.folder / "videos").exists()
    poll = browser.get(reverse("recon:videos", args=[draft.pk]))
    assert (poll.status_code, poll["HX-Refresh"]) == (286, "true")


@pytest.mark.slow
def test_the_form_without_scripts_makes_a_scene_of_a_video_that_starts_by_itself(
    browser: Client, ann: User
) -> None:
    wishes = {"photos": [clip(), photo()], "title": "Hall", "preset": "quick"}
    response = browser.post(reverse("recon:upload"), wishes)
    job = ann.jobs.get()
    assert response["Location"] == job.get_absolute_url()
    assert (job.status, job.title, job.photos.count()) == ("DRAFT", "Hall", 1)
    page = browser.get(job.get_absolute_url()).content.decode()
    assert "The scene starts by itself when they are ready." in page
    work_off(queue=frames.QUEUE)
    job.refresh_from_db()
    assert (job.status, job.photos.count()) == ("PENDING", 9)
    assert queue.carried_ids() == {job.queue_id}


def test_a_program_sends_a_video_in_one_request(program: Client, ann: User) -> None:
    made = program.post("/recon/jobs", {"files": [clip()], "title": "Hall", "share": "true"})
    assert made.status_code == 200
    job = Job.objects.get(pk=made.json()["job_id"])
    assert (job.status, job.share.is_on) == ("DRAFT", True)
    assert Client().get(reverse("recon:public", args=[job.share.key])).status_code == 404
    done(job.videos.get())
    job.refresh_from_db()
    assert (job.status, job.share.is_on) == ("PENDING", True)


def test_a_video_that_leaves_too_few_frames_leaves_a_draft(draft: Job) -> None:
    two = video_bytes([noise(seed, (160, 120)) for seed in (1, 2) for _ in range(12)])
    video, _ = videos.add_video(draft, clip("two.mp4", two), starts_job=True)
    assert done(video).frames == 2
    draft.refresh_from_db()
    assert draft.is_draft
    page = browser_of(draft.owner).get(draft.get_absolute_url()).content.decode()
    assert "2 frames taken, but the scene could not start by itself." in page
    assert explain("too_few_photos", video.error_facts).advice in unescape(page)


def test_a_video_whose_owner_may_start_no_more_says_so(draft: Job) -> None:
    User.objects.update(quota_active_jobs=0)
    video, _ = videos.add_video(draft, clip(), starts_job=True)
    assert done(video).error_code == "quota_active_jobs"
    draft.refresh_from_db()
    assert draft.is_draft
    page = browser_of(draft.owner).get(draft.get_absolute_url()).content.decode()
    assert video.error is not None
    assert video.error.sentence in unescape(page)


def test_a_scene_that_can_t_be_made_of_a_video_leaves_nothing(
    browser: Client, ann: User, settings: Any
) -> None:
    settings.MAX_DRAFTS = 0
    response = browser.post(reverse("recon:upload"), {"photos": [clip()]}, headers=JSON)
    assert response.status_code == 409
    settings.MAX_DRAFTS = 5
    full = [clip(), *photos(20)]
    response = browser.post(reverse("recon:upload"), {"photos": full}, headers=JSON)
    assert response.status_code == 400
    assert "takes 3 to 20" in response.json()["errors"][0]
    assert not ann.jobs.exists()


def test_a_program_follows_and_removes_a_video(program: Client, draft: Job) -> None:
    sent = program.post(f"/recon/jobs/{draft.pk}/photos", {"file": clip()})
    assert sent.status_code == 202
    video = draft.videos.get()
    assert sent.json() == {
        "video_id": video.pk,
        "original_name": "walk.mp4",
        "sha256": video.sha256,
        "size": len(movie()),
        "state": "waiting",
        "frames": 0,
        "progress": 0,
        "error_code": None,
        "error": None,
    }
    assert program.get(f"/recon/jobs/{draft.pk}/status").json()["videos"] == [sent.json()]
    gone = f"/recon/jobs/{draft.pk}/videos/{video.pk}"
    assert program.delete(gone).status_code == 204
    assert program.delete(gone).status_code == 404
    assert not video.path.exists()


def test_a_video_is_its_owner_s(draft: Job) -> None:
    video = waiting(draft)
    others = browser_of(person("bob@example.org"))
    drop = reverse("recon:drop_video", args=[draft.pk, video.pk])
    look = reverse("recon:videos", args=[draft.pk])
    assert others.post(drop).status_code == others.get(look).status_code == 404
    assert Client().post(drop).status_code == Client().get(look).status_code == 302
    assert browser_of(draft.owner, enforce_csrf_checks=True).post(drop).status_code == 403
    of_bob = drafts.create_draft(User.objects.get(email="bob@example.org"))
    others.post(reverse("recon:drop_video", args=[of_bob.pk, video.pk]))
    assert draft.videos.count() == 1


def test_a_video_that_comes_with_its_draft_is_shared_as_wished(program: Client) -> None:
    wishes = {"files": [clip()], "share_password": "under the mat", "description": "A walk"}
    assert program.post("/recon/jobs", wishes).status_code == 200
    job = Job.objects.get()
    assert job.share.password
    assert (job.share.is_on, job.share.description) == (True, "A walk")
