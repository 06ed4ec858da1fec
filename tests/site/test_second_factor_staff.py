"""What staff need the second factor for."""

from __future__ import annotations

from typing import Any

import pytest
from django.core import mail
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import SettingsWrapper

from accounts import letters
from accounts.models import RecoveryCode, SecondFactor
from recon.models import AuditEntry
from tests.site.making import PASSWORD, browser_of, finished_job, person, supporter, token_of
from tests.site.second_factor import (
    PAGE,
    SIGN_IN,
    STEP,
    Clock,
    code_of,
    first_step,
    secret_on,
    signed_in,
    with_factor,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("data_dir", "clock")]


STAFF_PAGES = [
    "/admin/", "/admin/accounts/user/", "/admin/queue/", "/admin/password_change/", "/staff/",
    "/styleguide/", "/staff/people/1/second-factor/",
]  # fmt: skip


@pytest.fixture
def _staff_need_it(settings: SettingsWrapper, redis_queue: Any) -> None:
    settings.STAFF_NEED_TOTP = True


@pytest.mark.usefixtures("_staff_need_it")
def test_staff_pages_lead_to_the_set_up(client: Client) -> None:
    person(is_staff=True, is_superuser=True)
    first_step(client)
    for address in STAFF_PAGES:
        answer = client.get(address)
        assert answer.status_code == 403, address
        assert f'href="{PAGE}?next={address}"' in answer.content.decode(), address
        assert client.post(address).status_code in (403, 405), address
    assert client.get("/jobs/").status_code == 200
    page = client.get(f"{PAGE}?next=/admin/")
    done = client.post(PAGE, {"code": code_of(secret_on(page)), "next": "/admin/"})
    assert 'href="/admin/"' in done.content.decode()
    for address in STAFF_PAGES[:-1]:
        assert client.get(address).status_code == 200, address


@pytest.mark.usefixtures("_staff_need_it")
def test_a_session_without_a_code_is_asked_for_one(client: Client, clock: Clock) -> None:
    """One that began before the site asked for it."""
    boss, secret = with_factor(clock, is_staff=True, is_superuser=True)
    client.force_login(boss)
    answer = client.get("/admin/")
    assert answer.status_code == 403
    assert f'href="{STEP}?next=/admin/"' in answer.content.decode()
    assert client.get(STEP).status_code == 200
    assert client.post(f"{STEP}?next=/admin/", {"code": code_of(secret)}).url == "/admin/"
    assert client.get("/admin/").status_code == 200


@pytest.mark.usefixtures("_staff_need_it")
def test_other_people_s_scenes_take_it_and_tokens_do_not(client: Client) -> None:
    job = finished_job(person("bob@example.org"))
    staff = supporter("ann@example.org")
    first_step(client)
    assert client.get(f"/jobs/{job.pk}/").status_code == 403
    address = reverse("api:job_status", args=[job.pk])
    answer = client.get(address)
    assert (answer.status_code, answer.json()["code"]) == (403, "second_factor_needed")
    assert client.get("/readyz").content == Client().get("/readyz").content
    assert client.post("/accounts/tokens/", {"name": "a way around"}).status_code == 403
    assert not staff.api_tokens.exists()
    assert AuditEntry.objects.count() == 0
    program = Client(headers={"Authorization": f"Bearer {token_of(staff)}"})
    assert program.get(address).status_code == 200


def test_sites_that_do_not_ask_it_stay_as_they_were(client: Client) -> None:
    person(is_staff=True, is_superuser=True)
    assert first_step(client, next="/admin/").url == "/admin/"
    assert client.get("/admin/").status_code == 200


def test_the_administration_has_no_door_of_its_own(client: Client, clock: Clock) -> None:
    boss, _ = with_factor(clock, is_staff=True, is_superuser=True)
    closed = client.get("/admin/")
    assert client.get(closed.url).url == f"{SIGN_IN}?next=/admin/"
    client.post("/admin/login/", {"username": boss.email, "password": PASSWORD})
    assert not signed_in(client)
    assert client.get("/admin/login/?next=https://evil.example/").url.endswith("?next=/jobs/")
    other = browser_of(person("bob@example.org"))
    answer = other.get("/admin/", follow=True)
    assert answer.status_code == 403
    assert "Only staff can open this" in answer.content.decode()
    assert browser_of(boss).get("/admin/login/?next=/admin/").url == "/admin/"


def test_staff_reset_it_and_that_is_logged(client: Client, clock: Clock, mail_set_up: None) -> None:
    ann, _ = with_factor(clock)
    boss = person("boss@example.org", is_staff=True, is_superuser=True)
    theirs, staff = browser_of(ann), browser_of(boss, REMOTE_ADDR="192.0.2.7")
    address = reverse("recon:reset_second_factor", args=[ann.pk])
    page = staff.get(reverse("admin:accounts_user_change", args=[ann.pk])).content.decode()
    assert f'<a href="{address}">Reset it</a>' in page
    assert staff.get(address).status_code == 200
    assert SecondFactor.objects.exists(), "a look changes nothing"
    assert staff.post(address).status_code == 302
    assert not SecondFactor.objects.exists()
    assert not RecoveryCode.objects.exists()
    assert theirs.get("/usage/").status_code == 302
    letters.send_waiting()
    assert [(sent.to, sent.subject) for sent in mail.outbox] == [
        ([ann.email], "Two-step sign-in is off")
    ]
    entry = AuditEntry.objects.get()
    assert (entry.person, entry.owner, entry.job_id) == (boss, ann, None)
    assert (entry.action, entry.address) == ("second factor reset", "192.0.2.7")
    history = staff.get(reverse("admin:accounts_user_history", args=[ann.pk])).content.decode()
    assert "Reset two-step sign-in." in history
    assert staff.get("/admin/recon/auditentry/").status_code == 200
    assert "has no two-step sign-in" in staff.get(address, follow=True).content.decode()


def test_only_superusers_reset_that_of_staff(clock: Clock) -> None:
    boss, _ = with_factor(clock, "boss@example.org", is_staff=True, is_superuser=True)
    ann, _ = with_factor(clock)
    helper = browser_of(supporter("helper@example.org", "change_user"))
    visitors = [(helper, ann, 302), (helper, boss, 403)]
    visitors += [(browser_of(supporter("other@example.org")), boss, 403)]
    visitors += [(browser_of(person("bob@example.org")), boss, 404), (Client(), boss, 302)]
    for browser, whose, status in visitors:
        address = reverse("recon:reset_second_factor", args=[whose.pk])
        assert browser.post(address).status_code == status
    assert SecondFactor.objects.get().user == boss


def test_a_command_resets_it(clock: Clock, capsys: Any) -> None:
    ann, _ = with_factor(clock)
    browser = browser_of(ann)
    call_command("reset_second_factor", "ANN@example.org")
    assert "is off" in capsys.readouterr().out
    assert browser.get("/usage/").status_code == 302
    for email in ("ann@example.org", "nobody@example.org"):
        with pytest.raises(CommandError, match=email):
            call_command("reset_second_factor", email)
