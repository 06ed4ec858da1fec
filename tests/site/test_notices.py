"""Notices: one each time a job ends, in the header until it is read, and by mail if wanted."""

from __future__ import annotations

from pathlib import Path
from smtplib import SMTPException
from typing import Any

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import SettingsWrapper

from accounts.models import User
from recon.jobs import attempts, deletion, lifecycle, submit
from recon.jobs.people import notices
from recon.models import Job, Notice
from tests.site.making import browser_of, finished_job, job_of, person, photos, supporter
from tests.site.staged_pipeline import play
from tests.site.working import manage, worker_environment

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _site(data_dir: Any, redis_queue: Any) -> None:
    """Every test here has a data folder and a queue."""


@pytest.fixture
def ann() -> User:
    return person()


def running(owner: User, **fields: Any) -> Job:
    return job_of(owner, status=Job.Status.PROCESSING, step="GS_TRAIN", **fields)


def told(user: User) -> list[Job]:
    return [notice.job for notice in Notice.objects.filter(user=user)]


# --- When there is one ---


def test_there_is_one_for_each_end(ann: User) -> None:
    done, failed, lost = running(ann), running(ann), running(ann, losses=2)
    assert lifecycle.complete(done.pk, 1)
    assert lifecycle.fail(failed.pk, 1, "internal")
    assert attempts.worker_lost(lost.pk, 1)
    assert set(told(ann)) == {done, failed, lost}
    assert not lifecycle.complete(done.pk, 1), "somebody else was first"
    assert len(told(ann)) == 3


def test_there_is_none_where_nothing_has_ended_or_the_person_did_it(ann: User) -> None:
    assert attempts.worker_lost(running(ann).pk, 1)
    assert lifecycle.cancel(running(ann))
    assert told(ann) == []


def test_a_second_end_after_a_retry_is_told_again(ann: User) -> None:
    job = running(ann)
    lifecycle.fail(job.pk, 1, "internal")
    job.refresh_from_db()
    attempts.retry(job)
    lifecycle.start(job.pk, 2)
    lifecycle.complete(job.pk, 2)
    assert told(ann) == [job, job]


def test_notices_go_with_their_scene(ann: User) -> None:
    job = running(ann)
    lifecycle.complete(job.pk, 1)
    job.refresh_from_db()
    deletion.delete(job)
    assert not Notice.objects.exists()


# --- On the site ---


def test_the_header_counts_what_is_unread(ann: User) -> None:
    browser = browser_of(ann)
    assert 'aria-label="Notices"' in browser.get("/jobs/").content.decode()
    for _ in range(2):
        lifecycle.complete(running(ann).pk, 1)
    assert 'aria-label="Notices, 2 unread"' in browser.get("/jobs/").content.decode()
    other = browser_of(person("bob@example.org"))
    assert 'aria-label="Notices"' in other.get("/jobs/").content.decode()
    assert "Notices" not in Client().get("/").content.decode()


def test_opening_the_scene_reads_its_notice(ann: User) -> None:
    first, second = running(ann), running(ann)
    for job in (first, second):
        lifecycle.fail(job.pk, 1, "internal")
    said = reverse("recon:read_notice", args=(first.pk,))
    staff, browser = browser_of(supporter("s@example.org", "change_job")), browser_of(ann)
    assert said not in staff.get(first.get_absolute_url()).content.decode()
    assert staff.post(said).status_code == 302
    assert notices.unread_count(ann) == 2, "a look by staff does not mark it read"
    page = browser.get(first.get_absolute_url()).content.decode()
    assert f'action="{said}" data-seen' in page, "the page's script sends it"
    assert "Mark it as read" in page, "and a button where there are no scripts"
    assert notices.unread_count(ann) == 2, "just opening the page changes nothing"
    bell = browser.post(said, headers={"Accept": "application/json"}).json()["bell"]
    assert 'aria-label="Notices, 1 unread"' in bell
    assert [n.job for n in Notice.objects.filter(read_at=None)] == [second]
    assert said not in browser.get(first.get_absolute_url()).content.decode()


def test_without_scripts_a_notice_is_read_by_a_button(ann: User) -> None:
    job = running(ann)
    lifecycle.complete(job.pk, 1)
    answer = browser_of(ann).post(reverse("recon:read_notice", args=(job.pk,)))
    assert answer["Location"] == job.get_absolute_url()
    assert notices.unread_count(ann) == 0


def test_the_page_tells_them_all_and_marks_them_read(ann: User) -> None:
    done, failed = running(ann, title="Fern"), running(ann, title="Cake")
    lifecycle.complete(done.pk, 1)
    lifecycle.fail(failed.pk, 1, "internal")
    browser = browser_of(ann)
    page = browser.get(reverse("recon:notices")).content.decode()
    assert page.index("Cake") < page.index("Fern"), "newest first"
    assert "did not work out" in page
    assert "is ready" in page
    assert page.count("Unread: ") == 2
    assert notices.unread_count(ann) == 2, "opening the page is not enough"
    page = browser.post(reverse("recon:read_notices"), follow=True).content.decode()
    assert "Unread: " not in page
    assert "Mark all as read" not in page


def test_other_peoples_notices_are_neither_seen_nor_marked(ann: User) -> None:
    lifecycle.complete(running(ann, title="Fern").pk, 1)
    other = browser_of(person("bob@example.org"))
    page = other.get(reverse("recon:notices")).content.decode()
    assert "Fern" not in page
    assert "Nothing yet" in page
    other.post(reverse("recon:read_notices"))
    assert notices.unread_count(ann) == 1
    for name, ask in (("notices", Client().get), ("read_notices", Client().post)):
        answer = ask(reverse(f"recon:{name}"))
        assert answer["Location"].startswith(reverse("accounts:sign_in"))


def test_many_notices_have_pages(ann: User) -> None:
    job = finished_job(ann)
    Notice.objects.bulk_create(Notice(user=ann, job=job) for _ in range(120))
    page = browser_of(ann).get(reverse("recon:notices"), {"page": 2}).content.decode()
    assert "Page 2 of 6" in page
    assert "99+" in page


# --- By mail ---


@pytest.fixture
def with_mail(settings: SettingsWrapper) -> None:
    settings.MAIL_IS_SET_UP = True


def wants_mail(user: User) -> None:
    user.mail_when_done = True
    user.save()


@pytest.mark.usefixtures("with_mail")
def test_who_wants_it_gets_a_mail_with_the_page_s_address(
    ann: User, settings: SettingsWrapper
) -> None:
    wants_mail(ann)
    done, failed = running(ann, title="Fern & <Co>"), running(ann, title="Cake")
    lifecycle.complete(done.pk, 1)
    lifecycle.fail(failed.pk, 1, "photos_identical", {"total": 3, "distinct": 1})
    first, second = mail.outbox
    assert first.to == ["ann@example.org"]
    assert first.subject == "“Fern & <Co>” is ready"
    assert f"{settings.BASE_URL}/jobs/{done.pk}/" in first.body
    assert second.subject == "“Cake” did not work out"
    assert "All 3 photos are copies of one." in second.body


@pytest.mark.usefixtures("with_mail")
def test_nobody_gets_a_mail_who_did_not_ask_for_it(ann: User) -> None:
    lifecycle.complete(running(ann).pk, 1)
    assert mail.outbox == []


def test_without_a_mail_server_none_is_sent_or_offered(ann: User) -> None:
    wants_mail(ann)
    lifecycle.complete(running(ann).pk, 1)
    assert mail.outbox == []
    page = browser_of(ann).get(reverse("accounts:account")).content.decode()
    assert "mail_when_done" not in page
    assert "This site does not send e-mails." in page
    assert "Want an e-mail" not in browser_of(ann).get(reverse("recon:notices")).content.decode()


@pytest.mark.usefixtures("with_mail")
def test_a_mail_is_wished_and_unwished_on_the_account_page(ann: User) -> None:
    browser = browser_of(ann)
    assert "mail_when_done" in browser.get(reverse("accounts:account")).content.decode()
    assert "Want an e-mail" in browser.get(reverse("recon:notices")).content.decode()
    for wish in ({"mail_when_done": "on"}, {}):
        answer = browser.post(reverse("accounts:preferences"), {"time_zone": "", **wish})
        assert answer.status_code == 302
        ann.refresh_from_db()
        assert ann.mail_when_done == bool(wish)


@pytest.mark.usefixtures("with_mail")
@pytest.mark.parametrize("trouble", [SMTPException("no"), ConnectionRefusedError()])
def test_a_mail_that_can_not_be_sent_spoils_nothing(
    ann: User, monkeypatch: pytest.MonkeyPatch, trouble: Exception
) -> None:
    def fails(*args: Any, **kwargs: Any) -> None:
        raise trouble

    monkeypatch.setattr(notices, "send_mail", fails)
    wants_mail(ann)
    job = running(ann)
    assert lifecycle.complete(job.pk, 1)
    assert told(ann) == [job]


@pytest.mark.slow
def test_a_real_worker_sends_the_mail_where_one_is_set_up(ann: User, tmp_path: Path) -> None:
    wants_mail(ann)
    job = submit.create_job(ann, photos(3), title="Fern")
    play(job.workspace, "finish")
    mails = tmp_path / "mails"
    environment = {**worker_environment(), "EMAIL_URL": f"filemail://{mails}"}
    manage("rqworker", "recon", "--burst", environment=environment)
    assert told(ann) == [job]
    (sent,) = mails.iterdir()
    assert "To: ann@example.org" in sent.read_text()
    assert str(job.pk) in sent.read_text()


@pytest.mark.usefixtures("with_mail")
def test_a_title_can_not_break_the_mail_s_head(ann: User) -> None:
    wants_mail(ann)
    lifecycle.complete(running(ann, title="a\nBcc: all@example.org").pk, 1)
    assert mail.outbox[0].subject == "“a Bcc: all@example.org” is ready"
