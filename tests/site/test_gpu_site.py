"""The real thing on a GPU: the site's own worker and queue, real photos, CUDA all the way.

Needs a GPU, gsplat and the fern photos (RECON_PHOTOS). Deselected by marker everywhere else.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from redis import Redis

from recon.jobs import lifecycle, submit
from recon.models import Job, StageRun
from recon.pipeline.progress import Step
from recon.pipeline.wishes import Wishes
from tests.photos import real_photos
from tests.site.making import person
from tests.site.working import worker
from tests.waiting import wait_until

pytestmark = [pytest.mark.gpu, pytest.mark.django_db(transaction=True)]

REAL_PIPELINE = ""


def test_the_site_trains_on_cuda_cancels_in_training_and_retries_a_lost_horse(
    data_dir: Path, redis_queue: Redis
) -> None:
    """One worker, three jobs: a long test, because each needs the one before and real poses."""
    photos = [SimpleUploadedFile(p.name, p.read_bytes()) for p in real_photos("fern")]
    first = submit.create_job(person(), photos, wishes=Wishes("standard"))
    second, third = submit.run_again(first), submit.run_again(first)
    with worker(pipeline=REAL_PIPELINE) as process:
        wait_for(first, lambda: first.has_ended)
        assert first.status == Job.Status.COMPLETED, first.workspace.log.read_text()
        assert "Training on cuda" in first.workspace.log.read_text()
        assert first.figures.registered == 20
        assert first.figures.psnr is not None
        assert first.figures.psnr >= 25.5
        assert first.artifacts.filter(kind="splat").get().file.stat().st_size > 0
        told = first.figures
        print(f"\nfirst: {told.psnr:.2f} dB, {told.ssim:.3f}, {told.gaussian_count} Gaussians")
        for run in first.stage_runs.all():
            print(f"  {run.step:14s} {run.seconds:6.1f} s")

        wait_for(second, lambda: second.step == Step.GS_TRAIN)
        [horse] = process.children()
        began = time.monotonic()
        assert lifecycle.cancel(second)
        horse.wait(timeout=5)
        print(f"second: cancelled in training; its horse ended in {time.monotonic() - began:.2f} s")

        wait_for(third, lambda: third.step == Step.GS_TRAIN)
        [horse] = process.children()
        horse.kill()
        wait_for(third, lambda: third.has_ended)
    second.refresh_from_db()
    assert (second.status, second.step) == (Job.Status.CANCELLED, Step.GS_TRAIN)
    assert (third.status, third.attempt) == (Job.Status.COMPLETED, 2)
    outcomes = dict(third.stage_runs.filter(attempt=2).values_list("step", "outcome"))
    assert outcomes[Step.COLMAP_MAP] == StageRun.Outcome.REUSED
    assert outcomes[Step.GS_TRAIN] == StageRun.Outcome.DONE
    psnr = third.figures.psnr
    print(f"third: horse killed in training, finished by attempt {third.attempt}: {psnr:.2f} dB")


def wait_for(job: Job, true: Callable[[], bool]) -> None:
    """Polls the row; a real training on a graphics card may take minutes."""

    def reached() -> bool:
        job.refresh_from_db()
        assert true() or not job.has_ended, f"{job.status}: {job.error}"
        return true()

    wait_until(reached, f"job {job.pk}", limit_s=800)
