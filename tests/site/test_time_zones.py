"""Times are shown in the zone of whoever looks; the API keeps UTC."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django.fixtures import SettingsWrapper

from accounts import time_zones
from accounts.models import ApiToken, User
from recon.models import Job
from tests.site.making import PASSWORD, browser_of, finished_job, person, token_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("data_dir")]

MADE = datetime(2026, 11, 24, 20, 30, tzinfo=UTC)


def made_then(owner: User, **fields: object) -> Job:
    job = finished_job(owner, title="", **fields)
    Job.objects.filter(pk=job.pk).update(created_at=MADE)
    job.refresh_from_db()
    return job


@pytest.mark.parametrize(
    ("zone", "shown"),
    [
        ("", "24 Nov 2026, 20:30"),
        ("Asia/Seoul", "25 Nov 2026, 05:30"),
        ("America/New_York", "24 Nov 2026, 15:30"),
    ],
)
def test_times_and_names_made_of_them_are_in_the_person_s_zone(zone: str, shown: str) -> None:
    ann = person(time_zone=zone)
    job = made_then(ann, shared=True)
    browser = browser_of(ann)
    for address in (job.get_absolute_url(), "/jobs/", "/usage/"):
        page = browser.get(address).content.decode()
        assert f"Scene from {shown}" in page
    assert shown in browser.get(job.get_absolute_url()).content.decode().replace("Scene from", "")


def test_visitors_and_programs_do_not_see_the_zone_of_whoever_came_before() -> None:
    ann = person(time_zone="Asia/Seoul")
    job = made_then(ann, shared=True)
    browser_of(ann).get(job.get_absolute_url())
    assert timezone.get_current_timezone_name() == "UTC"
    assert "24 Nov 2026, 20:30" in Client().get(f"/v/{job.share.key}").content.decode()
    bearer = {"Authorization": f"Bearer {token_of(ann)}"}
    status = Client().get(f"/recon/jobs/{job.pk}/status", headers=bearer).json()
    assert status["created_at"] == "2026-11-24T20:30:00+00:00"


def test_the_site_s_zone_is_for_whoever_has_chosen_none(settings: SettingsWrapper) -> None:
    settings.TIME_ZONE = "Europe/Berlin"
    timezone.get_default_timezone.cache_clear()
    job = made_then(person())
    page = browser_of(job.owner).get(job.get_absolute_url()).content.decode()
    assert "24 Nov 2026, 21:30" in page
    timezone.get_default_timezone.cache_clear()


def test_tokens_show_their_times_in_it_too() -> None:
    ann = person(time_zone="Asia/Seoul")
    token_of(ann)
    ApiToken.objects.update(last_used_at=MADE)
    assert "25 Nov 2026, 05:30" in browser_of(ann).get("/accounts/").content.decode()


def sign_up(zone: str) -> str:
    data = {"email": "new@example.org", "password": PASSWORD, "time_zone": zone}
    assert Client().post(reverse("accounts:sign_up"), data).status_code == 302
    return User.objects.get().time_zone


def test_a_browser_tells_its_zone_at_sign_up() -> None:
    assert sign_up("Asia/Seoul") == "Asia/Seoul"


@pytest.mark.parametrize("zone", ["", "Mars/Olympus", "Etc/GMT+3", "../../etc/passwd", "x" * 200])
def test_a_zone_that_we_do_not_know_is_left_out(zone: str) -> None:
    assert sign_up(zone) == ""


def test_the_zone_is_chosen_on_the_account_page() -> None:
    ann = person()
    browser = browser_of(ann)
    page = browser.get(reverse("accounts:account")).content.decode()
    assert '<option value="Asia/Seoul">Asia/Seoul</option>' in page
    browser.post(reverse("accounts:preferences"), {"time_zone": "Asia/Seoul"})
    ann.refresh_from_db()
    assert ann.time_zone == "Asia/Seoul"
    answer = browser.post(reverse("accounts:preferences"), {"time_zone": "Mars/Olympus"})
    assert answer.status_code == 400
    assert "Select a valid choice" in answer.content.decode()
    stranger = Client().post(reverse("accounts:preferences"), {"time_zone": "UTC"})
    assert stranger["Location"].startswith(reverse("accounts:sign_in"))
    ann.refresh_from_db()
    assert ann.time_zone == "Asia/Seoul"


def test_a_zone_that_the_system_has_forgotten_is_the_site_s() -> None:
    ann = person(time_zone="Europe/Atlantis")
    assert browser_of(ann).get("/jobs/").status_code == 200
    with time_zones.use_zone(ann.time_zone):
        assert timezone.get_current_timezone_name() == "UTC"
