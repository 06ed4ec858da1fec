"""Other people's scenes: which members of staff may open them, and that the log says who did."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django.fixtures import SettingsWrapper

from accounts.models import User
from recon.jobs.people import audit
from recon.jobs.reconcile import reconcile
from recon.models import AuditEntry, Job
from tests.site.making import browser_of, finished_job, person, supporter, token_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("data_dir")]

#: What shows something private about a finished scene.
PRIVATE: list[tuple[str, list[Any]]] = [
    ("recon:job", []),
    ("recon:progress", []),
    ("recon:thumb", ["000.jpg"]),
    ("recon:file", ["splat"]),
    ("recon:file", ["scene_ply"]),
    ("recon:views", []),
    ("api:job_status", []),
]


def at(name: str, job: Job, *arguments: Any) -> str:
    return reverse(name, args=(job.pk, *arguments))


@pytest.fixture
def job() -> Job:
    return finished_job(person(), shared=True)


def logged() -> list[tuple[str, str]]:
    return [(entry.method, entry.action) for entry in AuditEntry.objects.order_by("pk")]


# --- Permissions decide ---


@pytest.mark.parametrize(("name", "arguments"), PRIVATE)
def test_staff_as_such_see_nothing_of_other_people_s_scenes(
    job: Job, name: str, arguments: list[Any]
) -> None:
    staff = person("staff@example.org", is_staff=True)
    staff.user_permissions.add(Permission.objects.get(codename="view_job"))  # the facts, in /admin/
    assert browser_of(staff).get(at(name, job, *arguments)).status_code == 404
    assert AuditEntry.objects.count() == 0


@pytest.mark.parametrize(("name", "arguments"), PRIVATE)
@pytest.mark.parametrize("who", ["with the permission", "superuser"])
def test_with_the_permission_they_do_and_it_is_logged(
    job: Job, name: str, arguments: list[Any], who: str
) -> None:
    boss = (
        person("boss@example.org", is_staff=True, is_superuser=True) if who == "superuser" else None
    )
    staff = boss or supporter()
    answer = browser_of(staff, REMOTE_ADDR="192.0.2.7").get(at(name, job, *arguments))
    assert answer.status_code in (200, 286)
    entry = AuditEntry.objects.get()
    assert (entry.person, entry.person_email) == (staff, staff.email)
    assert (entry.job_id, entry.owner, entry.address) == (job.pk, job.owner, "192.0.2.7")
    assert entry.action.startswith(name)
    assert all(str(one) in entry.action for one in arguments)


def test_the_permission_alone_is_nothing_without_being_staff(job: Job) -> None:
    former = supporter()
    User.objects.filter(pk=former.pk).update(is_staff=False)
    assert browser_of(former).get(at("recon:job", job)).status_code == 404


ACTIONS = ("cancel", "again", "share", "about")


@pytest.mark.parametrize("action", ACTIONS)
def test_to_look_is_not_to_change(job: Job, action: str) -> None:
    looker, changer = supporter(), supporter("two@example.org", "change_job")
    address = at(f"recon:{action}", job)
    assert browser_of(looker).post(address).status_code == 404
    assert logged() == []
    # A finished scene can't be cancelled, and nothing about sharing was sent: the view says so.
    answers = {"cancel": 409, "share": 400}
    assert browser_of(changer).post(address).status_code == answers.get(action, 302)
    assert logged() == [("POST", f"recon:{action}")]


def test_deleting_has_a_permission_of_its_own(job: Job) -> None:
    changer = supporter("two@example.org", "change_job")
    assert browser_of(changer).post(at("recon:delete", job)).status_code == 404
    assert Job.objects.exists()
    deleter = supporter("three@example.org", "delete_job")
    assert browser_of(deleter).post(at("recon:delete", job)).status_code == 302
    assert not Job.objects.exists()
    entry = AuditEntry.objects.get()
    assert (entry.method, entry.job_id) == ("POST", job.pk), "the log outlives what it names"


def test_programs_of_staff_need_the_permission_too(job: Job) -> None:
    for staff, status in ((person("s@example.org", is_staff=True), 404), (supporter(), 200)):
        headers = {"Authorization": f"Bearer {token_of(staff)}"}
        assert Client().get(at("api:job_status", job), headers=headers).status_code == status
    assert logged() == [("GET", "api:job_status")]


def test_the_queue_s_dashboard_needs_a_permission(
    settings: SettingsWrapper, redis_queue: Any
) -> None:
    staff = person("staff@example.org", is_staff=True)
    looker = supporter("two@example.org", "view_job")
    assert browser_of(staff).get("/admin/queue/").status_code == 403
    assert browser_of(looker).get("/admin/queue/").status_code == 200
    empty = "/admin/queue/queues/0/empty/"
    assert browser_of(looker).post(empty).status_code == 403
    changer = supporter("three@example.org", "view_job", "change_job")
    assert browser_of(changer).post(empty).status_code == 302


# --- The log ---


def test_one_s_own_scenes_and_shared_links_are_not_logged(job: Job) -> None:
    staff = supporter()
    own = finished_job(staff)
    browser = browser_of(staff)
    assert browser.get(at("recon:job", own)).status_code == 200
    assert browser.get(reverse("recon:public", args=(job.share.key,))).status_code == 200
    browser_of(job.owner).get(at("recon:job", job))
    assert logged() == []


def test_a_page_that_asks_again_and_again_is_one_look(job: Job) -> None:
    browser = browser_of(supporter())
    for _ in range(3):
        browser.get(at("recon:progress", job))
    browser.get(at("recon:thumb", job, "000.jpg"))
    browser.get(at("recon:thumb", job, "001.jpg"))
    assert logged() == [
        ("GET", "recon:progress"),
        ("GET", "recon:thumb name=000.jpg"),
        ("GET", "recon:thumb name=001.jpg"),
    ]
    AuditEntry.objects.update(at=timezone.now() - timedelta(minutes=11))
    browser.get(at("recon:progress", job))
    assert len(logged()) == 4


def test_what_can_not_be_logged_is_not_shown(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(audit, "note", full)
    browser = browser_of(supporter())
    browser.raise_request_exception = False
    assert browser.get(at("recon:job", job)).status_code == 500


def test_the_admin_s_pages_about_a_scene_are_looks_too(job: Job) -> None:
    boss = person("boss@example.org", is_staff=True, is_superuser=True)
    browser = browser_of(boss)
    browser.get(reverse("admin:recon_job_change", args=(job.pk,)))
    photo = job.photos.first()
    assert photo
    browser.get(reverse("admin:recon_photo_change", args=(photo.pk,)))
    assert logged() == [
        ("GET", "admin:recon_job_change"),
        ("GET", f"admin:recon_photo_change {photo}"),
    ]


def test_staff_read_the_log_and_nobody_writes_it(job: Job) -> None:
    browser_of(supporter()).get(at("recon:job", job))
    boss = browser_of(person("boss@example.org", is_staff=True, is_superuser=True))
    listing = boss.get(reverse("admin:recon_auditentry_changelist"), {"q": "support@"})
    assert "recon:job" in listing.content.decode()
    entry = AuditEntry.objects.get()
    page = boss.get(reverse("admin:recon_auditentry_change", args=(entry.pk,)))
    assert page.status_code == 200
    assert 'name="_save"' not in page.content.decode()
    assert boss.get(reverse("admin:recon_auditentry_add")).status_code == 403
    delete = reverse("admin:recon_auditentry_delete", args=(entry.pk,))
    assert boss.post(delete, {"post": "yes"}).status_code == 403
    assert (
        browser_of(supporter("x@example.org"))
        .get(reverse("admin:recon_auditentry_changelist"))
        .status_code
        == 403
    )


def test_it_outlives_who_looked_and_whose_it_was(job: Job) -> None:
    staff = supporter()
    browser_of(staff).get(at("recon:job", job))
    job.delete()
    User.objects.all().delete()
    entry = AuditEntry.objects.get()
    assert (entry.person, entry.owner, entry.person_email) == (None, None, "support@example.org")


def test_it_is_kept_for_as_long_as_the_setting_says(
    job: Job, settings: SettingsWrapper, no_redis: None
) -> None:
    settings.AUDIT_DAYS = 30
    browser_of(supporter()).get(at("recon:job", job))
    AuditEntry.objects.update(at=timezone.now() - timedelta(days=29))
    reconcile()
    assert AuditEntry.objects.exists()
    AuditEntry.objects.update(at=timezone.now() - timedelta(days=31))
    reconcile()
    assert not AuditEntry.objects.exists()
