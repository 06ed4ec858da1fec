"""What a finished run writes to the database: all of it, or nothing."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from recon.jobs import attempts, lifecycle, publish
from recon.models import Artifact, Figures, Job
from recon.pipeline.errors import PipelineError
from recon.pipeline.outcome import Summary
from recon.pipeline.records import RecordError
from tests.site.making import job_of, person

pytestmark = pytest.mark.django_db(transaction=True)

SUMMARY = Summary(
    status="COMPLETED",
    registered=3,
    psnr=24.0,
    ssim=0.8,
    lpips=None,
    psnr_corrected=25.5,
    ssim_corrected=0.85,
    protocol="cross-validation",
    spread={"psnr": 1.2, "ssim": 0.05, "lpips": None},
    refined=True,
    gaussian_count=5,
    iterations=800,
    warnings=[{"code": "metrics_absent", "facts": {"reason": {"code": "nothing_held_out"}}}],
    artifacts={"splat": "output/scene.splat", "poster": "output/poster.jpg", "x": "output/x"},
)
#: What EXPORT_PLY leaves in output/viewer.json.
VIEW = {"position": [1.0, 2.0, 3.0], "target": [0.0, 0.0, 0.0], "up": [0.0, -1.0, 0.0],
        "fov_y_degrees": 50.0, "aspect": 1.5, "trained_height": 300}  # fmt: skip


@pytest.fixture
def job(data_dir: Path, redis_queue: Any) -> Job:
    job = lifecycle.start(job_of(person()).pk, 1)
    assert job is not None
    job.workspace.output.mkdir()
    (job.folder / "output/scene.splat").write_bytes(b"12345")
    (job.folder / "output/poster.jpg").write_bytes(b"123")
    return job


def now(job: Job) -> Job:
    return Job.objects.get(pk=job.pk)


def test_figures_files_view_and_status_are_recorded(job: Job) -> None:
    job.workspace.viewer_json.write_text(json.dumps(VIEW))
    assert publish.publish(job, SUMMARY)
    done = now(job)
    assert (done.status, done.figures.psnr, done.figures.lpips, done.figures.iterations) == (
        "COMPLETED",
        24.0,
        None,
        800,
    )
    assert (done.figures.psnr_corrected, done.figures.ssim_corrected) == (25.5, 0.85)
    assert (done.figures.protocol, done.figures.refined) == (
        Figures.Protocol.CROSS_VALIDATION,
        True,
    )
    assert done.figures.spread == {"psnr": 1.2, "ssim": 0.05, "lpips": None}
    assert done.view == VIEW
    assert done.completed_at is not None
    assert {(a.kind, a.size) for a in done.artifacts.all()} == {("splat", 5), ("poster", 3)}
    assert "No photo was held out." in done.explained_warnings[0].title


def test_a_ply_is_recorded_with_the_number_of_its_gaussians(job: Job) -> None:
    header = b"ply\nformat binary_little_endian 1.0\nelement vertex 1234\nend_header\n"
    (job.folder / "output/scene.ply").write_bytes(header)
    (job.folder / "output/other.ply").write_bytes(b"ply without a count")
    files = {"scene_ply": "output/scene.ply", "ply": "output/other.ply"}
    assert publish.publish(job, replace(SUMMARY, artifacts=SUMMARY.artifacts | files))
    counts = {artifact.kind: artifact.gaussians for artifact in job.artifacts.all()}
    assert counts == {"scene_ply": 1234, "ply": None, "splat": None, "poster": None}


def test_a_figure_that_is_no_number_is_left_out(job: Job) -> None:
    assert publish.publish(job, replace(SUMMARY, psnr=float("inf"), ssim=float("nan")))
    assert (now(job).figures.psnr, now(job).figures.ssim) == (None, None)


def test_a_spread_that_is_no_number_is_left_out_and_one_that_is_not_there_is_none(
    job: Job,
) -> None:
    assert publish.publish(job, replace(SUMMARY, spread={"psnr": float("nan"), "ssim": 0.1}))
    assert now(job).figures.spread == {"psnr": None, "ssim": 0.1}


def test_what_was_not_measured_is_recorded_as_absent(job: Job) -> None:
    bare = replace(SUMMARY, psnr=None, psnr_corrected=None, protocol=None, spread=None)
    assert publish.publish(job, replace(bare, refined=None))
    done = now(job)
    assert (
        done.figures.psnr,
        done.figures.protocol,
        done.figures.spread,
        done.figures.refined,
    ) == (None, "", None, None)


def test_a_view_that_is_none_is_told_and_not_published(job: Job) -> None:
    job.workspace.viewer_json.write_text(json.dumps(VIEW | {"up": "down"}))
    with pytest.raises(RecordError, match=r"viewer.json.*up"):
        publish.publish(job, SUMMARY)
    assert now(job).status == Job.Status.PROCESSING


def test_a_cancelled_job_is_not_published(job: Job) -> None:
    lifecycle.cancel(now(job))
    assert not publish.publish(job, SUMMARY)
    assert now(job).status == Job.Status.CANCELLED
    assert not Artifact.objects.exists()


def test_an_attempt_that_was_taken_over_publishes_nothing(job: Job) -> None:
    attempts.worker_lost(job.pk, 1)
    lifecycle.start(job.pk, 2)
    assert not publish.publish(job, SUMMARY)
    assert (now(job).status, now(job).figures.psnr) == ("PROCESSING", None)
    assert not Artifact.objects.exists()


def test_a_promised_file_that_is_missing_is_our_fault(job: Job) -> None:
    (job.folder / "output/scene.splat").unlink()
    with pytest.raises(PipelineError):
        publish.publish(job, SUMMARY)
    assert now(job).status == Job.Status.PROCESSING
    assert not Artifact.objects.exists()


def test_an_earlier_attempts_files_are_replaced(job: Job) -> None:
    Artifact.objects.create(job=job, kind="ply", path="output/old.ply", size=1)
    assert publish.publish(job, SUMMARY)
    assert set(now(job).artifacts.values_list("kind", flat=True)) == {"splat", "poster"}
