"""What an owner sets for sharing: password, expiry, public page, QR code, title and description."""

from __future__ import annotations

import io
import re
import xml.etree.ElementTree as ET
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from recon.jobs import sharing
from recon.models import Job
from recon.web.scene import share_url
from tests.site.making import browser_of, finished_job, job_of, person

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("data_dir")]

ACTIONS = ("share", "share_settings", "about")


@pytest.fixture
def ann() -> User:
    return person(time_zone="Europe/Berlin")


@pytest.fixture
def browser(ann: User) -> Client:
    return browser_of(ann)


def post(browser: Client, name: str, job: Job, status: int = 200, **data: Any) -> str:
    """Posts, and returns what the owner's page says afterwards."""
    answer = browser.post(reverse(f"recon:{name}", args=(job.pk,)), data, follow=True)
    assert answer.status_code == status
    page: str = answer.content.decode()
    job.refresh_from_db()
    return page


def refused(browser: Client, name: str, job: Job, **data: Any) -> str:
    """The fold of the owner's page with the form that came back, which must be open."""
    answer = browser.post(reverse(f"recon:{name}", args=(job.pk,)), data)
    assert answer.status_code == 400
    page = answer.content.decode()
    before = settings_of(job)
    job.refresh_from_db()
    assert settings_of(job) == before, "nothing is changed"
    (fold,) = re.findall(r'<details class="explain" open>.*?</details>', page, re.DOTALL)
    return str(fold)


def settings_of(job: Job) -> tuple[Any, ...]:
    names = ("password", "until", "in_gallery", "description")
    return (job.title, *(getattr(job.share, name) for name in names))


def field_of(fold: str, name: str) -> str:
    """The field with its errors, which is marked as invalid and refers to them."""
    fields = fold.split('<div class="field">')
    (field,) = (one for one in fields if f'name="{name}"' in one)
    assert '<ul class="errorlist"' in field
    assert 'aria-invalid="true"' in field
    assert 'aria-describedby="' in field
    assert "autofocus" in field
    return field


@pytest.mark.parametrize("name", ACTIONS)
def test_nobody_else_sets_anything(ann: User, name: str) -> None:
    job = finished_job(ann, shared=True)
    address = reverse(f"recon:{name}", args=(job.pk,))
    data = {"shared": "off", "password": "mine now", "title": "mine now"}
    other = browser_of(person("bob@example.org")).post(address, data)
    assert other.status_code == 404
    stranger = Client().post(address, data)
    assert stranger["Location"].startswith(reverse("accounts:sign_in"))
    job.refresh_from_db()
    assert (job.share.is_on, job.share.password, job.title) == (True, "", "Fern in the hall")
    assert browser_of(ann).get(address).status_code == 302


def test_a_password_is_set_kept_changed_and_taken_off(ann: User, browser: Client) -> None:
    job = finished_job(ann, shared=True)
    page = post(browser, "share_settings", job, password="first word")
    assert "Asks for a password" in page
    assert "first word" not in page
    assert sharing.password_is_right(job, "first word")
    post(browser, "share_settings", job, password="")
    assert sharing.password_is_right(job, "first word"), "an empty field changes nothing"
    post(browser, "share_settings", job, password="second word")
    assert sharing.password_is_right(job, "second word")
    page = post(browser, "share_settings", job, no_password="on")
    assert job.share.password == ""
    assert "Asks for a password" not in page


@pytest.mark.parametrize("word", ["short", "x" * 101])
def test_a_password_of_an_odd_length_is_refused(ann: User, browser: Client, word: str) -> None:
    job = finished_job(ann, shared=True)
    fold = refused(
        browser, "share_settings", job, password=word, until="2126-07-01T18:30", in_gallery="on"
    )
    assert "Ensure this value has at" in field_of(fold, "password")
    assert f'value="{word}"' in fold, "all that was typed is still there"
    assert 'value="2126-07-01T18:30"' in fold
    assert re.search(r'name="in_gallery"[^>]* checked', fold)


def test_the_end_is_in_the_owner_s_time_zone(ann: User, browser: Client) -> None:
    job = finished_job(ann, shared=True)
    page = post(browser, "share_settings", job, until="2126-07-01T18:30")
    assert job.share.until == datetime(2126, 7, 1, 16, 30, tzinfo=UTC)
    assert "1 Jul 2126, 18:30" in page
    assert 'value="2126-07-01T18:30"' in page
    assert "Time zone Europe/Berlin" in page
    post(browser, "share_settings", job, until="")
    assert job.share.until is None


@pytest.mark.parametrize(
    ("until", "said"),
    [
        ("2020-01-01T00:00", "This time has already passed."),
        ("tomorrow", "Enter a valid date/time."),
        # Berlin's clocks skip half past two.
        ("2126-03-31T02:30", "couldn’t be interpreted"),
    ],
)
def test_an_end_that_can_not_be_is_refused(
    ann: User, browser: Client, until: str, said: str
) -> None:
    job = finished_job(ann, shared=True)
    fold = refused(
        browser, "share_settings", job, until=until, password="a word or two", in_gallery="on"
    )
    assert said in field_of(fold, "until")
    assert f'value="{until}"' in fold
    assert 'value="a word or two"' in fold
    assert re.search(r'name="in_gallery"[^>]* checked', fold)


def test_the_page_says_when_a_link_is_over_and_the_switch_brings_it_back(
    ann: User, browser: Client
) -> None:
    past = timezone.now() - timedelta(days=1)
    job = finished_job(ann, shared=True, share_until=past)
    page = browser.get(job.get_absolute_url()).content.decode()
    assert "The link expired on" in page
    assert 'aria-checked="false"' in page
    post(browser, "share", job, shared="on")
    assert (job.share.is_on, job.share.until) == (True, None)
    assert Client().get(f"/v/{job.share.key}").status_code == 200


def test_other_settings_do_not_bring_a_link_back_that_is_over(ann: User, browser: Client) -> None:
    past = timezone.now() - timedelta(days=1)
    job = finished_job(ann, shared=True, share_until=past)
    post(browser, "share_settings", job, password="a word or two", until="")
    assert job.share.until == past
    assert Client().get(f"/v/{job.share.key}").status_code == 404


def test_the_page_says_how_often_the_link_was_opened(ann: User, browser: Client) -> None:
    job = finished_job(ann, shared=True)
    assert "Nobody has opened it yet" in browser.get(job.get_absolute_url()).content.decode()
    Client().post(f"/v/{job.share.key}/visit/")
    assert "Opened 1 time," in browser.get(job.get_absolute_url()).content.decode()
    Client().post(f"/v/{job.share.key}/visit/")
    assert "Opened 2 times" in browser.get(job.get_absolute_url()).content.decode()


@pytest.mark.parametrize("name", ["share", "share_settings"])
def test_a_draft_is_not_shared_yet(ann: User, browser: Client, name: str) -> None:
    draft = job_of(ann, status=Job.Status.DRAFT, edited_at=timezone.now())
    page = post(browser, name, draft, 409, shared="on", password="a word or two")
    assert "can be shared once it has been started" in page
    assert (draft.share.is_on, draft.share.password) == (False, "")


# --- The QR code ---


def qr(browser: Client, job: Job) -> Any:
    return browser.get(reverse("recon:qr", args=(job.pk,)))


def test_the_qr_code_is_an_svg_of_the_link(ann: User, browser: Client) -> None:
    import segno

    job = finished_job(ann, shared=True)
    answer = qr(browser, job)
    assert answer["Content-Type"] == "image/svg+xml"
    drawn = ET.fromstring(answer.content)  # noqa: S314 - our own
    assert drawn.tag == "{http://www.w3.org/2000/svg}svg"
    expected = io.BytesIO()
    segno.make(share_url(job), micro=False, error="m").save(expected, kind="svg", border=4)
    paths = "{http://www.w3.org/2000/svg}path"
    modules = [p.get("d") for p in drawn.iter(paths) if p.get("class") == "qrline"]
    assert modules == [p.get("d") for p in ET.fromstring(expected.getvalue()).iter(paths)]  # noqa: S314


def test_the_qr_code_is_the_owner_s_and_only_while_the_link_works(
    ann: User, browser: Client
) -> None:
    job = finished_job(ann, shared=True)
    assert qr(browser_of(person("bob@example.org")), job).status_code == 404
    assert qr(Client(), job).status_code == 302
    sharing.change(job, until=timezone.now())
    assert qr(browser, job).status_code == 404
    sharing.change(job, until=None, is_on=False)
    assert qr(browser, job).status_code == 404


# --- Title and description ---


def test_title_and_description_are_changed_afterwards_and_shown_to_friends(
    ann: User, browser: Client
) -> None:
    job = finished_job(ann, shared=True)
    page = post(browser, "about", job, title=" The hall ", description="Seen in June.\n\n<b>")
    assert (job.title, job.share.description) == ("The hall", "Seen in June.\n\n<b>")
    assert "<p>Seen in June.</p>" in page
    public = Client().get(f"/v/{job.share.key}").content.decode()
    assert "The hall" in public
    assert "<p>Seen in June.</p>\n\n<p>&lt;b&gt;</p>" in public
    post(browser, "about", job, title="", description="")
    assert job.name.startswith("Scene from ")


@pytest.mark.parametrize(("field", "length"), [("title", 121), ("description", 2001)])
def test_too_long_a_text_is_refused(ann: User, browser: Client, field: str, length: int) -> None:
    job = finished_job(ann)
    fold = refused(browser, "about", job, **{"title": "A", "description": "B", field: "x" * length})
    assert "Ensure this value has at most" in field_of(fold, field)
    assert "x" * length in fold
    assert ('value="A"' if field == "description" else ">\nB</textarea>") in fold
