"""Webhooks: who is told what, by which signature, how often, and where nothing is ever sent."""

from __future__ import annotations

import http.server
import ipaddress
import json
import re
import socket
import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import User
from recon.jobs import lifecycle
from recon.jobs.webhooks import deliveries, posting
from recon.models import Delivery, Webhook
from tests.photos import PROJECT
from tests.site.making import browser_of, job_of, person
from tests.site.v1 import Program, is_problem, wrong_fields

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("data_dir", "redis_queue")]


class Receiver(http.server.ThreadingHTTPServer):
    """A program that waits for messages, on loopback."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.got: list[tuple[dict[str, str], bytes]] = []
        self.status = 204

    @property
    def url(self) -> str:
        return f"http://localhost:{self.server_port}/hook?a=1"


class _Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        server: Any = self.server
        body = self.rfile.read(int(self.headers["Content-Length"]))
        server.got.append(({**self.headers, "path": self.path}, body))
        self.send_response(server.status)
        self.send_header("Location", "http://127.0.0.1:1/elsewhere")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Nothing."""


@pytest.fixture
def receiver(settings: Any) -> Iterator[Receiver]:
    settings.WEBHOOKS_TO_OWN_NETWORK = True
    with Receiver() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def ann() -> User:
    return person()


def hook_of(owner: User, url: str) -> Webhook:
    return Webhook.objects.create(owner=owner, url=url)


def is_ours() -> Any:
    """The function that the guide shows."""
    guide = (PROJECT / "docs" / "use" / "api-v1.md").read_text()
    (code,) = re.findall(r"```python\n(.*?)```", guide, re.DOTALL)
    names: dict[str, Any] = {}
    exec(code, names)  # noqa: S102 - our own example
    return names["is_ours"]


def test_a_scene_that_is_done_is_told_once_and_signed(ann: User, receiver: Receiver) -> None:
    hook = hook_of(ann, receiver.url)
    hook_of(person("bob@example.org"), receiver.url)
    job = job_of(ann, status="PROCESSING")
    assert lifecycle.complete(job.pk, job.attempt)
    assert not lifecycle.complete(job.pk, job.attempt)
    assert deliveries.send_waiting() == 1
    assert deliveries.send_waiting() == 0
    ((headers, body),) = receiver.got
    told = json.loads(body)
    assert (told["type"], told["data"]["job_id"]) == ("job.completed", str(job.pk))
    assert headers["path"] == "/hook?a=1"
    assert is_ours()(hook.secret, headers, body)
    assert not is_ours()(hook.secret, headers, body + b" ")
    sent = Delivery.objects.get()
    assert (sent.status, sent.tries, sent.is_over) == (204, 1, True)


def test_a_failure_is_told_with_its_code_and_a_cancelled_job_is_not(
    ann: User, receiver: Receiver
) -> None:
    hook_of(ann, receiver.url)
    job, other = job_of(ann, status="PROCESSING"), job_of(ann, status="PROCESSING")
    assert lifecycle.fail(job.pk, job.attempt, "internal")
    assert lifecycle.cancel(other)
    deliveries.send_waiting()
    ((_, body),) = receiver.got
    told = json.loads(body)
    assert (told["type"], told["data"]["error_code"]) == ("job.failed", "internal")


@pytest.mark.parametrize("status", [500, 404, 302])
def test_what_is_not_taken_is_sent_again_later_and_given_up_in_the_end(
    ann: User, receiver: Receiver, status: int
) -> None:
    receiver.status = status
    hook_of(ann, receiver.url)
    job = job_of(ann, status="PROCESSING")
    lifecycle.complete(job.pk, job.attempt)
    for tries in range(1, deliveries.MOST_TRIES + 1):
        before = timezone.now()
        assert deliveries.send_waiting() == 0
        sent = Delivery.objects.get()
        assert (sent.tries, sent.status, sent.taken_at) == (tries, status, None)
        if sent.next_try_at is not None:
            pause = deliveries.PAUSE * 2 ** (tries - 1)
            assert pause <= sent.next_try_at - before < pause + timedelta(minutes=1)
            assert deliveries.send_waiting() == 0, "not yet"
            Delivery.objects.update(next_try_at=before)
    assert sent.is_over
    assert len({headers["Webhook-Id"] for headers, _ in receiver.got}) == 1
    assert len(receiver.got) == deliveries.MOST_TRIES, "and no redirect was followed"


def test_gone_ends_it_and_the_queue_may_be_down(ann: User, receiver: Receiver) -> None:
    receiver.status = 410
    hook_of(ann, receiver.url)
    job = job_of(ann, status="PROCESSING")
    lifecycle.complete(job.pk, job.attempt)
    assert deliveries.send_waiting(overdue_only=True) == 0
    assert receiver.got == [], "a worker is given its time"
    Delivery.objects.update(next_try_at=timezone.now() - deliveries.OVERDUE)
    deliveries.send_waiting(overdue_only=True)
    assert (Delivery.objects.get().is_over, len(receiver.got)) == (True, 1)


def test_an_old_log_is_forgotten(ann: User, receiver: Receiver) -> None:
    deliveries.test(hook_of(ann, receiver.url))
    Delivery.objects.update(created_at=timezone.now() - deliveries.LOG_KEPT)
    assert deliveries.remove_old() == 1


OUTSIDE = "93.184.215.14"


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.0.0.1", "172.16.5.5", "192.168.1.1", "169.254.169.254", "0.0.0.0",  # noqa: S104
        "100.64.0.1", "224.0.0.1", "255.255.255.255", "240.0.0.1", "192.0.2.1", "198.18.0.1",
        "::1", "::", "fe80::1", "fc00::1", "fec0::1", "ff02::1", "::ffff:127.0.0.1",
        "::ffff:10.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "2001:db8::1",
    ],
)  # fmt: skip
def test_nothing_is_sent_into_a_network(address: str, monkeypatch: Any) -> None:
    assert not posting.is_public(ipaddress.ip_address(address))
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    both = [(socket.AF_INET, 1, 6, "", (OUTSIDE, 80)), (family, 1, 6, "", (address, 80))]
    monkeypatch.setattr(posting.socket, "getaddrinfo", lambda *_, **__: both)
    with pytest.raises(posting.NotPosted, match="own_network"):
        posting.check("http://example.org/")


@pytest.mark.parametrize("address", [OUTSIDE, "2606:2800:21f:cb07:6820:80da:af6b:8b2c"])
def test_the_internet_is_outside(address: str) -> None:
    assert posting.is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/", "http://localhost/", "http://2130706433/", "http://0x7f.1/",
        "http://0177.0.0.1/", "http://[::1]/", "http://[::ffff:127.0.0.1]/",
    ],
)  # fmt: skip
def test_however_loopback_is_written_it_is_inside(url: str) -> None:
    with pytest.raises(posting.NotPosted, match="own_network"):
        posting.check(url)


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.org/", "http://", "http://user:word@example.org/", "file:///etc/passwd",
        "http://example.org:22/", "http://example.org:99999/", "//example.org", "http://[", "",
    ],
)  # fmt: skip
def test_other_addresses_are_no_webhooks(url: str) -> None:
    with pytest.raises(posting.NotPosted, match="wrong_address"):
        posting.check(url)


def test_a_name_that_changes_its_mind_gains_nothing(monkeypatch: Any) -> None:
    """The connection goes to the address that was looked at, by whatever name."""
    outside = [(socket.AF_INET, 1, 6, "", (OUTSIDE, 80))]
    monkeypatch.setattr(posting.socket, "getaddrinfo", lambda *_, **__: outside)
    asked: list[Any] = []

    def connect(address: Any, timeout: float) -> Any:
        asked.append(address)
        raise OSError

    monkeypatch.setattr(posting.socket, "create_connection", connect)
    with pytest.raises(posting.NotPosted, match="no_answer"):
        posting.post("http://rebinding.example.org/", b"{}", {})
    assert asked == [(OUTSIDE, 80)]


def test_a_receiver_that_is_not_there_is_logged(ann: User, settings: Any) -> None:
    settings.WEBHOOKS_TO_OWN_NETWORK = True
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        deliveries.test(hook_of(ann, f"http://127.0.0.1:{unused.getsockname()[1]}/"))
        assert deliveries.send_waiting() == 0
    sent = Delivery.objects.get()
    assert (sent.fault, sent.status, sent.is_over) == ("no_answer", None, True)


def test_a_person_makes_tries_and_removes_one_on_the_page(ann: User, receiver: Receiver) -> None:
    browser = browser_of(ann)
    made = browser.post("/webhooks/new/", {"url": receiver.url})
    hook = Webhook.objects.get()
    assert hook.secret in made.content.decode()
    assert hook.secret not in browser.get("/webhooks/").content.decode()
    browser.post(f"/webhooks/{hook.pk}/test/")
    assert "on its way" in browser.get("/webhooks/").content.decode()
    deliveries.send_waiting()
    assert "taken (204)" in browser.get("/webhooks/").content.decode()
    other = browser_of(person("bob@example.org"))
    assert other.post(f"/webhooks/{hook.pk}/delete/").status_code == 404
    browser.post(f"/webhooks/{hook.pk}/delete/")
    assert not Webhook.objects.exists()


def test_an_address_inside_is_refused_with_a_sentence(ann: User) -> None:
    answer = browser_of(ann).post("/webhooks/new/", {"url": "http://127.0.0.1/"})
    assert answer.status_code == 400
    assert "in a private network" in answer.content.decode()
    assert not Webhook.objects.exists()


def test_a_program_makes_tries_and_removes_one(ann: User, receiver: Receiver) -> None:
    program = Program(ann)
    made = program.post("/webhooks", {"url": receiver.url})
    assert made.status_code == 201, made.content
    told = made.json()
    assert told["secret"].startswith("whsec_")
    (listed,) = program.get("/webhooks").json()["items"]
    assert listed == {name: told[name] for name in ("webhook_id", "url", "created_at")}
    address = f"/webhooks/{told['webhook_id']}"
    assert program.post(f"{address}/test").status_code == 202
    deliveries.send_waiting()
    (sent,) = program.get(f"{address}/deliveries").json()["items"]
    assert (sent["event"], sent["status"], sent["next_try_at"]) == ("test", 204, None)
    bob = Program(person("bob@example.org"))
    assert is_problem(bob.get(f"{address}/deliveries"), 404, "no_such_webhook")
    assert program.send("DELETE", address).status_code == 204
    assert is_problem(program.post(f"{address}/test"), 404, "no_such_webhook")


def test_a_person_has_only_so_many(ann: User, receiver: Receiver) -> None:
    for _ in range(10):
        hook_of(ann, receiver.url)
    answer = Program(ann).post("/webhooks", {"url": receiver.url})
    assert wrong_fields(answer) == {""}
    assert "10 webhooks" in answer.json()["errors"][0]["message"]
