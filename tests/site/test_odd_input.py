"""What no honest client sends: refused with a sentence, on both databases, and never a 500."""

from __future__ import annotations

from datetime import timedelta
from http import HTTPStatus
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.networks import client_address
from recon.jobs.drafts import drafts
from recon.models import Job
from tests.site.making import browser_of, finished_job, job_of, person, photo, token_of

pytestmark = pytest.mark.django_db(transaction=True)

NUL = "\0"
HUGE = str(2**70)
#: Python itself refuses to read so many digits.
LONGEST = "9" * 5000


def quiet(client: Client) -> Client:
    """Errors come as a response, as they do in a browser."""
    client.raise_request_exception = False
    return client


def answers(
    client: Client, method: str, requests: list[tuple[str, dict[str, Any]]]
) -> dict[str, int]:
    """The statuses of 500 or more, by request."""
    found = {
        f"{where} {data}": getattr(client, method)(where, data).status_code
        for where, data in requests
    }
    return {request: status for request, status in found.items() if status >= 500}


@pytest.fixture
def boss(database: str) -> Client:
    return quiet(browser_of(person(is_staff=True, is_superuser=True)))


def test_odd_addresses_lead_nowhere(boss: Client) -> None:
    job = finished_job(person("bob@example.org"), shared=True)
    addresses = [
        "/v/%00", f"/v/{job.share.key}%00", "/v/%00/live/cloud.json", "/u/%00/", "/u/a%00b/",
        "/recon/pub/%00/cloud.ply", f"/jobs/{job.pk}/photos/%00", f"/jobs/{job.pk}/files/%00",
        f"/jobs/{job.pk}/live/%00", "/recon/jobs/%00/status", "/recon/jobs/%00/files/%00",
        f"/v/{job.share.key}/scene.%00", f"/recon/jobs/{job.pk}/files/{LONGEST}",
        "/admin/recon/job/%00/change/",
        "/admin/queue/queues/0/%00/", "/texts/%00-a.js", "/%00", "/static/%00",
        f"/jobs/{job.pk}/views/{HUGE}.jpg",
        f"/jobs/{job.pk}/photos/{LONGEST}/delete/", f"/jobs/{job.pk}/held-out/{HUGE}/photo.jpg",
    ]  # fmt: skip
    found = {where: boss.get(where).status_code for where in addresses}
    odd = {where: status for where, status in found.items() if status not in (404, 405)}
    assert odd == {}
    form = boss.get(f"/jobs/{job.pk}/photos/{HUGE}/move/")
    assert (form.status_code, form["Location"]) == (302, job.get_absolute_url())
    answer = Client().get("/recon/jobs/%00/status")
    assert answer.status_code == HTTPStatus.NOT_FOUND
    assert answer.json()["detail"]


def test_odd_questions_are_no_faults_of_ours(boss: Client) -> None:
    job = job_of(person("bob@example.org"))
    lists = [reverse(f"admin:recon_{one}_changelist") for one in ("job", "photo", "artifact")]
    lists.append(reverse("admin:accounts_user_changelist"))
    odd: list[dict[str, Any]] = [
        {"q": NUL}, {"p": HUGE}, {"p": LONGEST}, {"o": NUL}, {"status__exact": NUL},
        {"owner__id__exact": HUGE}, {"created_at__gte": NUL}, {"created_at__year": HUGE},
        {"created_at__year": "0"}, {"id__exact": NUL}, {"_popup": NUL},
    ]  # fmt: skip
    questions = [(where, data) for where in lists for data in odd]
    pages = ("recon:gallery", "recon:notices", "recon:usage")
    questions += [
        (reverse(page), {"page": page_number})
        for page in pages
        for page_number in (NUL, HUGE, LONGEST, "-1", "nan")
    ]
    base = "http://localhost:8000"
    questions += [
        (reverse("recon:oembed"), {"url": f"{base}/v/{NUL}"}),
        (reverse("recon:oembed"), {"url": f"{base}/v/%00"}),
        (reverse("recon:oembed"), {"url": "http://[::1", "maxwidth": LONGEST}),
        (reverse("recon:progress", args=[job.pk]), {"v": NUL}),
    ]
    assert answers(boss, "get", questions) == {}


def test_odd_fields_are_no_faults_of_ours(boss: Client) -> None:
    owner = person("bob@example.org")
    browser = quiet(browser_of(owner))
    program = quiet(Client(headers={"Authorization": f"Bearer {token_of(owner)}"}))
    draft = drafts.create_draft(owner)
    drafts.add_photo(draft, photo("a.jpg"))
    job = finished_job(owner)
    pk = [draft.pk]
    posts: list[tuple[str, dict[str, Any]]] = [
        (reverse("recon:order_photos", args=pk), {"photo": [LONGEST]}),
        (reverse("recon:order_photos", args=pk), {"photo": [HUGE]}),
        (reverse("recon:order_photos", args=pk), {"photo": ["-1", "1e3", "nan", "٣"]}),
        (reverse("recon:known_photo", args=pk), {"sha256": NUL, "name": NUL, "number": LONGEST}),
        (reverse("recon:known_photo", args=pk), {"sha256": draft.photos.get().sha256, "name": NUL}),
        (reverse("recon:start", args=pk), {"title": NUL, "preset": NUL}),
        (reverse("recon:create_draft"), {"title": f"a{NUL}b"}),
        (reverse("recon:about", args=[job.pk]), {"title": NUL, "description": NUL}),
        (reverse("recon:share", args=[job.pk]), {"shared": NUL}),
        (reverse("recon:share_settings", args=[job.pk]), {"password": f"long enough{NUL}"}),
        (reverse("recon:share_offer", args=[job.pk]), {"downloads": NUL, "figures": NUL}),
        (reverse("recon:again", args=[job.pk]), {"title": NUL, "outlier_filter": NUL}),
        (reverse("language"), {"language": NUL, "next": NUL}),
        (reverse("accounts:preferences"), {"language": NUL, "time_zone": NUL}),
        (reverse("accounts:public_page"), {"handle": NUL, "public_name": NUL}),
        (reverse("accounts:public_page"), {"handle": LONGEST, "public_name": LONGEST}),
        (reverse("accounts:sign_in"), {"username": f"bob{NUL}@example.org", "password": NUL}),
        (reverse("accounts:password_reset"), {"email": f"bob{NUL}@example.org"}),
    ]  # fmt: skip
    assert answers(browser, "post", posts) == {}
    by_programs: list[tuple[str, dict[str, Any]]] = [
        (reverse("api:order_photos", args=pk), {"photo_id": [LONGEST]}),
        (reverse("api:order_photos", args=pk), {"photo_id": [HUGE]}),
        (reverse("api:add_photo", args=pk), {"sha256": NUL, "name": NUL}),
        (reverse("api:create_draft"), {"title": NUL, "preset": NUL, "share": NUL}),
        (reverse("api:share", args=[job.pk]), {"title": NUL, "description": NUL}),
        (reverse("api:share", args=[job.pk]), {"share_password": NUL * 8}),
        (reverse("api:share", args=[job.pk]), {"share_until": NUL}),
        (reverse("api:share", args=[job.pk]), {"share_downloads": NUL, "share_figures": NUL}),
    ]
    assert answers(program, "post", by_programs) == {}
    strangers: list[tuple[str, dict[str, Any]]] = [
        (reverse("accounts:sign_in"), {"username": "bob@example.org", "password": "x", "y": NUL}),
        (reverse("accounts:sign_in"), {"username": "x" * 5000, "password": NUL}),
        (reverse("accounts:sign_up"), {"email": f"a{NUL}@example.org", "password": NUL * 12}),
    ]
    assert answers(quiet(Client()), "post", strangers) == {}
    selected = {"action": "cancel_jobs", "_selected_action": [NUL, "nobody", HUGE]}
    assert answers(boss, "post", [(reverse("admin:recon_job_changelist"), selected)]) == {}


def test_odd_headers_are_no_faults_of_ours(boss: Client) -> None:
    job = finished_job(person("bob@example.org"), shared=True, share_password="x")
    where = reverse("recon:file", args=[job.pk, "splat"])
    for headers in (
        {"Range": "bytes=0-9", "If-Range": "Mon, 01 Jan 0001 00:00:00 -0000"},
        {"Range": "bytes=0-9", "If-Range": "Mon, 01 Jan 0001 00:00:00 +1400"},
        {"Range": "bytes=0-9", "If-Range": "Fri, 31 Dec 9999 23:59:59 -2359"},
        {"Range": f"bytes={LONGEST}-"},
        {"If-Modified-Since": "Fri, 31 Dec 99999 23:59:59 GMT"},
        {"Accept": "text/html;q=nan, application/json;q=1e999"},
        {"Accept-Language": NUL},
    ):
        assert boss.get(where, headers=headers).status_code < 500, headers
    secret = {"X-Scene-Password": "%00"}
    scene = reverse("recon:public_splat", args=[job.share.key])
    assert quiet(Client()).get(scene, headers=secret).status_code == 403
    for name in ("instarecon_session", "instarecon_language", "instarecon_csrf"):
        visitor = quiet(Client())
        visitor.cookies.load(f'{name}="a\\000b"')
        assert "\0" in visitor.cookies[name].value
        assert visitor.get(reverse("recon:gallery")).status_code == 302, name
    bearer = {"Authorization": f"Bearer {NUL}"}
    assert quiet(Client()).get("/recon/queue", headers=bearer).status_code == 401


# --- Where a request comes from ---


@pytest.mark.parametrize(
    ("written", "address"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("10.0.0.1, 192.0.2.7:4711", "192.0.2.7"),
        ("2001:db8::1", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("[2001:db8::1]:443", "2001:db8::1"),
        ("fe80::1%eth0", "fe80::1"),
        ("[fe80::1%25eth0]:80", "fe80::1"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("192.0.2.7,", "127.0.0.1"),
        ("unknown", "127.0.0.1"),
        ("_hidden", "127.0.0.1"),
        ("999.1.1.1", "127.0.0.1"),
        ("'; DROP TABLE", "127.0.0.1"),
        ("1" * 5000, "127.0.0.1"),
        ("", "127.0.0.1"),
    ],
)
def test_an_address_is_read_however_a_proxy_writes_it(
    written: str, address: str, rf: Any, settings: Any
) -> None:
    settings.TRUST_PROXY = True
    request = rf.get("/", headers={"X-Forwarded-For": written}, REMOTE_ADDR="127.0.0.1")
    assert client_address(request) == address
    settings.TRUST_PROXY = False
    assert client_address(request) == "127.0.0.1"
    assert client_address(rf.get("/", REMOTE_ADDR="")) is None


@pytest.mark.parametrize(
    "written", ["192.0.2.7:4711", "[2001:db8::1%eth0]:1", "unknown", "x" * 999]
)
def test_wrong_passwords_are_counted_wherever_they_come_from(
    database: str, written: str, settings: Any
) -> None:
    settings.TRUST_PROXY = True
    person()
    client = quiet(Client(headers={"X-Forwarded-For": written}))
    tried = {"username": "ann@example.org", "password": "wrong"}
    statuses = [client.post(reverse("accounts:sign_in"), tried).status_code for _ in range(7)]
    assert statuses[0] == 400
    assert statuses[-1] == 429


# --- Times ---


@pytest.mark.parametrize(
    "until",
    [
        "9999-12-31T23:59", "9999-12-31T23:59:59", "2999-01-01T00:00", "0001-01-01T00:00",
        "10000-01-01T00:00", "2027-02-30T00:00", "2027-01-01T99:99", "nan", "1e9", LONGEST, NUL,
    ],
)  # fmt: skip
@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Pago_Pago"])
def test_a_link_ends_at_a_time_that_every_calendar_has(
    data_dir: Any, until: str, zone: str
) -> None:
    owner = person(time_zone=zone)
    job = finished_job(owner, shared=True)
    browser = quiet(browser_of(owner))
    settings_page = reverse("recon:share_settings", args=[job.pk])
    assert browser.post(settings_page, {"until": until}).status_code == 400
    program = quiet(Client(headers={"Authorization": f"Bearer {token_of(owner)}"}))
    for sent in (until, f"{until}-12:00", f"{until}+14:00"):
        answer = program.post(f"/recon/jobs/{job.pk}/share", {"share_until": sent})
        assert answer.status_code == 400, sent
        assert answer.json()["detail"]
    assert Job.objects.get().share.until is None
    assert browser.get(job.get_absolute_url()).status_code == 200


def test_a_link_may_last_for_ninety_years(data_dir: Any) -> None:
    owner = person(time_zone="Pacific/Kiritimati")
    job = finished_job(owner, shared=True)
    browser = browser_of(owner)
    until = (timezone.now() + timedelta(days=90 * 365)).strftime("%Y-%m-%dT%H:%M")
    browser.post(reverse("recon:share_settings", args=[job.pk]), {"until": until})
    assert Job.objects.get().share.until is not None
    assert until in browser.get(job.get_absolute_url()).content.decode()


# --- The queue's pages ---


@pytest.mark.parametrize("mount", ["/admin/queue/", "/admin/django_rq/dashboard/"])
def test_nothing_is_at_made_up_numbers_of_the_queue(
    mount: str, data_dir: Any, redis_queue: Any
) -> None:
    boss = quiet(browser_of(person(is_staff=True, is_superuser=True)))
    assert boss.get(f"{mount}queues/0/").status_code == 200
    lists = (
        "",
        "details/",
        "finished/",
        "failed/",
        "scheduled/",
        "started/",
        "deferred/",
        "empty/",
    )
    of_a_task = ("", "results/1/", "delete/", "requeue/", "enqueue/")
    gone = [
        *(f"queues/99/{one}" for one in lists),
        *(f"queues/{queue}/nobody/{one}" for one in of_a_task for queue in (0, 99)),
        "queues/99/requeue-all/", "queues/99/failed/clear/", "queues/actions/99/",
        "queues/confirm-action/99/", "workers/99/", "workers/0/nobody/",
        "workers/0/rq:worker:nobody/", "workers/99/nobody/", "schedulers/99/", "schedulers/0/",
        "cron-schedulers/99/nobody/",
        "cron-schedulers/0/nobody/", "cron-schedulers/0/nobody/jobs/nothing/",
    ]  # fmt: skip
    found = {where: boss.get(mount + where).status_code for where in gone}
    assert {where: status for where, status in found.items() if status != 404} == {}
    for where in ("queues/0/nobody/delete/", "queues/0/nobody/requeue/", "queues/0/nobody/stop/"):
        assert boss.post(mount + where).status_code in (302, 404)
    chosen = {"action": "delete", "job_ids": ["nobody"], "next_url": "/admin/queue/"}
    assert boss.post(f"{mount}queues/actions/0/", chosen).status_code == 404
