"""A run that ended because its photos make no scene: nothing is lost, and its owner may have it."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from recon.jobs import attempts, lifecycle, submit
from recon.models import Job
from recon.pipeline.config import from_dict
from tests.site.making import browser_of, finished_job, job_of, person, token_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("data_dir", "redis_queue")]

FACTS = {"registered": 3, "total": 9}
SAID = "These photos do not make a scene: 3 of 9 could be placed"


@pytest.fixture
def ann() -> User:
    return person()


def ended(owner: User, **fields: Any) -> Job:
    facts = {"step": "EVALUATION", "error_code": "not_a_scene", "error_facts": FACTS} | fields
    return job_of(owner, status=Job.Status.FAILED, **facts)


def at(job: Job) -> str:
    return reverse("recon:make_anyway", args=[job.pk])


def test_its_page_says_why_and_what_to_shoot_and_offers_both_ways_on(ann: User) -> None:
    job = ended(ann)
    page = browser_of(ann).get(job.get_absolute_url()).content.decode()
    assert SAID in page
    assert "a step to the side of another" in page
    assert f'action="{reverse("recon:draft_from", args=[job.pk])}"' in page
    assert f'action="{at(job)}"' in page
    assert "Show it all the same" in page
    other = ended(ann, error_code="no_features", error_facts={})
    assert at(other) not in browser_of(ann).get(other.get_absolute_url()).content.decode()


@pytest.mark.parametrize("way", ["page", "program"])
def test_whoever_wants_it_all_the_same_gets_a_new_attempt_at_the_same_job(
    ann: User, way: str
) -> None:
    job = ended(ann)
    if way == "page":
        ask = lambda: browser_of(ann).post(at(job)).status_code == 302  # noqa: E731
    else:
        program = Client(headers={"Authorization": f"Bearer {token_of(ann)}"})
        address = f"/recon/jobs/{job.pk}/anyway"
        ask = lambda: program.post(address).json().get("make_anyway")  # noqa: E731
    assert ask()
    assert ask(), "twice does no harm"
    job.refresh_from_db()
    assert (job.status, job.attempt, job.error_code) == (Job.Status.PENDING, 2, "")
    assert job.wishes.make_anyway
    assert from_dict(job.config).make_anyway
    again = submit.run_again(job)
    assert again.wishes.make_anyway, "kept for another run"


@pytest.mark.parametrize(
    "fields",
    [
        {"status": Job.Status.FAILED, "error_code": "no_features"},
        {"status": Job.Status.COMPLETED},
        {"status": Job.Status.CANCELLED, "error_code": ""},
    ],
    ids=["another error", "done", "cancelled"],
)
def test_nothing_else_is_made_anyway(ann: User, fields: dict[str, Any]) -> None:
    job = job_of(ann, **fields)
    said = "did not end because its photos make no scene."
    refused = browser_of(ann).post(at(job))
    assert refused.status_code == 409
    assert said in refused.content.decode()
    program = Client(headers={"Authorization": f"Bearer {token_of(ann)}"})
    told = program.post(f"/recon/jobs/{job.pk}/anyway")
    assert told.status_code == 409
    assert said in told.json()["detail"]
    job.refresh_from_db()
    assert (job.status, job.attempt) == (fields["status"], 1)


def test_it_waits_for_its_turn_as_any_run(ann: User, settings: Any) -> None:
    settings.QUOTA_ACTIVE_JOBS, settings.QUOTA_JOBS_A_DAY = 1, 0
    job, other = ended(ann), job_of(ann)
    refused = browser_of(ann).post(at(job))
    assert refused.status_code == 429
    assert "1 scene waiting or running" in refused.content.decode()
    lifecycle.cancel(other)
    assert attempts.make_anyway(job), "it counted as a start when it was started"


def test_a_scene_made_anyway_is_called_what_it_is(ann: User) -> None:
    fog = {"small_psnr": 8.0, "small_ssim": 0.2, "held_out": 1, "confirmed": 0.004}
    job = finished_job(ann, **fog)
    page = browser_of(ann).get(job.get_absolute_url()).content.decode()
    assert '<span class="chip poor">Not a scene</span>' in page
    assert "Held-out photos can’t be recognised in it." in page
    assert "every part is in three photos or more" in page, "what to shoot next"


def test_programs_are_told_the_code_and_the_sentence(ann: User) -> None:
    program = Client(headers={"Authorization": f"Bearer {token_of(ann)}"})
    told = program.get(f"/recon/jobs/{ended(ann).pk}/status").json()
    assert (told["error_code"], told["failed_step"]) == ("not_a_scene", "EVALUATION")
    assert told["error"].startswith(SAID)
    assert told["make_anyway"] is False
