"""The word for a scene is the same wherever the scene is shown, and a poor one is not "ready"."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse
from django.utils import translation

from accounts.models import User
from recon.jobs import lifecycle
from recon.models import Job, Notice, Share
from recon.web.scene import PublicJob
from scripts.temporary_site import FINISHED
from tests.site.making import browser_of, finished_job, job_of, person, token_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("data_dir")]

POOR = {
    "registered": 4,
    "lpips": 0.2,
    "warnings": [
        {
            "code": "photos_left_out",
            "facts": {"count": 4, "total": 8, "photos": ["000.jpg", "001.jpg", "002.jpg"]},
        }
    ],
}
GOOD = {"lpips": 0.2}
EXCELLENT = {"small_psnr": 29.0, "small_ssim": 0.93, "confirmed": 0.7, "held_out": 4}
USABLE = {"small_psnr": 16.0}
#: Made although it is none, as its owner wished.
FOG = {"small_psnr": 8.0, "small_ssim": 0.2, "confirmed": 0.004}
WORDS = {"Excellent": EXCELLENT, "Good": GOOD, "Usable": USABLE, "Poor": POOR, "Not a scene": FOG}
UNMEASURED = dict.fromkeys(
    ("psnr", "ssim", "lpips", "psnr_corrected", "ssim_corrected", "small_psnr", "small_ssim")
)


@pytest.fixture
def ann() -> User:
    return person(handle="ann", gallery_open=True, mail_when_done=True, is_staff=True,
                  is_superuser=True)  # fmt: skip


def everywhere(job: Job) -> dict[str, str]:
    """Everything that shows the scene, as its owner (also staff) and as anybody sees it."""
    browser = browser_of(job.owner)
    Notice.objects.create(user=job.owner, job=job)
    Share.objects.filter(job=job.pk).update(is_on=True, in_gallery=True)
    addresses = {
        "gallery": reverse("recon:gallery"),
        "notices": reverse("recon:notices"),
        "usage": reverse("recon:usage"),
        "page": job.get_absolute_url(),
        "admin": reverse("admin:recon_job_changelist"),
        "link": reverse("recon:public", args=[job.share.key]),
        "public page": reverse("recon:public_gallery", args=["ann"]),
    }
    return {name: browser.get(address).content.decode() for name, address in addresses.items()}


@pytest.mark.parametrize(("word", "facts"), WORDS.items(), ids=WORDS)
def test_one_word_stands_wherever_the_scene_is_shown(
    ann: User, word: str, facts: dict[str, Any]
) -> None:
    for name, page in everywhere(finished_job(ann, **facts)).items():
        colours = "poor" if word == "Not a scene" else word.lower()
        chip = f'<span class="chip {colours}">{word}</span>'
        assert (chip if name != "admin" else f'field-quality">{word}<') in page, name
        assert "Done</span>" not in page, name


def test_who_hides_the_figures_hides_the_word_behind_the_link(ann: User) -> None:
    pages = everywhere(finished_job(ann, share_figures=False, **POOR))
    assert "Poor" in pages["page"]
    assert "Poor" not in pages["link"] + pages["public page"]


def test_the_last_poll_of_a_link_s_page_does_not_tell_the_word_that_is_hidden(
    client: Client, ann: User
) -> None:
    """It may be requested at any time, and brings the chip of a finished scene."""
    job = finished_job(ann, shared=True, share_figures=False)
    told = client.get(reverse("recon:public_progress", args=[job.share.key])).content.decode()
    assert "progress-title" in told
    assert 'class="chip' not in told


@pytest.mark.parametrize("shown", [True, False])
def test_no_template_behind_a_link_gets_a_word_that_is_hidden(ann: User, shown: bool) -> None:
    job = finished_job(ann, share_figures=shown)
    assert bool(PublicJob.of(job).verdict) == shown
    said = "PSNR, SSIM and LPIPS, the verdict on them, and how they were measured."
    assert said in browser_of(ann).get(job.get_absolute_url()).content.decode()


def test_a_poor_scene_is_called_so_and_the_first_thing_to_do_is_to_add_photos(ann: User) -> None:
    job = finished_job(ann, **POOR)
    pages = everywhere(job)
    add = f'action="{reverse("recon:draft_from", args=[job.pk])}"'
    page = pages["page"]
    assert page.index("4 of 8 photos could be placed.") < page.index("data-splat-viewer")
    assert page.index(add) < page.index("data-splat-viewer"), "before anything else"
    assert "is ready" not in pages["notices"]
    assert "turned out poor: 4 of 8 photos could be placed" in pages["notices"]
    assert add in pages["notices"]
    assert "4 of 8 photos could be placed" in pages["gallery"]
    assert "4 of 8 photos could be placed." in pages["link"]
    assert "neighbours should share two thirds" in page, "what to photograph next"
    assert "neighbours should share two thirds" not in pages["link"], "visitors can't"
    assert "photos 1 to 3 (secret garden 0.jpg" in page, "by number and by name"
    assert "secret garden" not in pages["link"]


def test_what_waits_for_a_finished_scene_finds_it_and_no_other(ann: User) -> None:
    """As benchmarks and `scripts/screens.py` do."""
    sign = re.compile(rf'class="{FINISHED.removeprefix(".")} ')
    for job, is_there in ((finished_job(ann), True), (job_of(ann, status="PROCESSING"), False)):
        page = browser_of(ann).get(job.get_absolute_url()).content.decode()
        assert bool(sign.search(page)) == is_there


def test_figures_are_folded_under_the_word(ann: User) -> None:
    page = browser_of(ann).get(finished_job(ann).get_absolute_url()).content.decode()
    fold = page[page.index('<details class="explain figures-fold">') :]
    assert "22.8 dB" in fold
    assert "22.8 dB" not in page[: -len(fold)]


@pytest.mark.parametrize(
    ("facts", "subject", "body"),
    [
        (
            POOR,
            "“Fern” – Poor: 4 of 8 photos could be placed",
            "but a poor one. Poor: 4 of 8 photos could be placed. Take photos between those",
        ),
        (
            FOG,
            "“Fern” – Not a scene: held-out photos can’t be recognised in it",
            "was made all the same, as you asked. Not a scene: held-out photos can’t be",
        ),
        (GOOD, "“Fern” is ready", "is ready. Good: held-out photos are matched closely."),
    ],
)
def test_a_mail_says_the_word(
    ann: User, settings: Any, django_capture_on_commit_callbacks: Any, facts: dict[str, Any],
    subject: str, body: str,
) -> None:  # fmt: skip
    settings.MAIL_IS_SET_UP = True
    measured = {"small_psnr": 20.4, "small_ssim": 0.74, "confirmed": 0.47} | facts
    job = job_of(ann, title="Fern", status=Job.Status.PROCESSING, **measured)
    with django_capture_on_commit_callbacks(execute=True):
        assert lifecycle.complete(job.pk, 1)
    assert mail.outbox[0].subject == subject
    assert body in mail.outbox[0].body


def test_programs_get_the_word_and_why(ann: User) -> None:
    program = Client(headers={"Authorization": f"Bearer {token_of(ann)}"})
    told = {}
    for name, facts in {
        "poor": POOR,
        "good": GOOD,
        "excellent": EXCELLENT,
        "not a scene": FOG,
        "unmeasured": UNMEASURED,
        "failed": {"status": Job.Status.FAILED, "error_code": "internal"},
    }.items():
        status = program.get(f"/recon/jobs/{finished_job(ann, **facts).pk}/status").json()
        told[name] = (status["quality"], status["quality_code"], status["quality_reason"])
    assert told == {
        "poor": ("poor", "placed", "4 of 8 photos could be placed"),
        "good": ("good", "psnr", "held-out photos are matched closely"),
        "excellent": ("excellent", "psnr", "held-out photos and the scene are hard to tell apart"),
        "not a scene": ("not_a_scene", "fog", "held-out photos can’t be recognised in it"),
        "unmeasured": (None, "nothing", "there are no figures for this scene"),
        "failed": (None, None, None),
    }


def test_the_word_and_the_warning_are_in_the_reader_s_language(ann: User) -> None:
    ann.language = "ko"
    ann.save()
    reason = {"code": "unforeseen", "detail": "RuntimeError: nobody foresaw this"}
    absent = {"code": "turntable_absent", "facts": {"reason": reason}}
    facts = json.loads(json.dumps(POOR))
    facts["warnings"].append(absent)
    job = finished_job(ann, **facts)
    page = browser_of(ann).get(job.get_absolute_url()).content.decode()
    assert '<span class="chip poor">나쁨</span>' in page
    assert "사진 8장 가운데 4장이 자리를 찾았어요." in page
    assert "사진 1~3(secret garden 0.jpg" in page
    assert "예상하지 못한 문제가 생겼어요" in page
    ann.is_staff = ann.is_superuser = False
    ann.save()
    page = browser_of(ann).get(job.get_absolute_url()).content.decode()
    assert "RuntimeError" not in page, "that is for staff"


@pytest.mark.parametrize(
    "figures",
    [
        *(EXCELLENT | {"small_psnr": psnr} for psnr in (29.0, 20.0, 16.0, 12.0)),
        *(EXCELLENT | {"small_ssim": ssim} for ssim in (0.7, 0.55, 0.2)),
        *(EXCELLENT | {"confirmed": share} for share in (0.25, 0.15, 0.01)),
        FOG,
        UNMEASURED,
    ],
)
@pytest.mark.parametrize("language", ["en", "ko"])
def test_a_friend_reads_nothing_of_held_out_photos(figures: Any, language: str) -> None:
    """Nobody who opens a link has been told what they are."""
    job = finished_job(person(), shared=True, **figures)
    page = Client().get(f"/v/{job.share.key}", headers={"Accept-Language": language})
    said = page.content.decode().split("public-card")[1]
    assert "held" not in said
    assert "검증용" not in said
    with translation.override(language):
        assert job.verdict is not None
        reason = job.verdict.plain_reason
    assert reason[:1].upper() + reason[1:] in said
