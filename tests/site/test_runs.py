"""Several scenes of the same photos: which are listed, and two of them side by side."""

from __future__ import annotations

import json

import numpy as np
import pytest
from django.test import Client
from django.urls import reverse

from recon.models import Job, Photo
from recon.web import runs
from tests.site.making import browser_of, finished_job, job_of, measured_job, person, supporter

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("data_dir")]


def at(first: Job, second: Job) -> str:
    return reverse("recon:compare", args=(first.pk, second.pk))


def with_the_photos_of(first: Job, second: Job) -> Job:
    for one, other in zip(first.photos.all(), second.photos.all(), strict=True):
        Photo.objects.filter(pk=other.pk).update(sha256=one.sha256)
    return second


@pytest.fixture
def first() -> Job:
    return measured_job(person())


@pytest.fixture
def second(first: Job) -> Job:
    better = {"psnr": 23.5, "ssim": 0.81, "lpips": 0.5, "preset": "high", "title": "Again"}
    return with_the_photos_of(first, measured_job(first.owner, **better))


def test_scenes_of_the_same_photos_are_listed_with_a_way_to_compare(
    first: Job, second: Job
) -> None:
    owner = first.owner
    finished_job(owner, title="Of other photos")
    with_the_photos_of(first, job_of(owner, status=Job.Status.FAILED))
    with_the_photos_of(first, finished_job(person("bob@example.org")))
    response = browser_of(owner).get(first.get_absolute_url())
    assert list(response.context["runs"]) == [second]
    assert at(first, second) in response.content.decode()
    assert list(runs.others_of(second)) == [first]


def test_two_photos_in_common_are_not_enough(first: Job, second: Job) -> None:
    Photo.objects.filter(job=second, name="002.jpg").update(sha256="0" * 64)
    assert list(runs.others_of(first)) == []


def test_the_two_stand_side_by_side(first: Job, second: Job) -> None:
    response = browser_of(first.owner).get(at(first, second))
    assert response.status_code == 200
    rows = {row["label"]: row for row in response.context["figures"]}
    assert (rows["PSNR"]["first"], rows["PSNR"]["second"]) == ("22.8 dB", "23.5 dB")
    assert [rows[label]["better"] for label in ("PSNR", "SSIM", "LPIPS")] == ["second", "", "first"]
    (pair,) = response.context["pairs"]
    page = response.content.decode()
    for url in (pair.first.urls["scene"], pair.second.urls["scene"], pair.first.urls["photo"]):
        assert url in page
    assert page.count("data-splat-viewer") == 2
    assert "different photos" not in page


def test_where_they_were_measured_on_different_photos_it_says_so(first: Job, second: Job) -> None:
    Photo.objects.filter(job=second, name="001.jpg").update(sha256="0" * 64)
    response = browser_of(first.owner).get(at(first, second))
    assert response.context["pairs"] == []
    page = response.content.decode()
    assert "measured on different photos" in page
    assert "There is no photo that both were measured on." in page


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


def with_cameras(job: Job, scale: float = 1.0) -> Job:
    """Three photos in a row, a step of `scale` from each other, all looking along z."""
    cameras = [
        {
            "img_name": f"{number:03}.jpg",
            "width": 80,
            "height": 60,
            "fx": 70.0,
            "fy": 70.0,
            "position": [scale * number, 0.0, scale],
            "rotation": np.eye(3).tolist(),
        }
        for number in range(3)
    ]
    job.artifacts.get(kind="cameras").file.write_text(json.dumps(cameras))
    return job


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
    with_cameras(first)
    if why == "other photos":
        with_cameras(second)
        Photo.objects.filter(job=second, name="001.jpg").update(sha256="0" * 64)
    page = browser_of(first.owner).get(at(first, second))
    assert page.context["alignment"] is None
    assert "data-together" not in page.content.decode()
