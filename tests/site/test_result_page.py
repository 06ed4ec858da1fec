"""What a finished job's page says about how it was made, and the switch between its two scenes."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from recon.models import Artifact, Job, StageRun
from recon.pipeline.machine.environment import Check
from recon.pipeline.outcome import Machine, TrainingRecord
from recon.splats.config import TrainConfig
from tests.site.making import browser_of, finished_job, measured_job, person, with_first_part

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("data_dir")]


def page_of(job: Job, **query: str) -> Any:
    return browser_of(job.owner).get(job.get_absolute_url(), query)


def file_of(job: Job, kind: str) -> str:
    return reverse("recon:file", args=(job.pk, kind))


# --- With and without outliers ---


def test_the_delivered_scene_is_shown_and_the_other_can_be() -> None:
    job = measured_job(person())
    context = page_of(job).context
    assert [one["key"] for one in context["scene_choices"] if one["current"]] == ["filtered"]
    assert [(one["key"], one["count"]) for one in context["scene_choices"]] == [
        ("filtered", 1234),
        ("all", 1300),
    ]
    assert context["viewer"]["scene_url"] == file_of(job, "splat")
    other = page_of(job, show="all").context
    assert [one["key"] for one in other["scene_choices"] if one["current"]] == ["all"]
    assert other["viewer"]["scene_url"] == file_of(job, "other_spz")
    assert other["viewer"]["bytes"] == len("spz other")
    page = page_of(job).content.decode()
    assert page.count(file_of(job, "other_spz")) == 1  # for the viewer; the PLYs are for download


def test_a_part_is_shown_first_of_the_delivered_scene_alone() -> None:
    job = with_first_part(measured_job(person()))
    assert page_of(job).context["viewer"]["first_url"] == file_of(job, "first")
    page = page_of(job, show="all")
    viewer = page.context["viewer"]
    assert (viewer["first_url"], viewer["to_load"]) == ("", viewer["bytes"])
    assert "data-first" not in page.content.decode()


def test_without_its_small_file_the_other_scene_is_shown_from_its_ply() -> None:
    """Scenes that are too large for the format have none."""
    job = measured_job(person())
    job.artifacts.filter(kind="other_spz").delete()
    ply = job.artifacts.get(kind="ply")
    viewer = page_of(job, show="all").context["viewer"]
    assert (viewer["scene_url"], viewer["bytes"]) == (file_of(job, "ply"), ply.size)


def test_where_all_gaussians_are_delivered_that_is_said() -> None:
    job = measured_job(person())
    unfiltered = job.artifacts.get(kind="ply").path
    Artifact.objects.filter(job=job, kind="scene_ply").update(path=unfiltered)
    choices = page_of(job, show="nonsense").context["scene_choices"]
    assert [(one["key"], one["delivered"], one["current"]) for one in choices] == [
        ("filtered", False, False),
        ("all", True, True),
    ]
    assert choices[0]["url"] == file_of(job, "other_spz")


@pytest.mark.parametrize("why", ["the same", "gone", "no row", "no scene"])
def test_there_is_no_choice_where_there_is_nothing_to_choose(why: str) -> None:
    job = measured_job(person())
    plys = [job.artifacts.get(kind=kind) for kind in ("ply", "filtered_ply")]
    if why == "the same":
        plys[1].gaussians = plys[0].gaussians
        plys[1].save()
    elif why == "gone":
        plys[0].file.unlink()
    elif why == "no row":
        plys[1].delete()
    else:
        plys[0].gaussians = None
        plys[0].save()
    response = page_of(job)
    assert response.context["scene_choices"] == []
    assert "data-scene-choices" not in response.content.decode()


# --- Time and settings ---


def test_the_time_of_each_step_is_shown() -> None:
    job = finished_job(person())
    start = timezone.now()
    for step, seconds in (("COLMAP_FEAT", 4), ("GS_TRAIN", 40)):
        ended = start + timedelta(seconds=seconds)
        StageRun.objects.create(
            job=job, attempt=1, step=step, outcome="done", started_at=start, ended_at=ended
        )
    rows = {row["label"]: row for row in page_of(job).context["timings"]}
    assert (rows["Train the scene"]["seconds"], rows["Train the scene"]["share"]) == (40, 100)
    assert rows["Find features"]["share"] == 10


def test_the_settings_are_those_that_were_used() -> None:
    config = {"preflight": {"max_image_size": None}, "train": {"iterations": 9}, "seed": 42}
    job = finished_job(person(), config=config)
    used = TrainConfig(iterations=1200, sh_degree=0)
    TrainingRecord(
        iterations=1200,
        gaussian_count=1234,
        training_size=(400, 299),
        max_image_size=400,
        max_gaussians=used.max_gaussians,
        settings=used,
    ).write(job.workspace)
    checks = (
        Check("torch", "2.13.0", ok=True, needed=True, advice=""),
        Check("CUDA device", "none", ok=False, needed=False, advice="a GPU"),
        Check("rasteriser", "CPU, 2 cores", ok=True, needed=True, advice=""),
    )
    Machine(checks=checks).write(job.workspace)
    said = dict(page_of(job).context["settings_used"])
    assert said["Training steps"] == "1,200"
    assert said["Trained at"] == "400 × 299 pixels"
    assert said["Photos prepared at"] == "their full size"
    assert said["Colours that change with the view (SH degree)"] == "0"
    assert (said["Machine"], said["Versions"]) == ("CPU, 2 cores", "torch 2.13.0")
    assert said["Random seed"] == "42"


def test_a_job_that_wrote_nothing_down_says_what_is_known() -> None:
    response = page_of(finished_job(person()))
    assert response.status_code == 200
    said = dict(response.context["settings_used"])
    assert said["Preset"] == "Quick"
    assert "Machine" not in said
