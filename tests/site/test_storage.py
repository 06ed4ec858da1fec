"""What is stored, what can go, and scenes that are deleted for their age."""

from __future__ import annotations

import io
import json
import os
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core import mail
from django.core.management import call_command
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from recon.jobs.folder import lock as folder_lock
from recon.jobs.folder import unclaimed
from recon.jobs.people import quotas
from recon.jobs.reconcile import reconcile
from recon.jobs.storage import prune, report, retention
from recon.models import Job, Notice
from tests.site.making import browser_of, finished_job, job_of, measured_job, person, team_of

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("data_dir", "redis_queue"),
]

DATABASE = b"features" * 1000


def days_ago(days: float) -> Any:
    return timezone.now() - timedelta(days=days)


def pruned(**options: Any) -> str:
    out = io.StringIO()
    call_command("prune", stdout=out, **options)
    return out.getvalue()


def with_intermediate_files(job: Job) -> Job:
    for path in ("colmap/database.db", "work/photos/001.jpg", "work/checkpoint/state.bin"):
        (job.folder / path).parent.mkdir(parents=True, exist_ok=True)
        (job.folder / path).write_bytes(DATABASE)
    quotas.measure_ended(Job.objects.filter(pk=job.pk))
    return job


@pytest.fixture
def ann() -> User:
    return person()


# --- What can go ---


@pytest.fixture
def one_of_each(ann: User, data_dir: Path, settings: Any) -> dict[str, Path]:
    """Something of each kind that can go, by kind."""
    settings.RETENTION_DAYS = 90
    secret = data_dir / ".secret_key.4711.0a1b2c3d"
    secret.write_bytes(b"half a secret")
    folder = data_dir / "jobs" / "2f5d8a4e-3c1b-4f5e-9c67-0123456789ab"
    folder.mkdir(parents=True)
    unclaimed.mark(folder)
    for path in (secret, folder / unclaimed.MARK):
        os.utime(path, (time.time() - 7200, time.time() - 7200))
    draft = job_of(ann, status=Job.Status.DRAFT, edited_at=days_ago(15))
    old = with_intermediate_files(measured_job(ann, completed_at=days_ago(31)))
    expired = finished_job(ann, completed_at=days_ago(91))
    Notice.objects.create(user=ann, job=expired, kind=Notice.Kind.EXPIRES)
    Notice.objects.update(created_at=days_ago(14.1))
    return {
        prune.TEMPORARY: secret,
        prune.UNCLAIMED: folder,
        prune.DRAFTS: draft.folder,
        prune.INTERMEDIATE: old.workspace.database,
        prune.EXPIRED: expired.folder,
    }


def test_a_dry_run_names_everything_and_changes_nothing(one_of_each: dict[str, Path]) -> None:
    rows = list(Job.objects.order_by("pk").values())
    said = pruned(dry_run=True)
    assert all(f"{kind}: " in said for kind in prune.KINDS)
    assert "5 would be removed" in said
    assert all(path.exists() for path in one_of_each.values())
    assert list(Job.objects.order_by("pk").values()) == rows


def test_prune_removes_what_the_dry_run_named_and_nothing_else(
    one_of_each: dict[str, Path], ann: User
) -> None:
    stays = [
        with_intermediate_files(finished_job(ann, completed_at=days_ago(29))),
        job_of(ann, status=Job.Status.DRAFT, edited_at=days_ago(13)),
    ]
    named = pruned(dry_run=True).replace("would be removed", "removed")
    assert pruned() == named
    assert not any(path.exists() for path in one_of_each.values())
    assert all(job.workspace.upload.is_dir() for job in stays)
    assert stays[0].workspace.database.exists()
    assert pruned() == "0 removed, 0.0 MB.\n"


def test_a_scene_without_its_intermediate_files_opens_as_before(ann: User) -> None:
    job = with_intermediate_files(measured_job(ann, completed_at=days_ago(31)))
    browser = browser_of(ann)
    pages = [
        reverse("recon:job", args=[job.pk]),
        reverse("recon:views", args=[job.pk]),
        reverse("recon:file", args=[job.pk, "colmap"]),
        reverse("recon:held_out", args=[job.pk, 1, "photo"]),
    ]
    answers = [browser.get(page).status_code for page in pages]  # makes small pictures, too
    Job.objects.update(stored_bytes=None)
    quotas.measure_ended(Job.objects.all())
    before = quotas.stored_bytes(ann)
    pruned()
    assert [browser.get(page).status_code for page in pages] == answers == [200] * 4
    assert quotas.stored_bytes(ann) == before - 3 * len(DATABASE)


def test_a_scene_that_somebody_works_with_is_left_alone(ann: User) -> None:
    job = with_intermediate_files(finished_job(ann, completed_at=days_ago(31)))
    with folder_lock.hold(job.folder):
        assert f"left alone, somebody works with it: {job.pk}" in pruned()
    listed = list(prune.find())
    Job.objects.update(status=Job.Status.PENDING)  # staff let it try again meanwhile
    assert [one.remove() for one in listed] == [False]
    assert job.workspace.database.exists()


# --- The report ---


def test_the_report_counts_people_kinds_and_months(ann: User) -> None:
    with_intermediate_files(finished_job(ann, completed_at=days_ago(31)))
    draft = job_of(person("bob@example.org"), status=Job.Status.DRAFT)
    Job.objects.filter(pk=draft.pk).update(created_at=days_ago(70))
    photos = [*draft.photos.all()]
    os.link(photos[0].path, draft.workspace.upload / "same.jpg")
    made = report.make_report()
    assert [(one.email, one.scenes) for one in made.people] == [
        ("ann@example.org", 1), ("bob@example.org", 1),
    ]  # fmt: skip
    assert [one.size for one in made.people] == [
        quotas.stored_bytes(ann), quotas.stored_bytes(draft.owner),
    ]  # fmt: skip
    assert [one.scenes for one in made.months] == [1, 1]
    assert sum(one.size for one in made.months) == sum(one.size for one in made.people)
    on_disk = (
        sum(path.stat().st_size for path in Path(draft.workspace.upload).iterdir())
        - photos[0].path.stat().st_size
    )
    assert made.kinds["photos as they were sent"] == 2 * on_disk
    assert made.kinds["intermediate files"] >= 2 * len(DATABASE)
    assert made.removable[prune.INTERMEDIATE] == 3 * len(DATABASE)


def test_a_team_s_scenes_count_for_the_team(ann: User) -> None:
    bob = person("bob@example.org")
    team = team_of(ann, editor=bob)
    finished_job(bob, team=team)
    finished_job(ann)
    made = report.make_report()
    assert [(one.email, one.scenes) for one in made.people] == [("ann@example.org", 1)]
    assert made.people[0].size == quotas.stored_bytes(ann) > 0
    assert [(one.handle, one.scenes) for one in made.teams] == [("acme", 1)]
    assert made.teams[0].size == quotas.stored_bytes(team) > 0
    assert sum(one.size for one in made.months) == made.people[0].size + made.teams[0].size
    out = io.StringIO()
    call_command("storage_report", stdout=out)
    assert f"acme ({team.name}), 1 scenes" in out.getvalue()


def test_the_report_is_a_table_or_json(one_of_each: dict[str, Path]) -> None:
    out = io.StringIO()
    call_command("storage_report", stdout=out)
    assert "ann@example.org, 3 scenes" in out.getvalue()
    assert "The oldest scene ended on" in out.getvalue()
    out = io.StringIO()
    call_command("storage_report", json=True, stdout=out)
    read = json.loads(out.getvalue())
    assert read["people"][0]["email"] == "ann@example.org"
    assert set(read["removable"]) == set(prune.KINDS)


# --- Scenes that are deleted for their age ---


@pytest.fixture
def ninety_days(settings: Any) -> None:
    settings.RETENTION_DAYS, settings.RETENTION_WARNING_DAYS = 90, 14
    settings.MAIL_IS_SET_UP = True


def later(days: float) -> None:
    """Lets days pass: moves everything back."""
    passed = timedelta(days=days)
    for job in Job.objects.exclude(completed_at=None):
        Job.objects.filter(pk=job.pk).update(completed_at=job.completed_at - passed)
    for notice in Notice.objects.all():
        Notice.objects.filter(pk=notice.pk).update(created_at=notice.created_at - passed)


def test_nothing_is_deleted_where_nobody_asked_for_it(ann: User) -> None:
    job = finished_job(ann, completed_at=days_ago(4000))
    assert reconcile().expired == 0
    assert not Notice.objects.exists()
    assert "old scenes" not in page_of(job)


def page_of(job: Job) -> str:
    return browser_of(job.owner).get(reverse("recon:job", args=[job.pk])).content.decode()


def test_a_scene_is_announced_by_notice_and_mail_and_then_deleted(
    ninety_days: None, ann: User
) -> None:
    job, young = finished_job(ann, title="Old fern"), finished_job(ann)
    running = job_of(ann, status=Job.Status.PROCESSING, created_at=days_ago(200))
    later(75.9)
    Job.objects.filter(pk=young.pk).update(completed_at=days_ago(1))
    assert (reconcile().expired, Notice.objects.count()) == (0, 0)
    later(0.2)
    for _ in range(2):
        reconcile()
    assert Notice.objects.get().job == job
    (letter,) = mail.outbox
    assert (letter.to, "Old fern" in letter.subject) == (["ann@example.org"], True)
    assert job.get_absolute_url() in letter.body
    assert "Old fern" in browser_of(ann).get(reverse("recon:notices")).content.decode()
    assert "This site deletes old scenes: this one on" in page_of(job)
    later(13.9)
    assert reconcile().expired == 0
    later(0.2)
    assert reconcile().expired == 1
    assert not job.folder.exists()
    assert set(Job.objects.all()) == {young, running}


def test_a_site_that_begins_with_it_later_gives_everybody_the_same_notice(
    ninety_days: None, ann: User
) -> None:
    jobs = [finished_job(ann, completed_at=days_ago(400 + n)) for n in range(3)]
    assert reconcile().expired == 0
    assert Notice.objects.count() == 3
    assert len(mail.outbox) == 1
    assert mail.outbox[0].subject == "3 of your scenes will be deleted soon"
    told = Notice.objects.filter(job=jobs[0]).get()
    assert retention.delete_at(jobs[0]) == told.created_at + timedelta(days=14)
    later(14.1)
    assert reconcile().expired == 3


def test_a_scene_that_its_owner_keeps_stays_until_they_do_not(ninety_days: None, ann: User) -> None:
    job = finished_job(ann, completed_at=days_ago(100))
    reconcile()
    browser, keep = browser_of(ann), reverse("recon:keep", args=[job.pk])
    said = browser.post(keep, {"keep": "yes"}, follow=True).content.decode()
    assert "You keep this scene" in said
    later(500)
    assert reconcile().expired == 0
    browser.post(keep, {"keep": "no"})
    assert reconcile().expired == 0, "announced anew"
    assert Notice.objects.filter(kind=Notice.Kind.EXPIRES, read_at=None).count() == 1
    later(15)
    assert reconcile().expired == 1


def test_a_scene_that_ran_again_meanwhile_is_young(ninety_days: None, ann: User) -> None:
    job = finished_job(ann, status=Job.Status.FAILED, completed_at=days_ago(100))
    reconcile()
    later(20)
    Job.objects.update(completed_at=timezone.now())  # staff let it try again, and it ended
    assert reconcile().expired == 0
    at = retention.delete_at(Job.objects.get(pk=job.pk))
    assert at is not None
    assert timedelta(days=89) < at - timezone.now() <= timedelta(days=90)


def test_the_mail_is_in_its_reader_s_language(ninety_days: None) -> None:
    finished_job(person(language="ko"), title="정원", completed_at=days_ago(100))
    reconcile()
    assert "정원" in mail.outbox[0].body
    assert "deleted" not in mail.outbox[0].subject + mail.outbox[0].body
