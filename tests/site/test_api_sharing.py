"""Sharing for programs: when a job is made or started, and afterwards."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import User
from recon.jobs import sharing
from recon.models import Job
from tests.site.making import browser_of, finished_job, job_of, person, photos, token_of

pytestmark = pytest.mark.django_db(transaction=True)

UNTIL = datetime(2126, 7, 1, 16, 30, tzinfo=UTC)
WISHES = {
    "description": "By the well",
    "share_password": "under the mat",
    "share_until": "2126-07-01T18:30:00+02:00",
    "share_downloads": "splat",
    "share_figures": "false",
    "in_gallery": "true",
}


@pytest.fixture(autouse=True)
def _site(data_dir: Any, redis_queue: Any) -> None:
    """Every test here has a data folder and a queue."""


@pytest.fixture
def ann() -> User:
    return person()


def post(user: User, address: str, data: dict[str, Any], status: int = 200) -> Any:
    bearer = {"Authorization": f"Bearer {token_of(user)}"}
    answer = Client().post(address, data, headers=bearer)
    assert answer.status_code == status, answer.content
    return answer.json()


def share(user: User, job: Job, status: int = 200, **data: Any) -> Any:
    answer = post(user, f"/recon/jobs/{job.pk}/share", data, status)
    job.refresh_from_db()
    return answer


def check_wishes(job: Job) -> None:
    assert job.share.description == "By the well"
    assert sharing.password_is_right(job, "under the mat")
    assert job.share.until == UNTIL
    assert (job.share.downloads, job.share.shows_figures) == ("splat", False)
    assert job.share.in_gallery
    assert job.share.is_on


def test_a_job_is_made_with_wishes_about_its_link(ann: User) -> None:
    post(ann, "/recon/jobs", {"files": photos(3)} | WISHES)
    check_wishes(Job.objects.get())


def test_a_draft_is_started_with_them(ann: User) -> None:
    draft = job_of(ann, status=Job.Status.DRAFT, edited_at=timezone.now())
    post(ann, f"/recon/jobs/{draft.pk}/start", WISHES | {"share": "true"})
    check_wishes(Job.objects.get())


def test_what_was_sent_with_a_video_is_shared_also_when_it_is_started_by_hand(ann: User) -> None:
    """`POST /recon/jobs` with a video makes a draft, which stays one if taking its frames fails."""
    draft = job_of(ann, status=Job.Status.DRAFT, edited_at=timezone.now(), shared=True)
    assert post(ann, f"/recon/jobs/{draft.pk}/start", {})["shared"] is True


def test_they_are_changed_afterwards_one_by_one(ann: User) -> None:
    job = finished_job(ann, share_views=4)
    facts = share(ann, job, share="true", title="The hall", **WISHES)
    check_wishes(job)
    assert job.title == "The hall"
    assert facts == {
        "pub_key": job.share.key,
        "shared": True,
        "viewer_url": f"http://localhost:8000/v/{job.share.key}",
        "share_has_password": True,
        "share_until": "2126-07-01T16:30:00+00:00",
        "share_downloads": "splat",
        "share_figures": False,
        "share_views": 4,
        "in_gallery": True,
        "tags": [],
        "description": "By the well",
    }
    share(ann, job)
    check_wishes(job)
    share(ann, job, share_password="", share_until="", description="")
    assert (job.share.password, job.share.until, job.share.description) == ("", None, "")
    assert job.share.is_on
    old = job.share.key
    assert share(ann, job, new_link="true")["pub_key"] != old
    assert share(ann, job, share="false")["viewer_url"] is None


def test_a_time_without_a_zone_is_utc_whatever_the_person_s_zone(ann: User) -> None:
    ann.time_zone = "Asia/Seoul"
    ann.save()
    job = finished_job(ann)
    share(ann, job, share_until="2126-07-01T16:30")
    assert job.share.until == UNTIL
    browser = browser_of(ann)
    browser.post(f"/recon/jobs/{job.pk}/share", {"share_until": "2126-07-01T16:30"})
    job.refresh_from_db()
    assert job.share.until == UNTIL


def test_a_link_that_is_over_has_no_address_in_the_status(ann: User) -> None:
    job = finished_job(ann, shared=True, share_until=timezone.now() - timedelta(seconds=1))
    bearer = {"Authorization": f"Bearer {token_of(ann)}"}
    status = Client().get(f"/recon/jobs/{job.pk}/status", headers=bearer).json()
    assert (status["shared"], status["viewer_url"]) == (True, None)
    assert status["share_has_password"] is False
    assert "share_password" not in status


@pytest.mark.parametrize(
    ("wish", "said"),
    [
        ({"share_password": "short"}, "at least 6 characters"),
        ({"share_until": "2020-01-01T00:00Z"}, "has already passed"),
        ({"share_until": "soon"}, "valid date/time"),
        ({"description": "x" * 2001}, "at most 2000 characters"),
        ({"in_gallery": "perhaps"}, "either true or false"),
        ({"share_figures": "perhaps"}, "either true or false"),
        ({"share_downloads": "some"}, "some is not one of the available choices"),
        ({"share_downloads": ""}, "Share downloads: This field is required."),
        ({"share": "perhaps"}, "either true or false"),
    ],
)
def test_a_wrong_wish_changes_nothing(ann: User, wish: dict[str, str], said: str) -> None:
    job = finished_job(ann)
    assert said in share(ann, job, 400, new_link="true", **wish)["detail"]
    before = job.share.key
    assert said in post(ann, "/recon/jobs", {"files": photos(3)} | wish, 400)["detail"]
    assert Job.objects.get().share.key == before
    assert (job.share.is_on, job.share.password, job.share.until) == (False, "", None)


def test_too_long_a_title_is_refused(ann: User) -> None:
    assert "at most 120" in share(ann, finished_job(ann), 400, title="x" * 121)["detail"]


def test_a_draft_is_not_shared_yet(ann: User) -> None:
    draft = job_of(ann, status=Job.Status.DRAFT, edited_at=timezone.now())
    assert "once it has been started" in share(ann, draft, 409, share="true")["detail"]


def test_only_its_owner_shares_a_job(ann: User) -> None:
    job = finished_job(ann)
    post(person("bob@example.org"), f"/recon/jobs/{job.pk}/share", {"share": "true"}, 404)
    assert Client().post(f"/recon/jobs/{job.pk}/share").status_code == 401
    guarded = browser_of(ann, enforce_csrf_checks=True)
    assert guarded.post(f"/recon/jobs/{job.pk}/share", {"share": "true"}).status_code == 403
    job.refresh_from_db()
    assert not job.share.is_on
