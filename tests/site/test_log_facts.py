"""Every line of the log says which request, job and person it is about, also in the worker."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from instarecon_site import queues
from instarecon_site.monitoring import log_facts
from instarecon_site.monitoring.log_facts import JsonFormatter, about, present, whole_process_about
from recon.jobs import queue
from recon.jobs.run.worker import _facts_of
from recon.models import Job
from tests.site.making import browser_of, job_of, person, photos, token_of
from tests.site.staged_pipeline import play
from tests.site.test_server import read_all, running
from tests.site.working import manage, worker_environment

NUMBER = "from-the-proxy-1"


class Lines(logging.Handler):
    """Collects what the formatter makes of each record, at the moment when it is written."""

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(JsonFormatter())
        self.lines: list[dict[str, Any]] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(json.loads(self.format(record)))


@pytest.fixture
def log() -> Iterator[list[dict[str, Any]]]:
    handler = Lines()
    logging.getLogger("recon").addHandler(handler)
    yield handler.lines
    logging.getLogger("recon").removeHandler(handler)


logger = logging.getLogger("recon.tests")


def test_a_line_is_an_object_with_what_is_known(log: list[dict[str, Any]]) -> None:
    with about(request_id="r1", user_id=None), about(job_id="j1"):
        logger.warning("Full: %s", "정원")
    logger.info("after", extra={"status": 200})
    first, second = log
    assert (first["message"], first["level"], first["logger"]) == (
        "Full: 정원", "WARNING", "recon.tests",
    )  # fmt: skip
    assert (first["request_id"], first["job_id"]) == ("r1", "j1")
    assert "user_id" not in first
    assert "request_id" not in second
    assert second["status"] == 200


def test_secrets_stay_out_of_messages_and_tracebacks(log: list[dict[str, Any]]) -> None:
    try:
        raise ValueError("postgres://ann:sesame@db/x")
    except ValueError:
        logger.exception("GET /v/abcdefghijklmnop?x=1 Bearer %s", "0123456789abcdef")
    text = json.dumps(log)
    assert "ValueError" in log[0]["traceback"]
    assert not any(secret in text for secret in ("sesame", "abcdefghijklmnop", "0123456789abcdef"))


def test_threads_of_a_work_horse_say_it_too(log: list[dict[str, Any]]) -> None:
    with whole_process_about(job_id="j1", attempt=2):
        thread = threading.Thread(target=lambda: logger.info("from a thread"))
        thread.start()
        thread.join()
    assert (log[0]["job_id"], log[0]["attempt"]) == ("j1", 2)
    assert present() == {}


@pytest.mark.parametrize(
    ("sent", "is_taken"),
    [
        (NUMBER, True), ("0af7651916cd43dd8448eb211c80319c", True), ("", False), ("short", False),
        ("x" * 65, False), ('evil"\nline-of-its-own', False), ("../../etc/passwd", False),
    ],
)  # fmt: skip
def test_a_sane_number_is_taken_from_the_proxy(sent: str, is_taken: bool) -> None:
    assert (log_facts.sane_request_id(sent) == sent) is is_taken


@pytest.mark.django_db
def test_each_answer_has_its_request_s_number() -> None:
    first, second = (Client().get("/healthz")["X-Request-ID"] for _ in range(2))
    assert first != second
    assert Client().get("/nowhere", headers={"X-Request-ID": NUMBER})["X-Request-ID"] == NUMBER


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("data_dir", "redis_queue")
@pytest.mark.parametrize("how", ["session", "token"])
def test_a_queued_task_carries_the_request_and_the_person(how: str) -> None:
    ann = person()
    draft = job_of(ann, status=Job.Status.DRAFT)
    if how == "session":
        start = reverse("recon:start", args=[draft.pk])
        browser_of(ann).post(start, headers={"X-Request-ID": NUMBER})
    else:
        headers = {"X-Request-ID": NUMBER, "Authorization": f"Bearer {token_of(ann)}"}
        Client().post("/recon/jobs", {"files": photos(3)}, headers=headers)
    (task,) = queues.rq_queue(queue.QUEUE).jobs
    job = Job.objects.get(status=Job.Status.PENDING)
    facts = _facts_of(task)
    assert (facts["request_id"], facts["job_id"], facts["attempt"]) == (NUMBER, str(job.pk), 1)
    assert how == "token" or facts["user_id"] == ann.pk


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("data_dir", "redis_queue")
def test_the_worker_s_lines_name_the_request_that_caused_its_job() -> None:
    job = job_of(person())
    play(job.workspace, "crash")
    with about(request_id=NUMBER, user_id=7):
        queue.enqueue(str(job.pk), 1)
    environment = worker_environment() | {"LOG_FORMAT": "json"}
    said = manage("rqworker", "recon", "--burst", environment=environment)
    lines = [json.loads(line) for line in said.splitlines() if line.startswith("{")]
    failed = next(line for line in lines if "nobody foresaw this" in line.get("traceback", ""))
    assert (failed["request_id"], failed["user_id"]) == (NUMBER, 7)
    assert (failed["job_id"], failed["attempt"]) == (str(job.pk), 1)


@pytest.mark.slow
def test_the_access_log_has_them_as_well(tmp_path: Path, log: list[dict[str, Any]]) -> None:
    def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        environ[log_facts.PERSON](7)
        start_response("200 OK", [("Content-Length", "2")])
        return [environ[log_facts.NUMBER].encode()[:2]]

    with running(application, tmp_path) as site:
        with site.connect() as one:
            one.sendall(
                b"GET /jobs/?secret=1 HTTP/1.1\r\nHost: x\r\nX-Request-ID: from-the-proxy-1\r\n"
            )
            one.sendall(b"Connection: close\r\n\r\n")
            assert read_all(one).endswith(b"fr")
        site.until(lambda: bool(log))
    line = log[-1]
    assert (line["request_id"], line["user_id"], line["status"]) == (NUMBER, 7, 200)
    assert (line["method"], line["path"]) == ("GET", "/jobs/")
    assert line["seconds"] >= 0
