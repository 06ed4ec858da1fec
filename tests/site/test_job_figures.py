"""The figures on a finished job’s page, in words."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from recon.models import Figures, Job
from recon.pipeline.words.reasons import Reason
from recon.web.result.measures import measures_of
from recon.web.result.metrics import metrics_of
from tests.site import outcomes
from tests.site.making import browser_of, finished_job, person, supporter
from tests.site.outcomes import PhotoFigures

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("data_dir")]


def page_of(job: Job, user: User | None = None) -> str:
    """The job's page as its owner sees it, or another."""
    return browser_of(user or job.owner).get(job.get_absolute_url()).content.decode()


def test_a_figure_says_what_it_is_and_leaves_the_word_to_the_scene() -> None:
    job = finished_job(person())
    assert [(m["figure"], m["said"].rpartition(". ")[2]) for m in metrics_of(job)] == [
        ("22.8 dB", "Higher is better."),
        ("0.81", "Higher is better."),
        ("0.41", "Lower is better."),
    ]


def test_the_quality_tab_says_what_the_word_is_made_of() -> None:
    job = finished_job(person(), confirmed=0.15)
    assert [(one.figure, one.word) for one in measures_of(job)] == [
        ("3 of 3", "excellent"),
        ("15%", "usable"),
        ("20.4 dB", "good"),
        ("0.74", "good"),
    ]
    page = page_of(job)
    assert "Depth that photos confirm for each other" in page
    assert '<td class="number">15%</td><td><span class="chip usable">Usable</span></td>' in page
    assert "confirm for each other" not in Client().get(f"/v/{job.share.key}").content.decode()


def test_an_absent_figure_is_shown_to_staff_only_with_its_reason() -> None:
    ann = person()
    job = finished_job(ann, lpips=None)
    reason = {"code": "lpips_offline", "detail": "the weights can't be downloaded (refused)"}
    view = {"001.jpg": (22.84, 0.813, None)}
    outcomes.results(view, lpips_reason=Reason(**reason)).write(job.workspace)
    assert [metric["key"] for metric in metrics_of(job)] == ["psnr", "ssim"]
    assert 'metric-label">LPIPS' not in page_of(job, ann)
    page = page_of(job, supporter())
    assert "The weights that LPIPS needs can’t be downloaded here. (the weights can" in page


def test_figures_that_could_not_be_had_at_all_say_why_to_staff() -> None:
    job = finished_job(person(), psnr=None, ssim=None, lpips=None)
    assert metrics_of(job) == []
    recorded = {
        Reason.of(ValueError("no photo")): "Something unexpected went wrong; "
        "the log has the details. (ValueError: no photo)",
        None: "It was not measured for this scene.",
    }
    for reason, said in recorded.items():
        outcomes.not_measured(reason).write(job.workspace)
        assert {metric["reason"] for metric in metrics_of(job, for_staff=True)} == {said}


def test_a_figure_says_at_which_size_it_was_taken_and_what_it_is_at_the_photos_own() -> None:
    """A quick scene is scored at the small size at which it was trained, so it says so."""
    job = finished_job(person(), shared=True)
    measured(job, held_out=1, in_training=3, photo_size=1600)
    pages = [
        page_of(job),
        Client().get(f"/v/{job.share.key}").content.decode(),
    ]
    for page in pages:
        assert "1 of 4 photos was kept aside" in page
        for said in ("22.8 dB", "at 400 px", "20.6 dB", "at the photos’ own size, 1600 px"):
            assert said in page
        assert "pixel by pixel" not in page
    big = re.findall(r'metric-figure number">([^<]*)<', pages[0])
    assert big == ["22.8 dB", "20.6 dB", "0.81", "0.70", "0.41"], "both are as prominent"


@pytest.mark.parametrize("record", [{"photo_size": 400}, {"own": None}, {"max_image_size": None}])
def test_where_there_is_one_size_no_other_is_spoken_of(record: dict[str, Any]) -> None:
    job = finished_job(person())
    measured(job, held_out=1, in_training=3, **record)
    page = page_of(job)
    assert "22.8 dB" in page
    assert "own size" not in page
    assert "at 400 px" not in page


def measured(
    job: Job,
    held_out: int,
    in_training: int,
    own: PhotoFigures | None = (20.61, 0.7, None),
    folded_own: PhotoFigures | None = None,
    **more: Any,
) -> None:
    """Writes the evaluation's record: every photo has the job's figures, and `own` at its own size;
    with `folded_own`, each photo was held out once and has these at its own size."""
    names = [f"{number}.jpg" for number in range(held_out + in_training)]
    figures = (job.figures.psnr, job.figures.ssim, job.figures.lpips)
    if folded_own:
        more |= {
            "folded": dict.fromkeys(names, figures),
            "folded_at_photo": dict.fromkeys(names, folded_own),
        }
    test, train = names[:held_out], names[held_out:]
    outcomes.results(
        dict.fromkeys(test, figures),
        at_photo=dict.fromkeys(test, own) if own else None,
        split=(train, test),
        **more,
    ).write(job.workspace)


def test_the_exposure_matched_figure_stands_beside_the_raw_one() -> None:
    job = finished_job(person(), psnr=24.1, psnr_corrected=26.0)
    psnr, ssim, lpips = metrics_of(job)
    assert (psnr["figure"], psnr["corrected"]) == ("24.1 dB", "26.0 dB")
    assert (ssim["figure"], ssim["corrected"], lpips["corrected"]) == ("0.81", "0.83", "")
    page = page_of(job)
    assert "26.0 dB when each photo’s exposure is matched" in page
    assert "expose one photo a little brighter" in page
    job.figures.psnr_corrected = 24.13  # no difference that a person could read
    assert metrics_of(job)[0]["corrected"] == ""


def test_without_a_matched_figure_the_page_does_not_explain_it() -> None:
    job = finished_job(person(), psnr_corrected=None, ssim_corrected=None)
    page = page_of(job)
    assert "exposure" not in page


@pytest.mark.parametrize(
    ("refined", "ending"),
    [
        (True, "The scene that you see was then finished with all 20 photos."),
        (False, "The scene that you see is made without them."),
    ],
)
def test_the_page_says_which_photos_were_held_out_and_what_the_scene_is_made_of(
    refined: bool, ending: str
) -> None:
    job = finished_job(person(), refined=refined, shared=True)
    measured(job, held_out=4, in_training=16)
    said = "4 of 20 photos were kept aside: the figures come from a scene made without them. "
    assert said + ending in page_of(job)
    assert said in Client().get(f"/v/{job.share.key}").content.decode()


@pytest.mark.parametrize(
    ("refined", "ending"),
    [
        (True, "The scene that you see was then finished with all 8 photos."),
        (False, "The scene that you see is made without 2 of them."),
    ],
)
def test_the_page_says_that_each_photo_was_held_out_once(refined: bool, ending: str) -> None:
    spread = {"psnr": 1.24, "ssim": 0.051, "lpips": None}
    job = finished_job(
        person(), protocol="cross-validation", spread=spread, refined=refined, shared=True
    )
    measured(job, held_out=2, in_training=6, folded_own=(19.04, 0.7, None))
    page = page_of(job)
    assert (
        "Each of the 8 photos was kept aside once: every figure comes from a scene made without "
        f"the photo that it is compared with. {ending}"
    ) in page
    assert "± 1.2<" in page
    assert "± 0.05<" in page
    assert "19.0 dB" in page
    shared = Client().get(f"/v/{job.share.key}").content.decode()
    assert "Each of the 8 photos was kept aside once" in shared
    assert "± 1.2<" in shared


def test_where_the_record_is_gone_the_page_still_says_what_it_knows() -> None:
    job = finished_job(person(), spread={"psnr": 1.0})
    job.workspace.results_json.unlink()
    page = page_of(job)
    assert "Some photos were kept aside" in page
    assert "finished with all photos." in page
    Figures.objects.filter(job=job.pk).update(protocol="cross-validation", refined=False)
    page = page_of(job)
    assert "Each photo was kept aside once" in page
    assert "made without some of them" in page


def test_a_scene_that_was_not_measured_speaks_of_no_held_out_photos() -> None:
    job = finished_job(person(), psnr=None, ssim=None, lpips=None)
    page = page_of(job)
    assert "the figures come from" not in page
