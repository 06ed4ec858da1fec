"""Who may change a job's status, from what, to what. One process; races are tested elsewhere."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from recon.jobs import attempts, deletion, lifecycle, queue, submit
from recon.jobs.drafts import drafts
from recon.jobs.folder import lock as folder_lock
from recon.jobs.folder import unclaimed
from recon.jobs.reconcile import reconcile
from recon.models import Job, StageRun
from tests.site.making import finished_job, job_of, person, photos
from tests.site.working import is_held

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _site(data_dir: Path, redis_queue: Any) -> None:
    """Every test here has a data folder and a queue."""


@pytest.fixture
def job() -> Job:
    """A job that waits, and is in the queue."""
    job = job_of(person())
    queue.enqueue(str(job.pk), job.attempt)
    return job


@pytest.fixture
def running(job: Job) -> Job:
    started = lifecycle.start(job.pk, 1)
    assert started is not None
    StageRun.objects.create(job=job, attempt=1, step="GS_TRAIN", started_at=timezone.now())
    return started


def now(job: Job) -> Job:
    return Job.objects.get(pk=job.pk)


def test_an_attempt_starts_once(job: Job) -> None:
    started = lifecycle.start(job.pk, 1)
    assert started is not None
    assert started.status == Job.Status.PROCESSING
    assert started.started_at is not None
    assert lifecycle.start(job.pk, 1) is None


@pytest.mark.parametrize("attempt", [0, 2])
def test_another_attempt_than_the_present_one_does_not_start(job: Job, attempt: int) -> None:
    assert lifecycle.start(job.pk, attempt) is None
    assert now(job).status == Job.Status.PENDING


def test_progress_of_an_old_attempt_is_not_written(running: Job) -> None:
    assert lifecycle.heartbeat(running.pk, 1, percent=70.0)
    attempts.worker_lost(running.pk, 1)
    lifecycle.start(running.pk, 2)
    assert not lifecycle.heartbeat(running.pk, 1, percent=99.0)
    assert now(running).percent == 0.0


@pytest.mark.parametrize(
    "end",
    [
        lifecycle.complete,
        partial(lifecycle.fail, code="internal"),
        attempts.worker_lost,
        attempts.hand_back,
    ],
)
def test_an_old_attempt_ends_nothing(running: Job, end: Callable[[object, int], bool]) -> None:
    attempts.worker_lost(running.pk, 1)
    lifecycle.start(running.pk, 2)
    assert not end(running.pk, 1)
    assert (now(running).status, now(running).attempt) == ("PROCESSING", 2)


def test_a_failure_keeps_the_step_and_says_why(running: Job) -> None:
    lifecycle.heartbeat(running.pk, 1, step="COLMAP_MAP")
    facts = {"registered": 2, "total": 8}
    assert lifecycle.fail(running.pk, 1, "too_few_registered", facts)
    failed = now(running)
    assert (failed.status, failed.step) == ("FAILED", "COLMAP_MAP")
    assert failed.error is not None
    assert "2 of 8" in failed.error.title
    assert failed.completed_at is not None
    assert failed.stage_runs.get().outcome == StageRun.Outcome.FAILED


def test_facts_that_json_cannot_hold_become_text(running: Job) -> None:
    assert lifecycle.fail(running.pk, 1, "folder_not_writable", {"folder": Path("/data")})
    assert now(running).error_facts == {"folder": "/data"}


def test_a_cancelled_job_leaves_the_queue(job: Job) -> None:
    assert queue.carried_ids() == {job.queue_id}
    assert lifecycle.cancel(job)
    assert now(job).status == Job.Status.CANCELLED
    assert queue.carried_ids() == set()
    assert lifecycle.start(job.pk, 1) is None


def test_a_running_job_is_cancelled_at_once(running: Job) -> None:
    assert lifecycle.cancel(running)
    assert running.status == Job.Status.CANCELLED
    assert not lifecycle.heartbeat(running.pk, 1)
    assert running.stage_runs.get().outcome == StageRun.Outcome.CANCELLED


def test_a_cancel_works_without_redis(running: Job, no_redis: None) -> None:
    assert lifecycle.cancel(running)
    assert now(running).status == Job.Status.CANCELLED


@pytest.mark.parametrize("status", Job.ENDED)
def test_an_ended_job_cannot_be_cancelled(status: str) -> None:
    job = job_of(person(), status=status)
    assert not lifecycle.cancel(job)
    assert now(job).status == status


def test_a_cancel_reaches_the_attempt_that_began_after_the_page_was_shown(running: Job) -> None:
    as_shown = now(running)
    attempts.worker_lost(running.pk, 1)
    assert lifecycle.cancel(as_shown)
    assert (now(running).status, now(running).attempt) == ("CANCELLED", 2)
    assert f"{running.pk}-2" not in queue.carried_ids()


def test_a_lost_worker_costs_an_attempt_and_the_job_goes_to_the_front(running: Job) -> None:
    later = job_of(running.owner)
    queue.enqueue(str(later.pk), 1)
    assert attempts.worker_lost(running.pk, 1)
    again = now(running)
    assert (again.status, again.attempt, again.losses) == ("PENDING", 2, 1)
    assert (again.step, again.percent) == ("QUEUED", 0.0)
    ids = [i for i in queue.rq_queue().job_ids if not i.endswith(f"{running.pk}-1")]
    assert ids == [f"{running.pk}-2", f"{later.pk}-1"]
    assert running.stage_runs.get().outcome == StageRun.Outcome.LOST


def test_after_three_lost_workers_the_job_fails(running: Job, settings: Any) -> None:
    settings.MAX_ATTEMPTS = 3
    for attempt in (1, 2, 3):
        assert now(running).attempt == attempt
        lifecycle.start(running.pk, attempt)
        assert attempts.worker_lost(running.pk, attempt)
    failed = now(running)
    assert (failed.status, failed.error_code) == ("FAILED", "worker_lost")
    assert failed.error is not None
    assert "3 times" in failed.error.title


def test_a_worker_that_dies_before_it_claims_the_job_counts_too(job: Job) -> None:
    assert attempts.worker_lost(job.pk, 1)
    assert (now(job).attempt, now(job).losses) == (2, 1)


def test_handing_back_is_a_new_attempt_but_no_loss(running: Job) -> None:
    for attempt in range(1, 6):
        lifecycle.start(running.pk, attempt)
        assert attempts.hand_back(running.pk, attempt)
    again = now(running)
    assert (again.status, again.attempt, again.losses) == ("PENDING", 6, 0)


def sample_of(owner: Any, **fields: Any) -> Job:
    """The sample job that a first start makes by itself."""
    return job_of(owner, is_sample=True, gives_way=True, **fields)


def start_of(how: str, owner: Any) -> Job:
    """A job that somebody has just started."""
    if how == "upload":
        return submit.create_job(owner, photos(3))
    if how == "retry":
        failed = job_of(owner, status=Job.Status.FAILED)
        assert attempts.retry(failed)
        return now(failed)
    draft = drafts.create_draft(owner)
    for one in photos(3):
        drafts.add_photo(draft, one)
    assert drafts.start(draft)
    return now(draft)


@pytest.mark.parametrize("how", ["upload", "draft", "retry"])
def test_what_nobody_asked_for_makes_way_for_what_somebody_starts(how: str) -> None:
    """Waiting or running on the only worker, it goes last, and no attempt is counted as lost."""
    ann = person()
    waits = sample_of(ann)
    queue.enqueue(str(waits.pk), 1)
    runs = sample_of(ann)
    assert lifecycle.start(runs.pk, 1)
    StageRun.objects.create(job=runs, attempt=1, step="GS_TRAIN", started_at=timezone.now())
    first, second = start_of(how, ann), start_of("upload", ann)
    line = queue.rq_queue().job_ids
    assert line[:2] == [first.queue_id, second.queue_id]
    assert set(line[2:]) == {now(waits).queue_id, now(runs).queue_id}
    assert [queue.position(one) for one in (first, second, now(waits), now(runs))] == [1, 2, 3, 4]
    assert queue.positions(ann.pk)[runs.pk] == 4
    assert (now(runs).status, now(runs).losses) == ("PENDING", 0)
    assert runs.stage_runs.get().outcome == "lost"


def test_a_free_worker_is_enough_for_both(settings: Any) -> None:
    settings.MAX_CONCURRENT_JOBS = 2
    sample = sample_of(person())
    assert lifecycle.start(sample.pk, 1)
    submit.create_job(sample.owner, photos(3))
    assert (now(sample).status, now(sample).attempt) == ("PROCESSING", 1)
    submit.create_job(sample.owner, photos(3))
    assert (now(sample).status, now(sample).attempt) == ("PENDING", 2)


def test_a_second_sample_that_somebody_asks_for_waits_for_no_other() -> None:
    """Only what the site started by itself gives way, but not to another such job."""
    ann = person()
    asked_for = job_of(ann, is_sample=True)
    queue.enqueue_on_commit(asked_for)
    lifecycle.put_in_line(sample_of(ann))
    lifecycle.put_in_line(job_of(ann))
    assert (now(asked_for).attempt, queue.position(asked_for)) == (1, 1)
    assert queue.rq_queue().job_ids[0] == asked_for.queue_id


def test_what_gives_way_stays_behind_when_its_worker_is_lost_or_redis_forgets() -> None:
    ann = person()
    sample = sample_of(ann)
    assert lifecycle.start(sample.pk, 1)
    job = job_of(ann)
    queue.enqueue_on_commit(job)
    assert attempts.hand_back(sample.pk, 1)
    line = [job.queue_id, f"{sample.pk}-2"]
    assert queue.rq_queue().job_ids == line
    queue.rq_queue().connection.flushdb()
    reconcile()
    assert queue.rq_queue().job_ids == line
    queue.withdraw(line[1])
    reconcile()
    assert queue.rq_queue().job_ids == line


def test_staff_can_retry_a_failed_job(running: Job) -> None:
    lifecycle.fail(running.pk, 1, "internal")
    failed = now(running)
    assert attempts.retry(failed)
    again = now(running)
    assert (again.status, again.attempt, again.error_code) == ("PENDING", 2, "")
    assert again.completed_at is None
    assert f"{running.pk}-2" in queue.carried_ids()


@pytest.mark.parametrize("status", [s for s in Job.Status if s != "FAILED"])
def test_only_a_failed_job_is_retried(status: str) -> None:
    job = job_of(person(), status=status)
    assert not attempts.retry(job)
    assert (now(job).status, now(job).attempt) == (status, 1)


@pytest.mark.parametrize("status", Job.Status)
def test_a_deleted_job_leaves_no_row_and_no_file(status: str) -> None:
    job = job_of(person(), status=status)
    folder, key = job.folder, job.pk
    deletion.delete(job)
    assert not Job.objects.filter(pk=key).exists()
    assert not folder.exists()


def test_a_job_whose_folder_is_gone_can_be_deleted() -> None:
    job = Job.objects.create(owner=person())
    deletion.delete(job)
    assert not Job.objects.exists()


def test_a_delete_waits_for_the_writer(job: Job) -> None:
    holding, release = threading.Event(), threading.Event()

    def write() -> None:
        with folder_lock.hold(job.folder):
            holding.set()
            release.wait()
            (job.folder / "late").write_text("still here")

    writer = threading.Thread(target=write)
    writer.start()
    holding.wait()
    threading.Timer(0.5, release.set).start()
    folder = job.folder
    deletion.delete(job)
    writer.join()
    assert not folder.exists()


def test_a_folder_that_is_written_to_for_too_long_is_removed_later(
    job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deletion, "DELETE_WAIT_S", 0.2)
    folder = job.folder
    with folder_lock.hold(folder):
        deletion.delete(job)
        assert not Job.objects.exists()
        assert unclaimed.sweep(patience_s=0) == 0
        assert folder.exists()
    assert unclaimed.sweep(patience_s=0) == 1
    assert not folder.exists()


def test_staff_makes_room_without_losing_the_figures() -> None:
    job = finished_job(person())
    assert deletion.delete_files(job)
    emptied = now(job)
    assert (emptied.status, emptied.figures.psnr, emptied.view) == (
        "COMPLETED",
        job.figures.psnr,
        None,
    )
    assert not emptied.artifacts.exists()
    assert not job.folder.exists()


def test_files_of_an_active_job_stay(running: Job) -> None:
    assert not deletion.delete_files(running)
    assert running.folder.exists()


class TestFolderLock:
    def test_one_holder_at_a_time(self, tmp_path: Path) -> None:
        with folder_lock.hold(tmp_path):
            assert is_held(tmp_path)
            with pytest.raises(folder_lock.FolderBusy), folder_lock.hold(tmp_path, wait_s=0.1):
                pass
        assert not is_held(tmp_path)

    def test_a_folder_that_is_gone_is_not_made_again(self, tmp_path: Path) -> None:
        gone = tmp_path / "gone"
        with pytest.raises(FileNotFoundError), folder_lock.hold(gone):
            pass
        assert not gone.exists()
        assert not is_held(gone)

    def test_who_waited_for_a_folder_that_was_removed_gets_nothing(self, tmp_path: Path) -> None:
        folder = tmp_path / "job"
        folder.mkdir()
        waiting, outcome = threading.Event(), []

        def wait() -> None:
            waiting.set()
            try:
                with folder_lock.hold(folder, wait_s=10):
                    outcome.append("held")
            except FileNotFoundError:
                outcome.append("gone")

        waiter = threading.Thread(target=wait)
        with folder_lock.hold(folder):
            waiter.start()
            waiting.wait()
            (folder / folder_lock.LOCK_NAME).unlink()
            folder.rmdir()
        waiter.join()
        assert outcome == ["gone"]
