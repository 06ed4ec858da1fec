"""Who judges faults sees what was broken. The faults themselves are for `make bench`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from benchmarks.faults import judging, pipeline
from recon.jobs import queue
from recon.jobs.people import notices
from recon.jobs.run import tasks
from recon.models import Job, StageRun
from recon.pipeline.progress import Step
from tests.site.making import job_of, person

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def job(data_dir: Path, redis_queue: Redis, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Job:
    """One that the benchmark's pipeline has made a scene of."""
    monkeypatch.setattr(pipeline, "PAUSE_S", 0.0)
    settings.PIPELINE_RUNNER = "benchmarks.faults.pipeline.run_pipeline"
    made = job_of(person())
    queue.enqueue(str(made.pk), made.attempt)
    tasks.run_job(str(made.pk), made.attempt)
    made.refresh_from_db()
    return made


def found(job: Job, data_dir: Path) -> dict[str, list[str]]:
    return {
        "lost": list(judging.lost(job)),
        "doubled": list(judging.doubled(job)),
        "files": [*judging.odd_files(job), *judging.orphans(data_dir, None)],
    }


def _fail(job: Job) -> None:
    Job.objects.filter(pk=job.pk).update(status=Job.Status.FAILED, error_code="worker_lost")
    job.refresh_from_db()


def _lose_scene(job: Job) -> None:
    (job.folder / pipeline.RESULT).unlink()


def _mix_scenes(job: Job) -> None:
    (job.folder / pipeline.RESULT).write_text("of another attempt")


def _finish_again(job: Job) -> None:
    run = job.stage_runs.get(step=Step.EXPORT_PLY)
    run.pk, run.attempt, run.outcome = None, 2, StageRun.Outcome.DONE
    run.save()


def _tell_again(job: Job) -> None:
    notices.job_ended(job.pk)


def _leave_half_a_file(job: Job) -> None:
    (job.folder / "work" / ".photos.json.partial").touch()


def _lose_photo(job: Job) -> None:
    next(job.workspace.upload.iterdir()).unlink()
    (job.folder / pipeline.RESULT).write_text(pipeline.expected(job.workspace))


def _leave_folder(job: Job) -> None:
    (job.folder.parent / "nobody").mkdir()


def _leave_upload(job: Job) -> None:
    (job.folder.parents[1] / "incoming" / "tmp1.upload.jpg").touch()


@pytest.mark.parametrize(
    ("kind", "harm"),
    [
        ("lost", _fail),
        ("lost", _lose_scene),
        ("lost", _mix_scenes),
        ("doubled", _finish_again),
        ("doubled", _tell_again),
        ("files", _leave_half_a_file),
        ("files", _lose_photo),
        ("files", _leave_folder),
        ("files", _leave_upload),
    ],
)
def test_each_broken_promise_is_seen_and_no_other(
    job: Job, data_dir: Path, settings: Any, kind: str, harm: Callable[[Job], None]
) -> None:
    (data_dir / "incoming").mkdir()
    assert found(job, data_dir) == {"lost": [], "doubled": [], "files": []}
    harm(job)
    assert [name for name, sentences in found(job, data_dir).items() if sentences] == [kind]


def test_a_run_that_goes_on_keeps_what_is_true_and_ends_with_the_same(job: Job) -> None:
    before = (job.folder / pipeline.RESULT).read_text()
    assert before == pipeline.expected(job.workspace)
    Job.objects.filter(pk=job.pk).update(status=Job.Status.PENDING, attempt=2)
    job.workspace.remove_marker(Step.GS_TRAIN)
    tasks.run_job(str(job.pk), 2)
    assert (job.folder / pipeline.RESULT).read_text() == before
    outcomes = dict(job.stage_runs.filter(attempt=2).values_list("step", "outcome"))
    assert outcomes.pop(Step.GS_TRAIN) == StageRun.Outcome.DONE
    assert set(outcomes.values()) == {StageRun.Outcome.REUSED}
