"""Several scenes of the same photos: which are listed, and two of them side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.test import Client
from django.urls import reverse

from recon.models import Figures, Job, Photo
from recon.pipeline.wishes import Wishes
from recon.web.result import runs
from recon.web.result.comparison import compare
from tests.site import outcomes
from tests.site.making import browser_of, finished_job, job_of, measured_job, person, supporter

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("data_dir")]


def at(first: Job, second: Job) -> str:
    return reverse("recon:compare", args=(first.pk, second.pk))


def with_the_photos_of(first: Job, second: Job) -> Job:
    for one, other in zip(first.photos.all(), second.photos.all(), strict=True):
        Photo.objects.filter(pk=other.pk).update(sha256=one.sha256)
    return second


def with_cameras(job: Job, scale: float = 1.0, placed: Sequence[int] = (0, 1, 2)) -> Job:
    """Photos in a row, `scale` apart, all looking along z."""
    outcomes.row_of_cameras(placed, scale).write(job.workspace)
    return job


def measured_on(
    job: Job, psnrs: Mapping[int, float], own: Mapping[int, float] | None = None, **more: Any
) -> Job:
    """Writes what the evaluation says about these held-out photos; `own` is at their own size."""
    test = [f"{n:03}.jpg" for n in psnrs]
    train = [photo.name for photo in job.photos.all() if photo.name not in test]
    own_views = None if own is None else {f"{n:03}.jpg": (own[n], 0.7, None) for n in own}
    views = {f"{n:03}.jpg": (psnr, 0.81, None) for n, psnr in psnrs.items()}
    results = outcomes.results(views, at_photo=own_views, split=(train, test), **more)
    results.write(job.workspace)
    return job


@pytest.fixture
def first() -> Job:
    return with_cameras(measured_job(person()))


@pytest.fixture
def second(first: Job) -> Job:
    better = {"psnr": 23.5, "ssim": 0.81, "lpips": 0.5, "wishes": Wishes("high"), "title": "Again"}
    job = with_the_photos_of(first, measured_job(first.owner, **better))
    return measured_on(with_cameras(job), {1: 23.5})


def test_cameras_are_read_once_and_no_further_than_they_are_needed(
    first: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(runs.LISTED + 4):
        with_cameras(with_the_photos_of(first, finished_job(first.owner)))
    read, real = [], Path.read_bytes

    def counted(path: Path) -> bytes:
        if path.name == "cameras.json":
            read.append(path)
        return real(path)

    monkeypatch.setattr(Path, "read_bytes", counted)
    listed = runs.others_of(first)
    assert len(listed) == runs.LISTED
    assert len(read) == len(set(read)) == runs.LISTED + 1
    assert runs.others_of(Job.objects.get(pk=first.pk)) == listed
    assert len(read) == runs.LISTED + 1, "nothing has changed"
    with_cameras(listed[0], placed=(0,))
    assert listed[0] not in runs.others_of(Job.objects.get(pk=first.pk))
    assert len(read) == runs.LISTED + 3, "the changed one, and the one that takes its place"


def test_scenes_of_the_same_photos_are_listed_with_a_way_to_compare(
    first: Job, second: Job
) -> None:
    owner = first.owner
    finished_job(owner, title="Of other photos")
    with_the_photos_of(first, job_of(owner, status=Job.Status.FAILED))
    with_the_photos_of(first, finished_job(person("bob@example.org")))
    response = browser_of(owner).get(first.get_absolute_url())
    assert response.context["runs"] == [second]
    assert at(first, second) in response.content.decode()
    assert runs.others_of(second) == [first]


def test_two_photos_in_common_are_not_enough(first: Job, second: Job) -> None:
    Photo.objects.filter(job=second, name="002.jpg").update(sha256="0" * 64)
    assert runs.others_of(first) == []


def test_photos_that_found_no_place_are_nothing_to_compare(first: Job, second: Job) -> None:
    with_cameras(second, placed=[0, 1])
    assert runs.others_of(first) == []
    assert "Compare with" not in browser_of(first.owner).get(first.get_absolute_url()).text


def test_the_two_stand_side_by_side(first: Job, second: Job) -> None:
    response = browser_of(first.owner).get(at(first, second))
    assert response.status_code == 200
    rows = {row.label: row for row in response.context["comparison"].rows}
    assert (rows["PSNR"].first, rows["PSNR"].second) == ("22.8 dB", "23.5 dB")
    assert [rows[label].better for label in ("PSNR", "SSIM")] == ["second", ""]
    assert "LPIPS" not in rows, "LPIPS was not measured on that photo"
    (pair,) = response.context["pairs"]
    page = response.content.decode()
    for url in (pair.first.urls["scene"], pair.second.urls["scene"], pair.first.urls["photo"]):
        assert url in page
    assert page.count("data-splat-viewer") == 2
    assert "The quality figures are of the 1 photo that both held out." in page


def test_only_photos_that_both_held_out_decide_which_is_better(first: Job, second: Job) -> None:
    """The second has the better mean, thanks to a photo that the first was never scored on."""
    measured_on(second, {1: 20.0, 2: 40.0})
    Figures.objects.filter(job=second.pk).update(psnr=30.0)
    told = compare(first, Job.objects.get(pk=second.pk))
    psnr = next(row for row in told.rows if row.label == "PSNR")
    assert (psnr.first, psnr.second, psnr.better) == ("22.8 dB", "20.0 dB", "first")


@pytest.mark.parametrize("why", ["other photos", "another size", "not measured"])
def test_where_figures_can_not_be_compared_it_says_why_and_calls_none_better(
    first: Job, second: Job, why: str
) -> None:
    said = "no photo was held out in both"
    if why == "other photos":
        measured_on(second, {2: 30.0})
    elif why == "another size":
        measured_on(second, {1: 30.0}, max_image_size=1600)
        prepared = {"preflight": {"max_image_size": 3200}}
        Job.objects.filter(pk=second.pk).update(config=prepared)
        said = "a smaller picture is easier to match"
    else:
        Figures.objects.filter(job=second.pk).update(psnr=None, ssim=None, lpips=None)
        said = "the quality of “Again” was not measured"
    response = browser_of(first.owner).get(at(first, second))
    page = response.content.decode()
    assert "They can’t be compared by figures" in page
    assert said in page
    assert ">better<" not in page
    assert not any(row.better for row in response.context["comparison"].rows)


def test_scenes_trained_at_different_sizes_are_compared_at_the_photos_own(
    first: Job, second: Job
) -> None:
    """A quick scene's own figure flatters it: 22.8 dB at 400 px, 19 dB at the other's size."""
    for job, size, at_training, own in ((first, 400, 22.84, 19.0), (second, 1600, 21.0, 21.0)):
        measured_on(job, {1: at_training}, {1: own}, max_image_size=size)
    psnr = compare(first, second).rows[0]
    assert (psnr.first, psnr.second, psnr.better) == ("19.0 dB", "21.0 dB", "second")


def test_a_scene_is_not_compared_with_itself(first: Job) -> None:
    response = browser_of(first.owner).get(at(first, first))
    assert response["Location"] == first.get_absolute_url()


def test_one_that_is_not_finished_is_not_compared(first: Job) -> None:
    running = job_of(first.owner, status=Job.Status.PROCESSING)
    response = browser_of(first.owner).get(at(first, running))
    assert response.status_code == 404
    assert "Only finished scenes can be compared." in response.content.decode()


def test_nobody_else_compares_them(first: Job, second: Job, client: Client) -> None:
    bob = finished_job(person("bob@example.org"))
    for pair in ((first, second), (bob, second), (second, bob)):
        assert browser_of(bob.owner).get(at(*pair)).status_code == 404
    assert client.get(at(first, second)).status_code == 302
    staff = browser_of(supporter())
    assert staff.get(at(first, second)).status_code == 200
    assert staff.get(at(first, bob)).status_code == 404, "not across accounts"


def test_where_the_first_world_lies_in_the_second_is_told(first: Job, second: Job) -> None:
    with_cameras(first)
    with_cameras(second, scale=4.0)
    response = browser_of(first.owner).get(at(first, second))
    told = response.context["alignment"]
    assert told["scale"] == pytest.approx(4)
    assert np.array(told["rotation"]) == pytest.approx(np.eye(3))
    assert told["translation"] == pytest.approx([0, 0, 0], abs=1e-9)
    assert "data-together=" in response.content.decode()


@pytest.mark.parametrize("why", ["no cameras", "other photos"])
def test_without_photos_that_both_have_each_moves_alone(first: Job, second: Job, why: str) -> None:
    if why == "no cameras":
        second.artifacts.get(kind="cameras").file.unlink()
    else:
        Photo.objects.filter(job=second, name="001.jpg").update(sha256="0" * 64)
    page = browser_of(first.owner).get(at(first, second))
    assert page.context["alignment"] is None
    assert "data-together" not in page.content.decode()
