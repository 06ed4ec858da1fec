"""What programs may send as a body: forms and JSON; anything else is refused with a reason."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from recon.jobs import sharing
from recon.jobs.drafts import drafts
from recon.models import Job
from tests.site.making import browser_of, finished_job, job_of, person, photo, token_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("data_dir", "redis_queue")]

JSON = "application/json"


@pytest.fixture
def job() -> Job:
    return finished_job(person())


@pytest.fixture
def draft(job: Job) -> Job:
    return drafts.create_draft(job.owner)


@pytest.fixture
def program(job: Job) -> Client:
    return Client(headers={"Authorization": f"Bearer {token_of(job.owner)}"})


def send(program: Client, address: str, body: Any, kind: str = JSON, **extra: Any) -> Any:
    sent = body if isinstance(body, bytes) else json.dumps(body).encode()
    return program.generic("POST", address, sent, kind, **extra)


def refused(answer: Any, status: int, words: str = "") -> bool:
    assert answer.status_code == status, answer.content
    assert words in answer.json()["detail"]
    return True


def test_json_says_the_same_as_a_form(program: Client, job: Job) -> None:
    wishes = {
        "share": True,
        "title": "The hall – Saal",
        "description": None,
        "share_password": "under the mat",
        "share_figures": False,
        "share_downloads": "splat",
    }
    job.share.description = "to be taken back"
    job.share.save()
    told = send(program, f"/recon/jobs/{job.pk}/share", wishes, f"{JSON}; charset=utf-8").json()
    job.refresh_from_db()
    assert (told["shared"], told["share_figures"]) == (True, False)
    assert (job.share.is_on, job.title, job.share.description) == (True, "The hall – Saal", "")
    assert (job.share.shows_figures, job.share.downloads) == (False, "splat")
    assert sharing.password_is_right(job, "under the mat")
    taken_off = send(program, f"/recon/jobs/{job.pk}/share", {"share_password": None})
    assert taken_off.json()["share_has_password"] is False


def test_a_draft_is_made_ordered_and_started_with_json(program: Client, draft: Job) -> None:
    made = send(program, "/recon/drafts", {"title": "Fern", "preset": "high"})
    assert made.status_code == 201
    assert Job.objects.filter(title="Fern", wishes__preset="high").exists()
    numbers = [drafts.add_photo(draft, photo(f"{n}.jpg"))[0].pk for n in range(3)]
    ordered = send(program, f"/recon/jobs/{draft.pk}/order", {"photo_id": numbers[::-1]}).json()
    assert [one["photo_id"] for one in ordered["photos"]] == numbers[::-1]
    started = send(program, f"/recon/jobs/{draft.pk}/start", {"cross_validate": True})
    assert started.json()["cross_validate"] is True
    draft.refresh_from_db()
    assert (draft.status, draft.wishes.cross_validate) == ("PENDING", True)


def test_a_photo_that_is_known_is_added_by_its_digest(program: Client, draft: Job) -> None:
    known, _ = drafts.add_photo(drafts.create_draft(draft.owner), photo("a.jpg"))
    wanted = {"sha256": known.sha256, "name": "b.jpg"}
    answer = send(program, f"/recon/jobs/{draft.pk}/photos", wanted)
    assert (answer.status_code, answer.json()["original_name"]) == (201, "b.jpg")


#: Every address of the API that takes a body; `{}` stands for a job's number.
POSTS = [
    "/recon/jobs", "/recon/drafts", "/recon/jobs/{}/draft", "/recon/jobs/{}/photos",
    "/recon/jobs/{}/order", "/recon/jobs/{}/start", "/recon/jobs/{}/share", "/recon/jobs/{}/cancel",
    "/recon/jobs/{}/anyway",
]  # fmt: skip


def test_every_address_that_takes_a_body_is_tried_here() -> None:
    from recon.api.urls import urlpatterns

    answers = {
        Client().post("/" + str(pattern.pattern).replace("<str:job_id>", "1")).status_code
        for pattern in urlpatterns
        if "/" + str(pattern.pattern).replace("<str:job_id>", "{}") not in POSTS
    }
    assert answers <= {405, 404}


@pytest.mark.parametrize("address", POSTS)
def test_what_is_neither_form_nor_json_is_refused(program: Client, job: Job, address: str) -> None:
    kinds = ("text/plain", "application/xml", "application/octet-stream", "image/jpeg", "odd", "")
    for kind in kinds:
        answer = send(program, address.format(job.pk), b'{"share": true}', kind)
        assert refused(answer, 415, kind or "Content-Type")
        assert "multipart/form-data" in answer["Accept"]
    job.refresh_from_db()
    assert not job.share.is_on
    assert Job.objects.count() == 1


@pytest.mark.parametrize("address", POSTS)
def test_json_is_read_wherever_it_is_not_refused(program: Client, job: Job, address: str) -> None:
    """A broken body gets an error that says so, and is never ignored."""
    broken = send(program, address.format(job.pk), b'{"share": tru')
    if address == "/recon/jobs":
        assert refused(broken, 415, "Send the photos as a form")
        assert JSON not in broken["Accept"]
    else:
        assert refused(broken, 400, "not valid JSON: see line 1, column 11")
    packed = send(program, address.format(job.pk), b"{}", headers={"Content-Encoding": "gzip"})
    assert refused(packed, 415, "without Content-Encoding")


@pytest.mark.parametrize(
    "body",
    [
        b"nonsense", b"[1, 2]", b'"share"', b"null", b"{}{}", b"\xff\xfe{}", b'{"title": "\xff"}',
        b'{"title": NaN}', b'{"title": {"en": "Fern"}}', b'{"title": [["Fern"]]}',
        b'{"title": "a\\u0000b"}', b'{"title": "\\ud800"}', b'{"ti\\u0000tle": "a"}',
        b"[" * 100_000, b'{"title": ' + b"9" * 5000 + b"}",
        json.dumps({str(number): 1 for number in range(1001)}).encode(),
    ],
)  # fmt: skip
def test_json_that_makes_no_sense_is_refused_and_changes_nothing(
    program: Client, job: Job, body: bytes
) -> None:
    assert refused(send(program, f"/recon/jobs/{job.pk}/share", body), 400, "")
    job.refresh_from_db()
    assert job.title == "Fern in the hall"


def test_too_much_json_is_refused(program: Client, job: Job) -> None:
    body = {"title": "x" * 3_000_000}
    assert refused(send(program, f"/recon/jobs/{job.pk}/share", body), 413, "too large")


def test_a_wrong_value_in_json_gets_the_form_s_own_sentence(program: Client, job: Job) -> None:
    where = f"/recon/jobs/{job.pk}/share"
    assert refused(send(program, where, {"share": "perhaps"}), 400, "either true or false")
    assert refused(send(program, where, {"share_until": 12}), 400, "valid date/time")


FORM = "multipart/form-data; boundary=x"


@pytest.mark.parametrize(
    "body",
    [
        b"what is this?",
        b"hi",
        2000 * b"x",
        b"--x\r\n\r\nFern\r\n--x--\r\n",
    ],
    ids=["no form", "short", "long", "a field without a name"],
)
def test_a_form_without_a_field_is_damaged(program: Client, body: bytes) -> None:
    """Otherwise wishes would seem granted that were never read."""
    assert refused(send(program, "/recon/drafts", body, FORM), 400, "damaged or cut off")
    assert not Job.objects.filter(status=Job.Status.DRAFT).exists()


@pytest.mark.parametrize("body", [b"--x--", b"--x--\r\n", b"\r\n--x--\r\n"])
def test_a_form_that_is_meant_to_be_empty_is_taken(program: Client, body: bytes) -> None:
    assert send(program, "/recon/drafts", body, FORM).status_code == 201


@pytest.mark.parametrize("kind", [JSON, "text/plain", ""])
def test_no_body_is_no_wishes_whatever_it_is_called(program: Client, job: Job, kind: str) -> None:
    assert send(program, f"/recon/jobs/{job.pk}/share", b"", kind).json()["shared"] is False


def test_a_mark_at_the_beginning_does_not_get_in_the_way(program: Client, job: Job) -> None:
    """Windows' shells write one (UTF-8's byte order mark)."""
    body = b"\xef\xbb\xbf" + b'{"share": true}'
    assert send(program, f"/recon/jobs/{job.pk}/share", body).json()["shared"] is True


def test_a_session_that_sends_json_needs_its_csrf_token(job: Job) -> None:
    browser = browser_of(job.owner, enforce_csrf_checks=True)
    where = f"/recon/jobs/{job.pk}/share"
    assert refused(send(browser, where, {"share": True}), 403, "CSRF")
    browser.get(job.get_absolute_url())
    token = browser.cookies["instarecon_csrf"].value
    answer = send(browser, where, {"share": True}, headers={"X-CSRFToken": token})
    assert answer.json()["shared"] is True


DELETES = ("/recon/jobs/{0}", "/recon/jobs/{0}/photos/{1}", "/recon/jobs/{0}/videos/{1}")


@pytest.mark.parametrize("address", DELETES)
@pytest.mark.parametrize(
    ("body", "kind", "status", "words"),
    [
        (b"what is this", "text/plain", 415, "text/plain"),
        (b"{}", "", 415, "Content-Type"),
        (b'{"keep": tru', JSON, 400, "not valid JSON"),
        (b"no boundary", "multipart/form-data", 400, "damaged"),
        (b'{"keep_photos": true}', JSON, 400, "DELETE takes no fields"),
        (b"keep_photos=true", "application/x-www-form-urlencoded", 400, "DELETE takes no fields"),
        (b'--x\r\nContent-Disposition: form-data; name="a"; filename="b"\r\n\r\nc\r\n--x--\r\n',
         "multipart/form-data; boundary=x", 400, "DELETE takes no fields"),
    ],
)  # fmt: skip
def test_nothing_is_deleted_on_a_body_that_says_something(
    program: Client, draft: Job, address: str, body: bytes, kind: str, status: int, words: str
) -> None:
    added, _ = drafts.add_photo(draft, photo())
    answer = program.delete(address.format(draft.pk, added.pk), body, kind)
    assert refused(answer, status, words)
    assert draft.photos.get() == added


@pytest.mark.parametrize(("body", "kind"), [(b"", JSON), (b"", "text/plain"), (b"{}", JSON)])
def test_what_is_deleted_needs_no_body(program: Client, draft: Job, body: bytes, kind: str) -> None:
    added, _ = drafts.add_photo(draft, photo())
    for address in DELETES[1::-1]:
        assert program.delete(address.format(draft.pk, added.pk), body, kind).status_code == 204


def test_a_session_that_deletes_needs_its_csrf_token(draft: Job) -> None:
    browser = browser_of(draft.owner, enforce_csrf_checks=True)
    where = f"/recon/jobs/{draft.pk}"
    assert refused(browser.delete(where), 403, "CSRF")
    browser.get(draft.get_absolute_url())
    token = browser.cookies["instarecon_csrf"].value
    assert browser.delete(where, headers={"X-CSRFToken": token}).status_code == 204


def test_no_address_takes_json_by_another_method(program: Client, draft: Job) -> None:
    waiting = job_of(draft.owner, status=Job.Status.DRAFT, edited_at=timezone.now())
    for method in ("PUT", "PATCH"):
        for address in POSTS:
            answer = program.generic(method, address.format(waiting.pk), b'{"share": true}', JSON)
            assert refused(answer, 405, method)
