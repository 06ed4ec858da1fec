"""What falls through the cracks between database, Redis and folders is found and repaired."""

from __future__ import annotations

import json
import os
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.utils import timezone
from redis import Redis

from recon.jobs import lifecycle, publish, queue
from recon.jobs.folder import lock as folder_lock
from recon.jobs.folder import photo_files, unclaimed
from recon.jobs.reconcile import Mended, reconcile
from recon.models import Job, StageRun
from recon.pipeline.outcome import Summary
from tests.services import use_redis
from tests.site.making import job_of, person
from tests.site.staged_pipeline import summary_of, write_results

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _site(data_dir: Path, redis_queue: Redis) -> None:
    """Every test here has a data folder and a queue."""


def started(**fields: Any) -> Job:
    job = lifecycle.start(job_of(person(), **fields).pk, fields.get("attempt", 1))
    assert job is not None
    return job


def test_a_site_in_order_is_left_alone() -> None:
    owner = person()
    waiting = job_of(owner)
    queue.enqueue(str(waiting.pk), 1)
    for status in Job.ENDED:
        job_of(owner, status=status, stored_bytes=0)
    before = list(Job.objects.order_by("pk").values())
    assert reconcile() == Mended()
    assert list(Job.objects.order_by("pk").values()) == before


def test_a_job_that_was_never_queued_is_queued(redis_queue: Redis) -> None:
    job = job_of(person())
    assert reconcile() == Mended(queued=1)
    assert queue.carried_ids() == {job.queue_id}
    assert reconcile() == Mended()


def test_a_redis_that_lost_its_memory_gets_the_jobs_back_in_order(redis_queue: Redis) -> None:
    owner = person()
    jobs = [job_of(owner) for _ in range(4)]
    for job in jobs[:3]:
        queue.enqueue(str(job.pk), 1)
    redis_queue.flushall()
    queue.enqueue(str(jobs[3].pk), 1)  # newer, and in the queue already
    assert reconcile() == Mended(queued=3)
    assert queue.rq_queue().job_ids == [job.queue_id for job in jobs]


def test_jobs_submitted_while_redis_was_away_are_queued_when_it_is_back(
    no_redis: None, redis_url: str, settings: Any
) -> None:
    job = job_of(person())
    assert not queue.enqueue(str(job.pk), 1)
    assert reconcile() == Mended()
    use_redis(settings, redis_url)
    assert reconcile() == Mended(queued=1)
    assert queue.carried_ids() == {job.queue_id}


def test_a_running_job_that_is_nobodys_gets_another_attempt() -> None:
    job = started()
    StageRun.objects.create(job=job, attempt=1, step="GS_TRAIN", started_at=timezone.now())
    assert reconcile().settled == 1
    job.refresh_from_db()
    assert (job.status, job.attempt, job.losses) == ("PENDING", 2, 1)
    assert queue.carried_ids() == {f"{job.pk}-2"}
    assert job.stage_runs.get().outcome == StageRun.Outcome.LOST


def test_a_running_job_whose_folder_is_held_is_left_alone() -> None:
    job = started()
    with folder_lock.hold(job.folder):
        assert reconcile() == Mended()
    job.refresh_from_db()
    assert job.status == Job.Status.PROCESSING


def test_a_running_job_without_a_folder_is_nobodys() -> None:
    job = Job.objects.create(owner=person(), status=Job.Status.PROCESSING)
    assert reconcile().settled == 1
    job.refresh_from_db()
    assert job.attempt == 2


def test_a_job_that_nobody_keeps_alive_does_not_run_for_ever() -> None:
    job = started()
    for _ in range(10):
        reconcile()
        job.refresh_from_db()
        lifecycle.start(job.pk, job.attempt)
    assert (job.status, job.error_code) == ("FAILED", "worker_lost")


def test_a_finished_run_that_was_not_recorded_is_published() -> None:
    job = started()
    write_results(job.folder)
    publish.note_finished(job, summary_of("COMPLETED"))
    assert reconcile().settled == 1
    job.refresh_from_db()
    assert (job.status, job.attempt, job.losses) == ("COMPLETED", 1, 0)
    assert job.artifacts.get().kind == "splat"
    assert publish.unrecorded_summary(job) is None


@pytest.mark.parametrize("broken", ["no file", "no json", "no artifacts"])
def test_a_finished_run_that_cannot_be_published_is_run_again(broken: str) -> None:
    job = started()
    publish.note_finished(job, summary_of("COMPLETED"))
    if broken == "no json":
        (job.folder / "work" / "finished.json").write_text("{")
    if broken == "no artifacts":
        (job.folder / "work" / "finished.json").write_text("{}")
    assert reconcile().settled == 1
    job.refresh_from_db()
    assert (job.status, job.attempt) == ("PENDING", 2)


def test_what_a_delete_left_behind_is_removed_by_the_timer() -> None:
    job = job_of(person())
    folder = job.folder
    unclaimed.mark(folder)
    job.delete()
    assert reconcile().swept == 0  # a fresh mark may be an upload in progress
    os.utime(folder / unclaimed.MARK, (0, 0))
    assert reconcile().swept == 1
    assert not folder.exists()


def test_a_mark_that_a_killed_process_left_on_a_job_s_folder_is_taken_off() -> None:
    """It would be removed if the row were missing one day: in an older backup, or another
    database."""
    job = job_of(person())
    unclaimed.mark(job.folder)
    os.utime(job.folder / unclaimed.MARK, (0, 0))
    assert reconcile().swept == 0
    assert not (job.folder / unclaimed.MARK).exists()
    assert job.folder.is_dir()


def test_what_a_worker_took_and_never_began_is_queued_again(redis_queue: Redis) -> None:
    """It was killed between the list and the horse; RQ would take minutes to find out."""
    job = job_of(person())
    queue.enqueue(str(job.pk), job.attempt)
    listed = queue.rq_queue()
    redis_queue.lmove(listed.key, listed.intermediate_queue_key)
    assert reconcile().queued == 0  # it may just be slow
    queue._handed_over_since[job.queue_id] -= queue.SILENT_WORKER_S
    assert reconcile().queued == 1
    assert listed.job_ids == [job.queue_id]


def test_a_clock_that_is_put_forward_costs_no_upload_its_folder() -> None:
    job = Job(owner=person())
    with photo_files.new_folder(job):
        os.utime(job.folder / unclaimed.MARK, (0, 0))
        assert reconcile().swept == 0
        assert job.workspace.upload.is_dir()


def test_the_command_says_what_it_mended() -> None:
    job_of(person())
    out = StringIO()
    call_command("reconcile", stdout=out)
    assert "1 queued again" in out.getvalue()


def test_a_finished_note_is_whole_json() -> None:
    job = started()
    publish.note_finished(job, Summary(psnr=20.5))
    assert json.loads((job.folder / "work" / "finished.json").read_text())["psnr"] == 20.5
