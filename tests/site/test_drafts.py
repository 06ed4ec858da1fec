"""Drafts: photos come one by one, in any order or all at once; what was started stays started."""

from __future__ import annotations

import errno
import json
import sqlite3
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from recon.jobs import attempts, deletion, lifecycle, queue, submit
from recon.jobs.drafts import drafts
from recon.jobs.folder import lock as folder_lock
from recon.jobs.folder import photo_files, unclaimed
from recon.jobs.reconcile import Mended, reconcile
from recon.models import Job, Photo
from recon.pipeline.config import from_dict
from recon.pipeline.errors import PipelineError, UserError
from recon.pipeline.wishes import Wishes
from tests.site.making import person, photo, photo_bytes, photos

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _site(data_dir: Path, redis_queue: Any) -> None:
    """Every test here has a data folder and a queue."""


def draft_with(count: int, **given: Any) -> Job:
    draft = drafts.create_draft(person(), **given)
    for upload in photos(count):
        drafts.add_photo(draft, upload)
    return draft


def files_of(job: Job) -> list[str]:
    return sorted(path.name for path in job.workspace.upload.iterdir())


def code_of(caught: pytest.ExceptionInfo[Any]) -> str:
    return str(caught.value.code)


def test_a_draft_collects_photos_and_waits_for_nobody() -> None:
    draft = draft_with(2, title=" Fern ", wishes=Wishes("high"))
    draft.refresh_from_db()
    assert (draft.status, draft.title, draft.wishes.preset) == ("DRAFT", "Fern", "high")
    assert not draft.has_ended
    assert [p.original_name for p in draft.photos.all()] == ["photo 00.jpg", "photo 01.jpg"]
    assert [p.path.read_bytes() for p in draft.photos.all()] == [photo_bytes(n) for n in (0, 1)]
    assert files_of(draft) == ["01_photo-00.jpg", "02_photo-01.jpg"]
    assert queue.carried_ids() == set()
    assert queue.position(draft) is None
    assert queue.overview()["queued"] == 0
    assert not (draft.folder / unclaimed.MARK).exists()


def test_reconcile_and_workers_leave_a_draft_alone() -> None:
    draft = draft_with(3)
    assert reconcile() == Mended()
    assert lifecycle.start(draft.pk, draft.attempt) is None
    assert not lifecycle.cancel(draft)
    assert not attempts.retry(draft)
    assert not deletion.delete_files(draft)
    draft.refresh_from_db()
    assert draft.is_draft
    assert draft.photos.first().path.is_file()


def test_a_photo_that_is_there_already_is_answered_with_itself() -> None:
    draft = draft_with(1)
    first = draft.photos.get()
    same, is_new = drafts.add_photo(draft, photo("another name.jpg", seed=0))
    assert (same, is_new) == (first, False)
    assert files_of(draft) == [first.name]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (photo_bytes(1)[:-3000], "photo_unreadable"),
        (b"no photo", "photo_unreadable"),
        (photo_bytes(1, size=(400, 99)), "photo_too_small"),
    ],
    ids=["cut off", "text", "thumbnail"],
)
def test_a_bad_photo_is_refused_and_the_others_stay(content: bytes, code: str) -> None:
    draft = draft_with(2)
    with pytest.raises(UserError, match=r"“bad\.jpg”") as caught:
        drafts.add_photo(draft, SimpleUploadedFile("bad.jpg", content))
    assert code_of(caught) == code
    assert len(files_of(draft)) == draft.photos.count() == 2


def test_more_than_twenty_photos_are_refused() -> None:
    draft = draft_with(20)
    with pytest.raises(UserError, match="21 photos") as caught:
        drafts.add_photo(draft, photo("one too many.jpg", seed=99))
    assert code_of(caught) == "too_many_photos"
    assert len(files_of(draft)) == draft.photos.count() == 20
    _, is_new = drafts.add_photo(draft, photo("there already.jpg", seed=7))
    assert not is_new


def test_photos_too_large_together_are_refused(settings: Any) -> None:
    settings.MAX_UPLOAD_SIZE_MB = 1
    draft = draft_with(1)
    heavy = photo_bytes(5) + bytes(2**20 - len(photo_bytes(5)) - len(photo_bytes(0)))
    drafts.add_photo(draft, SimpleUploadedFile("exactly.jpg", heavy))
    with pytest.raises(UserError, match="larger than 1 MB") as caught:
        drafts.add_photo(draft, photo("b.jpg"))
    assert code_of(caught) == "too_large_together"
    assert draft.photos.count() == 2


def test_a_dropped_photo_is_gone_with_its_files_and_its_number_is_never_given_again() -> None:
    draft = draft_with(2)
    last = draft.photos.last()
    assert last.thumb_path.is_file()
    assert drafts.drop_photo(draft, last.pk)
    assert not last.path.exists()
    assert not last.thumb_path.exists()
    again, is_new = drafts.add_photo(draft, photo("photo 01.jpg", seed=1))
    assert is_new
    assert files_of(draft) == ["01_photo-00.jpg", "03_photo-01.jpg"]
    assert again.name == "03_photo-01.jpg"


def test_a_photo_is_dropped_once_and_only_from_its_own_draft() -> None:
    draft = draft_with(2)
    other = drafts.create_draft(draft.owner)
    first = draft.photos.first()
    assert not drafts.drop_photo(other, first.pk)
    assert drafts.drop_photo(draft, first.pk)
    assert not drafts.drop_photo(draft, first.pk)
    assert draft.photos.count() == 1


def test_a_started_draft_is_a_job_like_any_other(settings: Any) -> None:
    draft = draft_with(3, title="Fern", wishes=Wishes("quick"))
    settings.TRAINING_ITERATIONS = 123  # changed since
    wishes = Wishes("high", cross_validate=True, final_refine=False)
    assert drafts.start(draft, title="Hall", wishes=wishes, shared=True)
    draft.refresh_from_db()
    assert (draft.status, draft.title, draft.wishes.preset) == ("PENDING", "Hall", "high")
    assert draft.wishes == wishes
    assert draft.share.is_on
    config = from_dict(draft.config)
    assert (config.preset, config.train.iterations) == ("high", 123)
    assert not config.export.final_refine
    assert queue.carried_ids() == {draft.queue_id}


def test_a_draft_queues_behind_those_that_waited_while_it_was_collected() -> None:
    draft = draft_with(3)
    waiting = submit.create_job(draft.owner, photos(3))
    drafts.start(draft)
    draft.refresh_from_db()
    assert [queue.position(job) for job in (waiting, draft)] == [1, 2]


def test_a_draft_starts_once() -> None:
    draft = draft_with(3)
    assert drafts.start(draft, title="first")
    assert not drafts.start(draft, title="second")
    draft.refresh_from_db()
    assert draft.title == "first"
    assert len(queue.rq_queue().job_ids) == 1


def test_a_draft_with_too_few_photos_stays_one() -> None:
    draft = draft_with(2)
    with pytest.raises(UserError, match="There are 2 photos") as caught:
        drafts.start(draft)
    assert code_of(caught) == "too_few_photos"
    draft.refresh_from_db()
    assert draft.is_draft
    assert queue.carried_ids() == set()


def test_the_photos_of_a_started_scene_are_fixed() -> None:
    draft = draft_with(3)
    drafts.start(draft)
    with pytest.raises(UserError) as added:
        drafts.add_photo(draft, photo("late.jpg"))
    with pytest.raises(UserError) as dropped:
        drafts.drop_photo(draft, draft.photos.first().pk)
    assert code_of(added) == code_of(dropped) == "draft_started"
    assert len(files_of(draft)) == draft.photos.count() == 3


def test_what_a_crash_left_among_the_photos_is_not_reconstructed() -> None:
    draft = draft_with(3)
    (draft.workspace.upload / "04_renamed-but-not-recorded.jpg").write_bytes(photo_bytes(9))
    (draft.workspace.upload / ".half").write_bytes(b"half")
    drafts.start(draft)
    assert files_of(draft) == [photo.name for photo in draft.photos.all()]


def test_a_full_disk_is_said_and_the_draft_keeps_what_it_has(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    draft = draft_with(1)

    def full(*args: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(photo_files, "write", full)
    with pytest.raises(PipelineError) as caught:
        drafts.add_photo(draft, photo("b.jpg"))
    assert code_of(caught) == "disk_full"
    assert len(files_of(draft)) == draft.photos.count() == 1


def test_a_photo_for_a_deleted_draft_finds_none() -> None:
    draft = draft_with(1)
    folder, stale = draft.folder, Job.objects.get(pk=draft.pk)
    deletion.delete(draft)
    with pytest.raises(Job.DoesNotExist):
        drafts.add_photo(stale, photo("late.jpg"))
    with pytest.raises(Job.DoesNotExist):
        drafts.start(stale)
    assert not folder.exists()


def test_a_person_has_so_many_drafts_and_no_more(settings: Any, data_dir: Path) -> None:
    settings.MAX_DRAFTS = 2
    ann, ben = person(), person("ben@example.org")
    first = drafts.create_draft(ann)
    drafts.create_draft(ann)
    with pytest.raises(UserError, match="2 scenes") as caught:
        drafts.create_draft(ann)
    assert code_of(caught) == "too_many_drafts"
    assert len(list((data_dir / "jobs").iterdir())) == 2
    drafts.create_draft(ben)
    deletion.delete(first)
    drafts.create_draft(ann)


def test_an_abandoned_draft_is_removed_after_the_days_that_its_page_names(settings: Any) -> None:
    settings.DRAFT_DAYS = 3
    draft = draft_with(1)
    newer, started = drafts.create_draft(draft.owner), submit.create_job(draft.owner, photos(3))
    old = timezone.now() - timedelta(days=3, minutes=1)
    Job.objects.filter(pk__in=(draft.pk, started.pk)).update(edited_at=old, created_at=old)
    young = timezone.now() - timedelta(days=2, hours=23)
    Job.objects.filter(pk=newer.pk).update(edited_at=young, created_at=old)
    assert reconcile() == Mended(abandoned=1)
    assert {job.pk for job in Job.objects.all()} == {newer.pk, started.pk}
    assert not draft.folder.exists()
    newer.refresh_from_db()
    until = drafts.kept_until(newer)
    assert until is not None
    assert timedelta() < until - timezone.now() < timedelta(hours=1)
    assert drafts.kept_until(started) is None


def test_a_draft_that_somebody_just_came_back_to_is_not_removed() -> None:
    draft = draft_with(1)  # edited just now, after the list of old ones was made
    assert not lifecycle.abandon(draft, not_edited_since=timezone.now() - timedelta(days=1))
    draft.refresh_from_db()
    assert draft.is_draft


def ended(status: str = "FAILED", **given: Any) -> Job:
    job = submit.create_job(person(), photos(4), **given)
    Job.objects.filter(pk=job.pk).update(status=status, completed_at=timezone.now())
    job.refresh_from_db()
    return job


def with_features(job: Job) -> Job:
    """As COLMAP_FEAT leaves them: a real SQLite file, and the list of photos."""
    job.workspace.colmap.mkdir()
    with sqlite3.connect(job.workspace.database) as database:
        database.execute("CREATE TABLE images (name TEXT)")
        database.execute("INSERT INTO images VALUES ('01_photo-00.jpg')")
    database.close()
    job.workspace.photos_json.parent.mkdir()
    job.workspace.photos_json.write_text('{"photos": []}')
    return job


@pytest.mark.parametrize("status", Job.ENDED)
def test_photos_can_be_added_to_those_of_an_ended_scene(status: str) -> None:
    job = ended(status, title="Fern", wishes=Wishes("high", cross_validate=True), shared=True)
    draft = drafts.draft_from(job)
    draft.refresh_from_db()
    assert (draft.status, draft.title, draft.wishes.preset) == ("DRAFT", "Fern", "high")
    assert (draft.owner, draft.photos_from) == (job.owner, job)
    assert draft.wishes.cross_validate
    assert not draft.share.is_on
    for old, new in zip(job.photos.all(), draft.photos.all(), strict=True):
        assert (old.name, old.sha256) == (new.name, new.sha256)
        assert old.path.stat().st_ino == new.path.stat().st_ino
    added, _ = drafts.add_photo(draft, photo("x.jpg", seed=50))
    assert added.name == "05_x.jpg"
    assert drafts.drop_photo(draft, draft.photos.first().pk)
    assert job.photos.first().path.is_file()
    assert drafts.start(draft)


def test_a_new_photo_never_gets_the_name_of_a_known_one() -> None:
    """Features are found by name, and phones call every photo image.jpg."""
    job = ended()
    Photo.objects.filter(job=job, name__startswith="02").delete()
    draft = drafts.draft_from(job)
    drafts.drop_photo(draft, draft.photos.last().pk)
    added, _ = drafts.add_photo(draft, photo("photo 03.jpg", seed=51))
    assert added.name == "05_photo-03.jpg"


def test_features_come_along_as_a_copy_that_a_retry_of_the_first_job_does_not_touch() -> None:
    job = with_features(ended())
    draft = drafts.draft_from(job)
    known = draft.workspace.known / "database.db"
    assert known.stat().st_ino != job.workspace.database.stat().st_ino
    with sqlite3.connect(known) as database:
        assert database.execute("SELECT name FROM images").fetchall() == [("01_photo-00.jpg",)]
    database.close()
    assert json.loads((draft.workspace.known / "photos.json").read_text()) == {"photos": []}
    deletion.delete(job)
    assert known.is_file()


def test_features_are_left_behind_where_they_may_be_half_written() -> None:
    killed = with_features(ended())
    killed.workspace.database.with_name("database.db-journal").touch()
    assert not drafts.draft_from(killed).workspace.known.exists()
    killed.workspace.database.with_name("database.db-journal").unlink()
    with folder_lock.hold(killed.folder):  # a horse is still shutting down in it
        assert not drafts.draft_from(killed).workspace.known.exists()
    killed.workspace.database.unlink()
    assert not drafts.draft_from(killed).workspace.known.exists()


@pytest.mark.parametrize("status", ["PENDING", "PROCESSING", "DRAFT"])
def test_photos_of_a_scene_that_has_not_ended_are_not_taken(status: str) -> None:
    job = ended(status)
    with pytest.raises(UserError) as caught:
        drafts.draft_from(job)
    assert code_of(caught) == "not_ended"
    assert Job.objects.count() == 1


def test_photos_whose_files_were_cleaned_up_are_named(data_dir: Path) -> None:
    job = ended()
    deletion.delete_files(job)
    with pytest.raises(UserError, match=r"“photo 00\.jpg”") as caught:
        drafts.draft_from(job)
    assert code_of(caught) == "photo_unreadable"
    assert list((data_dir / "jobs").iterdir()) == []
