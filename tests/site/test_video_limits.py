"""How many videos a person may send, how much room they take, and whose turn it is."""

from __future__ import annotations

from typing import Any
from unittest.mock import Mock

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from recon.jobs.drafts import checks, drafts, frames, videos
from recon.jobs.folder import lock as folder_lock
from recon.jobs.folder import photo_files
from recon.jobs.people import quotas
from recon.models import Job, Video
from recon.pipeline.errors import PipelineError, UserError, explain
from recon.web import wish_forms as draft_forms
from tests.site.making import browser_of, job_of, person, photo
from tests.site.test_videos import (
    JSON,
    State,
    ann,
    another,
    browser,
    clip,
    done,
    draft,
    program,
    send,
    tasks,
    waiting,
)
from tests.site.working import work_off

__all__ = ["ann", "browser", "draft", "program"]  # fixtures

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_video_must_fit_into_what_its_owner_may_store(draft: Job, ann: User) -> None:
    ann.quota_stored_mb = 0
    ann.save()
    with pytest.raises(UserError) as caught:
        videos.add_video(draft, clip())
    assert caught.value.code == "quota_stored"
    assert list((draft.folder / "videos").iterdir()) == []


def test_frames_are_taken_while_they_fit(draft: Job, ann: User) -> None:
    video = waiting(draft)
    ann.quota_stored_mb = 1
    ann.save()
    filler = job_of(ann, status=Job.Status.FAILED, stored_bytes=2**20 - 30_000)
    done(video)
    assert (video.state, video.frames) == (State.DONE, draft.photos.count())
    assert 0 < video.frames < 8
    assert sum(photo.size for photo in draft.photos.all()) <= 30_000 - filler.photos.count()


def test_frames_may_have_the_room_of_their_video(draft: Job, ann: User) -> None:
    video = waiting(draft)
    Video.objects.update(size=500_000)
    ann.quota_stored_mb = 1
    ann.save()
    # It also holds three photos of one byte: nothing is left.
    job_of(ann, status=Job.Status.FAILED, stored_bytes=2**20 - 500_000 - 3)
    with pytest.raises(UserError):
        drafts.add_photo(draft, photo("no room.jpg"))
    done(video)
    assert video.state == State.DONE
    assert draft.photos.count() == 8


def test_videos_count_as_stored_until_their_frames_are_taken(draft: Job, ann: User) -> None:
    video = waiting(draft)
    assert quotas.stored_bytes(ann) == video.size
    assert quotas.with_sizes(Job.objects.filter(pk=draft.pk)).get().size == video.size
    assert f"{video.size / 1e6:.1f} MB" in browser_of(ann).get("/usage/").content.decode()
    done(video)
    assert quotas.stored_bytes(ann) == sum(one.size for one in draft.photos.all())


def test_all_videos_of_a_person_together_keep_to_what_they_may_store(ann: User) -> None:
    """Sixty were once accepted with 1 MB allowed, as each alone was small enough."""
    ann.quota_stored_mb = 1
    ann.save()
    size = clip().size
    codes = []
    for number in range(2 * 2**20 // size):
        try:
            videos.add_video(drafts.create_draft(ann), another(number))
        except UserError as error:
            codes.append(error.code)
            break
    assert codes == ["quota_stored"]
    assert 0 < quotas.stored_bytes(ann) <= 2**20


def test_a_scene_takes_frames_from_few_videos(browser: Client, draft: Job, settings: Any) -> None:
    settings.MAX_VIDEOS = 2
    for number in range(2):
        videos.add_video(draft, another(number))
    answer = send(browser, draft, another(2))
    assert answer.status_code == 409
    assert answer.json()["errors"] == [explain("too_many_videos", {"limit": 2}).sentence]
    assert videos.add_video(draft, another(1))[1] is False, "it is already there, not a new one"
    videos.drop_video(draft, draft.videos.first().pk)
    assert send(browser, draft, another(2)).status_code == 202


def test_a_form_with_too_many_videos_is_refused_before_any_is_looked_into(
    browser: Client, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.MAX_VIDEOS = 1
    monkeypatch.setattr(draft_forms, "check_video", lambda _: pytest.fail("looked into"))
    sent = {"photos": [another(1), another(2)]}
    answer = browser.post(reverse("recon:upload"), sent, headers=JSON)
    assert answer.status_code == 400
    assert answer.json()["errors"] == [explain("too_many_videos", {"limit": 1}).sentence]
    assert not Job.objects.exists()


def test_a_person_s_videos_wait_for_their_frames_in_a_limited_number(
    program: Client, draft: Job, ann: User, settings: Any
) -> None:
    settings.QUOTA_VIDEOS = 2
    first = waiting(draft)
    videos.add_video(drafts.create_draft(ann), another(1))
    other = drafts.create_draft(ann)
    sent = {"file": another(2)}
    answer = program.post(reverse("api:add_photo", args=[other.pk]), sent)
    assert answer.status_code == 429
    assert answer.json()["detail"] == explain("quota_videos", {"limit": 2}).sentence
    assert not other.videos.exists()
    assert list((other.folder / "videos").iterdir()) == [], "nor is a file left"
    videos.add_video(drafts.create_draft(person("bob@example.org")), another(3))
    done(first)
    videos.add_video(other, another(2))


def test_a_video_waits_while_the_disk_is_full(
    draft: Job, browser: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    video = waiting(draft)
    full = PipelineError("disk_full", free_mb=3, needed_mb=500)
    for step in (photo_files, "is_short_of_room"), (drafts, "add_photo"):
        with monkeypatch.context() as patch:
            patch.setattr(*step, Mock(side_effect=full))
            for _ in range(frames.MAX_TRIES + 1):
                assert done(video).state == State.WAITING
        assert (video.error_code, video.tries) == ("disk_full", 0)
        assert video.path.is_file(), "nothing needs to be sent again"
        page = browser.get(draft.get_absolute_url()).content.decode()
        assert "Its frames will be taken when there is room again." in page
    assert done(video).state == State.DONE
    assert video.error is None


# --- In turns ---


def test_of_many_videos_each_person_s_first_comes_first(draft: Job, ann: User) -> None:
    bob = person("bob@example.org")
    of_ann = [videos.add_video(draft, another(number))[0] for number in range(3)]
    of_bob = [videos.add_video(drafts.create_draft(bob), another(number))[0] for number in range(2)]
    order = [*(pair for pair in zip(of_ann, of_bob, strict=False)), (of_ann[2],)]
    expected = [video.pk for turn in order for video in turn]
    assert [int(one.split("-")[1]) for one in tasks()] == expected


@pytest.mark.slow
def test_photos_are_checked_while_frames_are_taken(draft: Job) -> None:
    video = waiting(draft)
    for upload in (photo("a.jpg"), photo("b.jpg")):
        drafts.add_photo(draft, upload)
    with folder_lock.hold(video.path.parent):  # as the worker of videos does
        work_off(queue=checks.QUEUE)
    assert checks.state_of(draft).state is checks.State.CURRENT
