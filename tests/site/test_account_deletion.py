"""Deleting an account with everything in it."""

from __future__ import annotations

import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import ApiToken, Letter, User
from recon.jobs import account_deletion, deletion, queue, submit
from recon.jobs.drafts import drafts
from recon.jobs.folder import lock as folder_lock
from recon.jobs.folder import unclaimed
from recon.jobs.reconcile import reconcile
from recon.models import Artifact, Job, Notice, Photo
from recon.pipeline.errors import UserError
from tests.site.making import PASSWORD, browser_of, finished_job, job_of, person, photos, token_of
from tests.site.staged_pipeline import play
from tests.site.working import horse_of, worker

pytestmark = pytest.mark.django_db(transaction=True)

ADDRESS = "/accounts/delete/"


@pytest.fixture(autouse=True)
def _site(data_dir: Path, redis_queue: Any) -> None:
    """Every test here has a data folder and a queue."""


@pytest.fixture
def ann() -> User:
    return person()


def leave(browser: Client, password: str = PASSWORD) -> Any:
    return browser.post(ADDRESS, {"password": password})


def test_everything_goes_and_nothing_of_others(ann: User, data_dir: Path) -> None:
    bob = person("bob@example.org")
    bobs = finished_job(bob)
    kept_browser = browser_of(bob)
    done, waiting = finished_job(ann, shared=True), submit.create_job(ann, photos(3))
    drafts.create_draft(ann)
    Notice.objects.create(user=ann, job=done)
    secret, phone = token_of(ann), browser_of(ann)
    answer = leave(browser := browser_of(ann))
    assert answer["Location"] == "/"
    assert "everything in it have been deleted" in browser.get("/").content.decode()
    assert list(User.objects.all()) == [bob]
    assert list(Job.objects.all()) == [bobs]
    for model in (ApiToken, Notice):
        assert not model.objects.exists()
    assert {p.job for p in Photo.objects.all()} == {a.job for a in Artifact.objects.all()} == {bobs}
    assert [folder.name for folder in (data_dir / "jobs").iterdir()] == [str(bobs.pk)]
    assert queue.carried_ids() == set()
    assert waiting.queue_id not in queue.carried_ids()
    assert Client().get(f"/v/{done.share.key}").status_code == 404
    bearer = {"Authorization": f"Bearer {secret}"}
    assert Client().get("/recon/queue", headers=bearer).status_code == 401
    assert phone.get("/jobs/").status_code == 302
    owners = {s.get_decoded().get("_auth_user_id") for s in Session.objects.all()}
    assert owners - {None} == {str(bob.pk)}
    assert kept_browser.get("/jobs/").status_code == 200
    assert (
        Client()
        .post(reverse("accounts:sign_in"), {"username": ann.email, "password": PASSWORD})
        .status_code
        == 400
    )


def test_the_page_says_what_goes_and_asks_for_the_password(ann: User) -> None:
    finished_job(ann, shared=True)
    submit.create_job(ann, photos(3))
    page = browser_of(ann).get(ADDRESS).content.decode()
    for said in ("ann@example.org", "2 scenes", "1 still waiting or running", "1 shared link"):
        assert said in page


@pytest.mark.parametrize(
    ("password", "said"),
    [("not mine at all", "That is not your password."), ("", "This field is required.")],
)
def test_without_the_password_nothing_happens(ann: User, password: str, said: str) -> None:
    job = finished_job(ann)
    answer = leave(browser_of(ann), password)
    assert answer.status_code == 400
    assert said in answer.content.decode()
    assert Job.objects.get() == job
    assert browser_of(ann).get("/jobs/").status_code == 200


def test_a_stolen_session_can_not_try_all_passwords(ann: User) -> None:
    thief = browser_of(ann)
    codes = [leave(thief, f"a guess {n}").status_code for n in range(7)]
    assert codes[-1] == 429
    assert leave(thief).status_code == 429
    assert User.objects.get() == ann


def test_a_stranger_is_asked_to_sign_in(client: Client) -> None:
    assert leave(client)["Location"].startswith(reverse("accounts:sign_in"))


def test_mails_on_their_way_are_forgotten(ann: User) -> None:
    Letter.objects.create(kind="reset", email=ann.email.upper())
    leave(browser_of(ann))
    assert not Letter.objects.exists()


def test_the_last_superuser_stays(ann: User) -> None:
    boss = person("boss@example.org", is_staff=True, is_superuser=True)
    person("old@example.org", is_superuser=True, is_active=False)
    job = finished_job(boss)
    answer = leave(browser_of(boss))
    assert answer.status_code == 409
    assert "the only account that can manage the site" in answer.content.decode()
    boss.refresh_from_db()
    assert (boss.is_active, boss.leaving_since) == (True, None)
    assert boss.check_password(PASSWORD)
    assert Job.objects.get() == job
    person("new@example.org", is_superuser=True)
    assert leave(browser_of(boss)).status_code == 302
    assert not User.objects.filter(pk=boss.pk).exists()


@pytest.mark.slow
def test_a_running_job_is_stopped_and_goes_too(ann: User) -> None:
    job = submit.create_job(ann, photos(3))
    play(job.workspace, "deaf")
    with worker():
        horse = horse_of(job)
        assert leave(browser_of(ann)).status_code == 302
        horse.wait(timeout=30)
    assert not User.objects.exists()
    assert not job.folder.exists() or (job.folder / unclaimed.MARK).exists()


def test_a_folder_that_is_held_is_removed_later(ann: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deletion, "DELETE_WAIT_S", 0.1)
    job = finished_job(ann)
    with folder_lock.hold(job.folder):
        assert leave(browser_of(ann)).status_code == 302
        assert not User.objects.exists()
        assert job.folder.exists()
    assert unclaimed.sweep(patience_s=0) == 1
    assert not job.folder.exists()


def test_what_was_on_its_way_comes_too_late(ann: User) -> None:
    draft, job = drafts.create_draft(ann), finished_job(ann)
    account_deletion._close(ann)
    late = (
        lambda: submit.create_job(ann, photos(3)),
        lambda: submit.run_again(job),
        lambda: drafts.add_photo(draft, photos(1)[0]),
        lambda: drafts.create_draft(ann),
        lambda: drafts.start(job_of(ann, status=Job.Status.DRAFT)),
    )
    for call in late:
        with pytest.raises(UserError) as caught:
            call()
        assert caught.value.code == "account_closing"


def test_a_deletion_that_died_on_its_way_is_finished(
    ann: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    finished_job(ann)

    def dies(job: Job) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(deletion, "delete", dies)
        with pytest.raises(KeyboardInterrupt):
            account_deletion.delete_account(ann)
    assert reconcile().accounts == 0, "somebody may be at it still"
    assert browser_of(ann).get("/jobs/").status_code == 302, "closed meanwhile"
    User.objects.update(leaving_since=timezone.now() - timedelta(minutes=11))
    assert reconcile().accounts == 1
    assert not User.objects.exists()
    assert not Job.objects.exists()


def test_two_clicks_delete_once(ann: User) -> None:
    browsers = [browser_of(ann), browser_of(ann)]
    codes: list[int] = []

    def click(browser: Client) -> None:
        from django.db import connection

        codes.append(leave(browser).status_code)
        connection.close()

    threads = [threading.Thread(target=click, args=(browser,)) for browser in browsers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 302 in codes
    assert not User.objects.exists()
