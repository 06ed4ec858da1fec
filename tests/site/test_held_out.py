"""Held-out photos next to the scene: for the owner, in both protocols, with whatever is left."""

from __future__ import annotations

import io
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from PIL import Image

from recon.models import Figures, Job
from recon.web.result.held_out import held_out_of
from tests.site.making import browser_of, finished_job, measured_job, noise, person, supporter
from tests.site.outcomes import results

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("data_dir")]


def at(job: Job, kind: str = "photo", number: int = 1) -> str:
    return reverse("recon:held_out", args=(job.pk, number, kind))


def picture(response: Any) -> Image.Image:
    return Image.open(io.BytesIO(b"".join(response.streaming_content))).convert("RGB")


def test_the_owner_sees_the_photo_and_what_the_scene_makes_of_it() -> None:
    job = measured_job(person())
    browser = browser_of(job.owner)
    for kind, folder, colour in (("scene", "renders", (0, 0, 200)), ("photo", "gt", (200, 0, 0))):
        path = job.workspace.output / "test" / "ours_700" / folder / "00000.png"
        Image.new("RGB", (60, 40), colour).save(path)
        response = browser.get(at(job, kind))
        assert (response.status_code, response["Content-Type"]) == (200, "image/jpeg")
        shown = picture(response)
        assert shown.size == (60, 40)
        assert shown.getpixel((30, 20)) == pytest.approx(colour, abs=4)


def test_nobody_else_sees_them(client: Client) -> None:
    job = measured_job(person(), shared=True)
    assert browser_of(person("bob@example.org")).get(at(job)).status_code == 404
    assert client.get(at(job)).status_code == 302
    assert browser_of(supporter()).get(at(job)).status_code == 200
    page = client.get(reverse("recon:public", args=(job.share.key,))).content.decode()
    assert "held-out/" not in page


@pytest.mark.parametrize(("kind", "number"), [("photo", 2), ("photo", 0), ("gt", 1), ("x", 1)])
def test_what_there_is_not_is_not_found(kind: str, number: int) -> None:
    job = measured_job(person())
    assert browser_of(job.owner).get(at(job, kind, number)).status_code == 404


def test_the_page_shows_each_with_its_own_name_and_figures() -> None:
    job = measured_job(person())
    response = browser_of(job.owner).get(job.get_absolute_url())
    (one,) = response.context["held_out"]
    assert (one.original_name, one.corrected, one.size) == (
        "secret garden 1.jpg",
        "24.5 dB",
        (60, 40),
    )
    assert (one.labels, one.figures) == (("PSNR", "SSIM"), ("22.8 dB", "0.81"))
    page = response.content.decode()
    assert at(job, "photo") in page
    assert at(job, "scene") in page


def test_where_the_pictures_are_gone_the_figures_stay() -> None:
    job = measured_job(person())
    (job.workspace.output / "test" / "ours_700" / "gt" / "00000.png").unlink()
    response = browser_of(job.owner).get(job.get_absolute_url())
    assert [one.urls for one in response.context["held_out"]] == [{}]
    assert "data-versus" not in response.content.decode()
    assert "24.5 dB" in response.content.decode()
    assert browser_of(job.owner).get(at(job)).status_code == 404


@pytest.mark.parametrize("content", ["", "{}", '{"scene": "filtered"}'])
def test_results_that_say_nothing_show_nothing(content: str) -> None:
    job = finished_job(person())
    job.workspace.results_json.write_text(content)
    assert held_out_of(job) == []
    assert browser_of(job.owner).get(job.get_absolute_url()).status_code == 200


def test_with_every_photo_held_out_once_each_has_its_pictures() -> None:
    job = measured_job(person(), protocol=Figures.Protocol.CROSS_VALIDATION)
    folded = {f"00{n}.jpg": (20.0 + n, 0.8, 0.2) for n in range(3)}
    results({"001.jpg": (22.84, 0.813, None)}, folded=folded).write(job.workspace)
    for kind in ("renders", "gt"):
        (job.workspace.fold_pictures / kind).mkdir(parents=True)
        for n in (0, 2):
            noise(n).save(job.workspace.fold_pictures / kind / f"00{n}.png")
    found = held_out_of(job)
    assert [one.figures[0] for one in found] == ["20.0 dB", "21.0 dB", "22.0 dB"]
    assert [sorted(one.urls) for one in found] == [["photo", "scene"]] * 3
    assert found[1].files["photo"].parent.parent.name == "ours_700"  # the job's own split
