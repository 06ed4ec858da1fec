"""Who judges a site with a machine cut off sees what was broken. The rest is for `make bench`."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.utils import timezone
from redis import Redis

from benchmarks.boxes import judging
from benchmarks.faults import pipeline
from recon.jobs import queue
from recon.jobs.folder import mirror
from recon.jobs.people import notices
from recon.jobs.run import tasks
from recon.models import Job, StageRun, StoredFile
from recon.pipeline.progress import Step
from tests.s3_server import S3Server
from tests.site.making import job_of, person

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def job(
    object_store: S3Server,
    data_dir: Path,
    redis_queue: Redis,
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> Job:
    """One that has ended, with its files in the store."""
    monkeypatch.setattr(pipeline, "PAUSE_S", 0.0)
    settings.PIPELINE_RUNNER = "benchmarks.faults.pipeline.run_pipeline"
    made = job_of(person())
    mirror.keep(made, *made.workspace.upload.iterdir())
    queue.enqueue(str(made.pk), made.attempt)
    tasks.run_job(str(made.pk), made.attempt)
    made.refresh_from_db()
    assert made.status == Job.Status.COMPLETED
    return made


def _be_done_again(job: Job) -> None:
    Job.objects.update(completed_at=timezone.now(), attempt=2)


def _send_other_content(job: Job) -> None:
    StoredFile.objects.filter(path=pipeline.RESULT).update(key="another")


def _write_another_size(job: Job) -> None:
    job.artifacts.update(size=1)


def _end_a_step_late(job: Job) -> None:
    StageRun.objects.filter(step=Step.GS_TRAIN).update(outcome=StageRun.Outcome.LOST)


def test_each_late_write_is_seen_and_nothing_where_there_was_none(
    job: Job, object_store: S3Server
) -> None:
    site: Any = SimpleNamespace(store=object_store)
    assert not [*judging.twice(job), *judging.temporary_files()]
    assert not judging.unlisted(site) | judging.missing(site)
    before = judging.facts_of_ended()
    assert before == judging.facts_of_ended()
    for write in (_be_done_again, _send_other_content, _write_another_size, _end_a_step_late):
        write(job)
        now = judging.facts_of_ended()
        assert now != before, write.__name__
        before = now


def test_what_a_job_has_twice_is_seen(job: Job) -> None:
    notices.job_ended(job.pk)
    job.stage_runs.create(
        attempt=2, step=Step.EXPORT_PLY, outcome="done", started_at=timezone.now()
    )
    assert [one.partition(" ")[2] for one in judging.twice(job)] == [
        "has 2 notices",
        "finished 2 times",
    ]


def test_half_a_scene_and_a_lost_one_are_seen(job: Job) -> None:
    scene = job.folder / pipeline.RESULT
    assert not [*judging.not_done(job)]
    job.artifacts.update(size=2 * judging.SPLAT_BYTES + 1)
    assert "has half a scene" in "".join(judging.not_done(job))
    scene.write_bytes(bytes(judging.SPLAT_BYTES))
    job.artifacts.update(size=judging.SPLAT_BYTES)
    row = StoredFile.objects.get(path=pipeline.RESULT)
    row.size, row.changed_ns = scene.stat().st_size, scene.stat().st_mtime_ns
    row.save()
    assert "than was sent" in "".join(judging.not_done(job))
    job.artifacts.all().delete()
    assert "has no scene" in "".join(judging.not_done(job))
    Job.objects.update(status=Job.Status.FAILED)
    job.refresh_from_db()
    assert "is FAILED" in "".join(judging.not_done(job))


def test_objects_rows_and_files_that_belong_to_nobody_are_seen(
    job: Job, object_store: S3Server, data_dir: Path
) -> None:
    site: Any = SimpleNamespace(store=object_store)
    row = StoredFile.objects.filter(path=pipeline.RESULT).get()
    row.delete()
    assert judging.unlisted(site) == {row.key}
    StoredFile.objects.filter(path__startswith="upload").update(key="job/nowhere")
    assert judging.missing(site) == {"job/nowhere"}
    (job.folder / "work" / ".half.partial").touch()
    assert [*judging.temporary_files()] == [f"jobs/{job.pk}/work/.half.partial is left"]
