"""Links that ask for a password, expire, and count visits."""

from __future__ import annotations

import shutil
import time
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.hashers import identify_hasher
from django.contrib.sessions.models import Session
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from recon.jobs import sharing
from recon.models import Job
from tests.site.making import browser_of, finished_job, job_of, person

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("data_dir")]

NAMES = (
    "public", "public_progress", "public_ply", "public_splat", "public_spz", "public_turntable",
    "public_poster", "public_preview", "public_views",
)  # fmt: skip
FILES = ("public_ply", "public_splat", "public_spz", "public_turntable", "public_poster")
WORD = "under the mat"


def link(name: str, job: Job) -> str:
    return reverse(f"recon:{name}", args=(job.share.key,))


def locked_job(**fields: Any) -> Job:
    secret = {
        "title": "Secret garden",
        "description": "By the well",
        "shared": True,
        "share_password": sharing.hash_password(WORD),
    }
    return finished_job(person(), **(secret | fields))


def enter(visitor: Client, job: Job, word: str = WORD, **extra: Any) -> Any:
    return visitor.post(link("enter", job), {"password": word}, **extra)


# --- The password ---


def test_only_the_password_s_hash_is_kept() -> None:
    stored = locked_job().share.password
    assert WORD not in stored
    assert identify_hasher(stored)


def test_without_the_password_a_link_tells_nothing(client: Client) -> None:
    job = locked_job()
    page = client.get(link("public", job))
    assert page.status_code == 200
    assert "This scene has a password" in page.content.decode()
    for told in ("Secret garden", "By the well", "22.8", "poster", "og:", str(job.pk)):
        assert told not in page.content.decode()
    assert "noindex" in page["X-Robots-Tag"]
    assert page["Referrer-Policy"] == "same-origin", "or the form's origin would be hidden from us"


@pytest.mark.parametrize("name", [name for name in NAMES if name != "public"])
def test_files_and_progress_obey_the_password(client: Client, name: str) -> None:
    job = locked_job()
    for visitor in (client, browser_of(person("bob@example.org")), browser_of(job.owner)):
        answer = visitor.get(link(name, job), headers={"Accept": "application/json"})
        assert answer.status_code == 403
        assert answer.json() == {
            "detail": "This scene has a password. Open its page and enter it there."
        }


def test_a_scene_in_training_obeys_it_too(client: Client) -> None:
    job = locked_job(status=Job.Status.PROCESSING, step="GS_TRAIN")
    shutil.rmtree(job.workspace.output)
    addresses = (
        reverse("recon:public_cloud", args=(job.share.key,)),
        reverse("recon:public_snapshot", args=(job.share.key, "scene-1.splat")),
    )
    assert [client.get(address).status_code for address in addresses] == [403, 403]
    enter(client, job)
    assert [client.get(address).status_code for address in addresses] == [404, 404], "none yet"


def test_neither_a_frame_nor_a_preview_tells_more(client: Client, settings: Any) -> None:
    job = locked_job()
    frame = client.get(link("public", job), {"embed": "1"})
    page = frame.content.decode()
    assert "This scene has a password." in page
    assert f'href="{link("public", job)}"' in page
    assert "<form" not in page
    assert "frame-ancestors *" in frame["Content-Security-Policy"]
    address = {"url": settings.BASE_URL + link("public", job)}
    preview = client.get(reverse("recon:oembed"), address)
    assert preview.status_code == 403
    assert "Secret" not in page + preview.content.decode()
    owner = browser_of(job.owner).get(job.get_absolute_url()).content.decode()
    assert "embed-snippet" not in owner


@pytest.mark.parametrize("name", FILES)
def test_a_copy_that_a_browser_kept_is_not_confirmed(client: Client, name: str) -> None:
    job = locked_job(share_password="")
    etag = client.get(link(name, job))["ETag"]
    sharing.change(job, password=sharing.hash_password(WORD))
    assert client.get(link(name, job), headers={"If-None-Match": etag}).status_code == 403


def test_who_enters_the_password_gets_everything_and_the_session_remembers(client: Client) -> None:
    job = locked_job()
    answer = enter(client, job)
    assert answer.status_code == 302
    assert answer["Location"] == link("public", job)
    assert "Secret garden" in client.get(link("public", job)).content.decode()
    assert client.get(link("public_progress", job)).status_code == 286
    assert {client.get(link(name, job)).status_code for name in FILES} == {200}
    assert Client().get(link("public_splat", job)).status_code == 403


def test_a_wrong_password_is_refused_on_the_same_page(client: Client) -> None:
    job = locked_job()
    answer = enter(client, job, "over the mat")
    assert answer.status_code == 403
    assert "That is not the password." in answer.content.decode()
    assert "Secret" not in answer.content.decode()
    assert client.get(link("public_splat", job)).status_code == 403
    assert enter(client, job, "").status_code == 400


def test_after_six_wrong_passwords_one_waits_but_others_do_not(client: Client) -> None:
    job, other = locked_job(), finished_job(person("c@example.org"), shared=True)
    sharing.change(other, password=sharing.hash_password(WORD))
    for _ in range(6):
        assert enter(client, job, "a guess").status_code == 403
    answer = enter(client, job)
    assert answer.status_code == 429
    assert 890 <= int(answer["Retry-After"]) <= 900
    assert "Try again in 15 minutes." in answer.content.decode()
    assert "accounts" not in answer.content.decode()
    assert enter(Client(REMOTE_ADDR="10.9.8.7"), job).status_code == 302
    assert enter(client, other).status_code == 302
    signing_in = {"username": job.owner.email, "password": "a long enough password"}
    assert client.post(reverse("accounts:sign_in"), signing_in).status_code == 302


def test_after_the_wait_one_may_try_again(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    job = locked_job()
    for _ in range(7):
        enter(client, job, "a guess")
    assert enter(client, job).status_code == 429
    now = time.time
    monkeypatch.setattr(time, "time", lambda: now() + 901)
    assert enter(client, job).status_code == 302


def test_a_new_password_or_a_new_link_is_asked_of_everybody_again(client: Client) -> None:
    job = locked_job()
    enter(client, job)
    sharing.change(job, password=sharing.hash_password("a new word"))
    assert client.get(link("public_splat", job)).status_code == 403
    enter(client, job, "a new word")
    assert client.get(link("public_splat", job)).status_code == 200
    sharing.renew(job)
    assert client.get(link("public_splat", job)).status_code == 403


def test_a_session_remembers_many_links_but_not_for_ever(client: Client) -> None:
    job = locked_job()
    other = finished_job(job.owner, shared=True, share_password=sharing.hash_password(WORD))
    enter(client, job)
    session = client.session
    session["entered_links"] |= {f"old {n}": "proof" for n in range(60)}
    session.save()
    enter(client, other)
    assert len(client.session["entered_links"]) == 50
    assert client.get(link("public_splat", other)).status_code == 200
    assert client.get(link("public_splat", job)).status_code == 403


def test_entering_where_nothing_is_asked_leads_to_the_scene_or_nowhere(client: Client) -> None:
    job = locked_job(share_password="")
    assert enter(client, job, "anything")["Location"] == link("public", job)
    sharing.change(job, is_on=False, password=sharing.hash_password(WORD))
    assert enter(client, job).status_code == 404
    assert client.get(link("enter", job)).status_code == 302


def test_entering_needs_our_own_form() -> None:
    assert enter(Client(enforce_csrf_checks=True), locked_job()).status_code == 403


def ask(visitor: Client, job: Job, word: str) -> int:
    headers = {"X-Scene-Password": word}
    return visitor.get(link("public_splat", job), headers=headers).status_code


def test_a_program_sends_the_password_along_with_each_request(client: Client) -> None:
    job = locked_job()
    assert ask(client, job, "under%20the%20mat") == 200
    assert client.get(link("public_splat", job)).status_code == 403, "nothing is remembered"
    sharing.change(job, password=sharing.hash_password("unter der Tür: 100 %"))
    assert ask(client, job, "unter%20der%20T%C3%BCr%3A%20100%20%25") == 200


def test_a_program_s_guesses_are_counted_like_a_person_s(client: Client) -> None:
    job = locked_job()
    assert [ask(client, job, "a guess") for _ in range(6)] == [403] * 6
    assert ask(client, job, "under%20the%20mat") == 429
    assert enter(client, job).status_code == 429
    assert ask(Client(REMOTE_ADDR="10.9.8.7"), job, "under%20the%20mat") == 200


# --- Expiry ---


@pytest.mark.parametrize("name", [*NAMES, "enter"])
def test_a_link_that_is_over_answers_like_one_that_never_was(client: Client, name: str) -> None:
    past = timezone.now() - timedelta(seconds=1)
    for job in (
        locked_job(share_until=past),
        finished_job(person("b@example.org"), shared=True, share_until=past),
    ):
        for visitor in (client, browser_of(job.owner)):
            ask = visitor.post if name == "enter" else visitor.get
            over = ask(link(name, job), headers={"Accept": "text/html"})
            never = ask(reverse(f"recon:{name}", args=("x" * 32,)), headers={"Accept": "text/html"})
            assert over.status_code == 404
            assert over.content == never.content


def test_a_link_works_until_its_end(client: Client) -> None:
    job = finished_job(person(), shared=True, share_until=timezone.now() + timedelta(hours=1))
    assert {client.get(link(name, job)).status_code for name in NAMES} == {200, 286}


# --- The count ---


def views(job: Job) -> int:
    job.refresh_from_db()
    return job.share.views


def test_each_visitor_is_counted_once_a_session_and_the_owner_never(client: Client) -> None:
    job = finished_job(person(), shared=True)
    owner = browser_of(job.owner)
    for number in range(3):
        page = client.get(link("public", job)).content.decode()
        assert (f'action="{link("visit", job)}" data-seen' in page) == (number == 0)
        assert link("visit", job) not in owner.get(link("public", job)).content.decode()
        for visitor in (client, owner):
            assert visitor.post(link("visit", job)).status_code == 204
    assert views(job) == 1
    Client().post(link("visit", job))
    browser_of(person("bob@example.org")).post(link("visit", job))
    assert views(job) == 3


def test_entering_the_password_counts_as_the_visit(client: Client) -> None:
    """So that visitors without scripts are counted."""
    job = locked_job()
    for _ in range(2):
        assert client.post(link("enter", job), {"password": WORD}).status_code == 302
        assert "data-seen" not in client.get(link("public", job)).content.decode()
        client.post(link("visit", job))
    assert views(job) == 1
    owner = browser_of(job.owner)
    assert owner.post(link("enter", job), {"password": WORD}).status_code == 302
    assert views(job) == 1


def test_only_looking_at_the_scene_counts(client: Client) -> None:
    job = finished_job(person(), shared=True)
    for name in FILES:
        client.get(link(name, job))
    client.head(link("public", job))
    assert "data-seen" not in client.get(link("public", job), {"embed": "1"}).content.decode()
    running = job_of(job.owner, shared=True, status=Job.Status.PROCESSING, step="GS_TRAIN")
    locked = finished_job(job.owner, shared=True, share_password=sharing.hash_password(WORD))
    for other, status in ((running, 204), (locked, 403)):
        assert "data-seen" not in client.get(link("public", other)).content.decode()
        assert client.post(link("visit", other)).status_code == status
    assert (views(job), views(running), views(locked)) == (0, 0, 0)


def test_counting_leaves_a_visitor_nothing_that_names_them(client: Client) -> None:
    job = finished_job(person(), shared=True)
    # This one is random, and guards the forms.
    assert set(client.get(link("public", job)).cookies) == {"instarecon_csrf"}
    cookies = client.post(link("visit", job)).cookies
    assert set(cookies) == {"instarecon_seen"}
    seen = cookies["instarecon_seen"]
    assert (seen.value, seen["path"], seen["httponly"]) == ("1", link("public", job), True)
    assert not seen["max-age"]
    assert not seen["expires"]
    assert not Session.objects.exists()
