"""The staff's pages: who may see them, what they show, what can be done there and what can't."""

from __future__ import annotations

import re
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.contrib.admin import site
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from recon.jobs import lifecycle, queue, samples
from recon.jobs.folder import lock as folder_lock
from recon.jobs.submit import create_sample_job
from recon.models import Artifact, Job, Photo, StageRun
from recon.pipeline.errors import PipelineError
from tests.site.making import browser_of, finished_job, job_of, person

pytestmark = pytest.mark.django_db(transaction=True)

JOBS = "admin:recon_job_changelist"


@pytest.fixture(autouse=True)
def _site(data_dir: Path, redis_queue: Any) -> None:
    """Every test here has a data folder and a queue."""


@pytest.fixture
def staff() -> Client:
    return browser_of(person("boss@example.org", is_staff=True, is_superuser=True))


def act(staff: Client, action: str, *jobs: Job, **extra: str) -> str:
    data = {"action": action, "_selected_action": [str(job.pk) for job in jobs], **extra}
    return staff.post(reverse(JOBS), data, follow=True).content.decode()


@pytest.mark.parametrize("model", [Job, Photo, StageRun, Artifact])
def test_every_list_opens_filters_and_searches(staff: Client, model: Any) -> None:
    job = finished_job(person())
    StageRun.objects.create(job=job, attempt=1, step="GS_TRAIN", started_at=timezone.now())
    address = reverse(f"admin:recon_{model._meta.model_name}_changelist")
    assert staff.get(address).status_code == 200
    assert job.title in staff.get(address, {"q": "ann@"}).content.decode()
    assert job.title not in staff.get(address, {"q": "zoe@"}).content.decode()
    assert site._registry[model].list_filter
    assert site._registry[model].search_fields


def test_jobs_are_found_by_id_title_owner_and_status(staff: Client) -> None:
    ann, bob = person(), person("bob@example.org")
    fern, failed = job_of(ann, title="Fern"), job_of(bob, title="Cake", status=Job.Status.FAILED)
    for query, found, other in (
        ({"q": str(fern.pk)}, fern, failed),
        ({"q": "cake"}, failed, fern),
        ({"q": "bob@"}, failed, fern),
        ({"status__exact": "FAILED"}, failed, fern),
    ):
        page = staff.get(reverse(JOBS), query).content.decode()
        assert f"{found.pk}/change" in page
        assert f"{other.pk}/change" not in page


def test_a_jobs_page_shows_its_facts_and_no_field_to_edit(staff: Client) -> None:
    job = finished_job(person(), error_code="internal")
    StageRun.objects.create(job=job, attempt=1, step="GS_TRAIN", started_at=timezone.now())
    page = staff.get(reverse("admin:recon_job_change", args=[job.pk])).content.decode()
    for fact in ("GS_TRAIN", "secret garden 0.jpg", "output/poster.jpg", "22.84"):
        assert fact in page
    assert 'name="_save"' not in page
    assert job.share.key not in page


def test_nothing_is_edited_by_hand(staff: Client) -> None:
    job = job_of(person())
    change = reverse("admin:recon_job_change", args=[job.pk])
    assert staff.post(change, {"status": "COMPLETED"}).status_code == 403
    assert staff.get(reverse("admin:recon_job_add")).status_code == 403
    photo = job.photos.first()
    delete = reverse("admin:recon_photo_delete", args=[photo.pk])
    assert staff.post(delete, {"post": "yes"}).status_code == 403
    job.refresh_from_db()
    assert (job.status, job.photos.count()) == ("PENDING", 3)


def test_selected_jobs_are_cancelled(staff: Client) -> None:
    owner = person()
    waiting, ended = job_of(owner), finished_job(owner)
    queue.enqueue(str(waiting.pk), 1)
    page = act(staff, "cancel_jobs", waiting, ended)
    assert "1 cancelled." in page
    assert "1 left alone: they neither wait nor run." in page
    waiting.refresh_from_db()
    ended.refresh_from_db()
    assert (waiting.status, ended.status) == ("CANCELLED", "COMPLETED")
    assert queue.carried_ids() == set()


def test_a_failed_job_is_tried_again(staff: Client) -> None:
    job = job_of(person())
    lifecycle.start(job.pk, 1)
    lifecycle.fail(job.pk, 1, "internal")
    assert "1 queued again." in act(staff, "retry_jobs", job)
    job.refresh_from_db()
    assert (job.status, job.attempt) == ("PENDING", 2)
    assert queue.carried_ids() == {job.queue_id}


def test_files_are_deleted_and_the_row_stays(staff: Client) -> None:
    job = finished_job(person())
    assert "1 emptied." in act(staff, "delete_files", job)
    assert not job.folder.exists()
    assert Job.objects.get(pk=job.pk).figures.psnr == job.figures.psnr


@pytest.mark.parametrize("how", ["page", "list"])
def test_a_deleted_job_takes_its_files_along(staff: Client, how: str) -> None:
    job = finished_job(person())
    folder = job.folder
    if how == "page":
        address = reverse("admin:recon_job_delete", args=[job.pk])
        assert staff.post(address, {"post": "yes"}).status_code == 302
    else:
        act(staff, "delete_selected", job, post="yes")
    assert not Job.objects.exists()
    assert not Photo.objects.exists()
    assert not folder.exists()


def test_a_person_with_jobs_is_not_deleted_from_under_them(staff: Client) -> None:
    job = job_of(person())
    address = reverse("admin:accounts_user_delete", args=[job.owner.pk])
    page = staff.post(address, {"post": "yes"}, follow=True).content.decode()
    assert "protected" in page.lower()
    assert Job.objects.filter(pk=job.pk).exists()
    assert job.folder.exists()


def test_staff_who_may_only_look_cannot_act() -> None:
    looker = person("looker@example.org", is_staff=True)
    looker.user_permissions.add(Permission.objects.get(codename="view_job"))
    job = job_of(person())
    browser = browser_of(looker)
    assert browser.get(reverse(JOBS)).status_code == 200
    act(browser, "cancel_jobs", job)
    job.refresh_from_db()
    assert job.status == Job.Status.PENDING


def test_who_may_change_accounts_can_not_make_themselves_more(staff: Client) -> None:
    helper = person("helper@example.org", is_staff=True)
    names = ("view_user", "change_user")
    helper.user_permissions.set(Permission.objects.filter(codename__in=names))
    boss, ann = User.objects.get(email="boss@example.org"), person()
    browser = browser_of(helper)
    data = {"email": "helper@example.org", "is_active": "on", "is_staff": "on"}
    mine = reverse("admin:accounts_user_change", args=(helper.pk,))
    answer = browser.post(mine, data | {"is_superuser": "on", "user_permissions": ["1", "2"]})
    assert answer.status_code == 302
    helper.refresh_from_db()
    assert (helper.is_superuser, helper.user_permissions.count()) == (False, 2)
    new = {"usable_password": "true", "password1": "staple gun waltz"}
    new |= {"password2": new["password1"]}
    for other, status in ((boss, 403), (ann, 302)):
        address = reverse("admin:auth_user_password_change", args=(other.pk,))
        assert browser.post(address, new).status_code == status
    assert staff.get(reverse("admin:accounts_user_change", args=(helper.pk,))).status_code == 200


@pytest.mark.parametrize("who", ["anonymous", "owner"])
def test_others_do_not_get_in(who: str) -> None:
    job = job_of(person())
    browser = Client() if who == "anonymous" else browser_of(job.owner)
    answer = browser.get(reverse(JOBS))
    assert answer.status_code == 302
    assert "login" in answer["Location"] or "sign-in" in answer["Location"]


class TestCommands:
    @pytest.mark.slow
    def test_the_first_start_queues_one_sample_job(
        self, data_dir: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(samples, "SAMPLE_COUNT", 3)  # the renderer itself has tests of its own
        ann = person()
        out = StringIO()
        call_command("queue_sample_job", stdout=out)
        job = Job.objects.get()
        assert (job.owner, job.is_sample, job.status) == (ann, True, "PENDING")
        assert job.gives_way, "nobody asked for it"
        assert job.photos.count() == 3
        assert all(photo.path.is_file() for photo in job.photos.all())
        assert queue.carried_ids() == {job.queue_id}
        call_command("queue_sample_job", stdout=out)
        assert Job.objects.count() == 1
        assert "no sample job is needed" in out.getvalue()
        again = create_sample_job(ann)  # as the button does: nothing is rendered again
        assert not again.gives_way
        paths = zip(job.photos.all(), again.photos.all(), strict=True)
        assert all(a.path.stat().st_ino == b.path.stat().st_ino for a, b in paths)
        assert not list(data_dir.glob(".samples-*"))

    def test_who_waits_too_long_for_the_sample_photos_is_told(
        self, data_dir: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(samples, "RENDER_WAIT_S", 0.1)
        with folder_lock.hold(data_dir), pytest.raises(PipelineError):
            create_sample_job(person())
        assert not Job.objects.exists()
        assert not list(data_dir.glob("jobs/*"))

    def test_a_sample_job_needs_an_account(self) -> None:
        with pytest.raises(CommandError, match="no account yet"):
            call_command("queue_sample_job")
        with pytest.raises(CommandError, match=r"nobody@example\.org"):
            call_command("queue_sample_job", owner="nobody@example.org")

    def test_preflight_reports_on_this_machine(self, capsys: pytest.CaptureFixture[str]) -> None:
        call_command("preflight")
        printed = capsys.readouterr().out
        assert "pycolmap" in printed
        assert "Jobs can run here." in printed

    def test_preflight_exits_with_1_where_no_job_can_run(self, settings: Any) -> None:
        settings.DATA_DIR = Path("/proc/none")
        with pytest.raises(SystemExit) as caught:
            call_command("preflight")
        assert caught.value.code == 1


# --- A forgotten password ---


def reset_page(user: User) -> str:
    return reverse("admin:accounts_user_reset_link", args=(user.pk,))


def test_staff_hand_over_a_link_that_sets_a_new_password_once(staff: Client) -> None:
    ann = person()
    change = staff.get(reverse("admin:accounts_user_change", args=(ann.pk,)))
    assert "../reset-link/" in change.content.decode()
    asked = staff.get(reset_page(ann)).content.decode()
    assert "/accounts/reset/" not in asked, "opening the page makes no link"
    made = staff.post(reset_page(ann)).content.decode()
    found = re.search(r"http://localhost:8000(/accounts/reset/[^\"]+)", made)
    assert found
    visitor = Client()
    page = visitor.get(found[1], follow=True)
    new = {"new_password1": "staple gun waltz", "new_password2": "staple gun waltz"}
    assert visitor.post(page.redirect_chain[-1][0], new).status_code == 302
    ann.refresh_from_db()
    assert ann.check_password("staple gun waltz")
    assert "new_password1" not in Client().get(found[1], follow=True).content.decode()
    entry = LogEntry.objects.get(object_id=str(ann.pk))
    assert entry.user.email == "boss@example.org"
    assert "link that sets a new password" in entry.get_change_message()


def test_a_link_that_was_handed_over_ends(
    staff: Client, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    made = staff.post(reset_page(person())).content.decode()
    found = re.search(r"http://localhost:8000(/accounts/reset/[^\"]+)", made)
    assert found
    settings.PASSWORD_RESET_TIMEOUT = -1
    assert "new_password1" not in Client().get(found[1], follow=True).content.decode()


def test_who_may_not_change_an_account_makes_no_link_for_it(staff: Client) -> None:
    helper = person("helper@example.org", is_staff=True)
    helper.user_permissions.add(Permission.objects.get(codename="change_user"))
    boss = User.objects.get(email="boss@example.org")
    assert browser_of(helper).post(reset_page(boss)).status_code == 403
    assert browser_of(helper).post(reset_page(person())).status_code == 200
    helper.user_permissions.clear()
    assert browser_of(helper).get(reset_page(boss)).status_code == 403
    assert staff.get(reset_page(User(pk=10**6))).status_code == 404
