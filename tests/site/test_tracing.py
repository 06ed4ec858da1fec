"""Traces, as a collector receives them: from a request over the queue to the pipeline's steps."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from django.urls import reverse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from instarecon_site.monitoring import log_facts, tracing
from recon.jobs.drafts import drafts
from recon.models import Job
from tests.photos import PROJECT
from tests.site import staged_pipeline
from tests.site.making import browser_of, finished_job, person, photos
from tests.site.working import work_off

OUTSIDE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


class Collector:
    """OTLP over HTTP; `status` is what it answers."""

    def __init__(self) -> None:
        self.spans: list[Any] = []
        self.services: set[str] = set()
        self.status = 200

    def receive(self, body: bytes) -> None:
        sent = ExportTraceServiceRequest.FromString(body)
        for resource in sent.resource_spans:
            facts = {one.key: one.value.string_value for one in resource.resource.attributes}
            self.services.add(facts["service.name"])
            for scope in resource.scope_spans:
                self.spans += scope.spans

    def named(self, name: str) -> Any:
        (found,) = (one for one in self.spans if one.name == name)
        return found


def facts_of(span: Any) -> dict[str, Any]:
    return {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in span.attributes}


@contextmanager
def listening(collector: Collector) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert self.path == "/v1/traces"
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if collector.status == 200:
                collector.receive(body)
            self.send_response(collector.status)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def collector(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    """This process and workers send their spans there."""
    made = Collector()
    with listening(made) as address:
        settings.TRACES_TO = address
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", address)
        yield made
        if tracing._provider.cache_info().currsize:
            tracing._provider().shutdown()
    tracing._provider.cache_clear()


@pytest.mark.slow  # a worker starts
@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("data_dir", "redis_queue")
def test_a_request_a_queue_a_worker_and_its_steps_are_one_trace(collector: Collector) -> None:
    owner = person()
    draft = drafts.create_draft(owner)
    for one in photos(3):
        drafts.add_photo(draft, one)
    staged_pipeline.play(draft.workspace, "finish")
    address = reverse("recon:start", args=[draft.pk])
    headers = {"traceparent": OUTSIDE, "X-Request-ID": "upload-of-ann"}
    assert browser_of(owner).post(address, {"preset": "quick"}, headers=headers).status_code == 302
    work_off()
    assert Job.objects.get(pk=draft.pk).status == "COMPLETED"
    tracing.flush()

    request, queued = collector.named("POST /jobs/<uuid:pk>/start/"), collector.named("queue recon")
    run, wait = collector.named("run recon"), collector.named("wait in the queue")
    steps = [one for one in collector.spans if one.name.startswith("step ")]
    assert {one.name for one in steps} >= {"step GS_TRAIN"}
    assert request.parent_span_id.hex() == "b7ad6b7169203331", "the proxy's trace goes on"
    assert queued.parent_span_id == request.span_id
    assert run.parent_span_id == queued.span_id
    assert {one.parent_span_id for one in (wait, *steps)} == {run.span_id}
    ours = [request, queued, run, wait, *steps]
    assert {one.trace_id.hex() for one in ours} == {"0af7651916cd43dd8448eb211c80319c"}
    assert {facts_of(one)["recon.request_id"] for one in ours} == {"upload-of-ann"}
    assert {facts_of(one)["recon.job_id"] for one in ours} == {str(draft.pk)}
    assert {facts_of(one)["recon.user_id"] for one in ours} == {owner.pk}
    assert facts_of(request)["http.response.status_code"] == 302
    assert facts_of(run)["recon.outcome"] == "COMPLETED"
    assert facts_of(run)["recon.preset"] == "quick"
    assert all(facts_of(one)["recon.reused"] is False for one in steps)
    assert request.start_time_unix_nano <= wait.start_time_unix_nano
    assert collector.services == {"instarecon3d"}


@pytest.mark.django_db
@pytest.mark.usefixtures("data_dir")
def test_a_trace_names_no_link_and_no_person_by_name(collector: Collector) -> None:
    owner = person("ann@example.org")
    job = finished_job(owner, shared=True)
    link = reverse("recon:public", args=[job.share.key])
    assert browser_of(owner).get(f"{link}?password=secret").status_code == 200
    tracing.flush()
    (request,) = collector.spans
    assert facts_of(request)["http.route"].startswith("/v/<")
    assert job.share.key.encode() not in request.SerializeToString()
    assert b"secret" not in request.SerializeToString()
    assert b"ann" not in request.SerializeToString()


@pytest.mark.django_db
def test_probes_are_not_traced(collector: Collector, client: Any) -> None:
    assert client.get("/healthz").status_code == 200
    assert collector.spans == []
    assert not tracing._provider.cache_info().currsize


def test_an_error_is_named_and_not_quoted(collector: Collector) -> None:
    with pytest.raises(ValueError, match="secret"), tracing.span("a"):
        raise ValueError("secret")
    tracing.flush()
    failed = collector.named("a")
    assert facts_of(failed)["error.type"] == "ValueError"
    assert failed.status.code == 2
    assert b"secret" not in failed.SerializeToString()


def test_a_collector_that_is_away_costs_nobody_anything(collector: Collector) -> None:
    collector.status = 404
    with tracing.span("a"), log_facts.about(job_id="j"):
        pass
    tracing.flush()
    assert collector.spans == []


def run_on_its_own(program: str, **environment: str) -> subprocess.CompletedProcess[str]:
    inherited = {name: one for name, one in os.environ.items() if not name.startswith("OTEL_")}
    return subprocess.run(
        [sys.executable, "-c", program], cwd=PROJECT, env={**inherited, **environment},
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_a_site_without_the_packages_works_and_carries_nothing() -> None:
    program = """
import sys
sys.modules["opentelemetry"] = None  # not installed
import django; django.setup()
from instarecon_site.monitoring import tracing
from instarecon_site import queues, urls
from recon.jobs.run import tasks, worker
with tracing.span("a") as span, tracing.whole_process_span("b", parent={}, since=None):
    assert span is None and tracing.carried() == {}
"""
    done = run_on_its_own(program, DJANGO_SETTINGS_MODULE="tests.settings")
    assert done.returncode == 0, done.stderr


def test_our_own_code_loads_no_exporter_where_nobody_collects() -> None:
    program = """
import sys, django; django.setup()
from instarecon_site import queues, urls
from recon.jobs.run import tasks, worker
ours = ("opentelemetry.exporter", "google.protobuf")
assert not [name for name in sys.modules if name.startswith(ours)]
"""
    done = run_on_its_own(program, DJANGO_SETTINGS_MODULE="tests.settings")
    assert done.returncode == 0, done.stderr


def test_whoever_sets_it_without_the_packages_is_told_what_to_install() -> None:
    program = """
import sys
sys.modules["opentelemetry"] = None
import django; django.setup()
"""
    done = run_on_its_own(
        program,
        DJANGO_SETTINGS_MODULE="tests.settings",
        OTEL_EXPORTER_OTLP_ENDPOINT="http://localhost:4318",
    )
    assert "requirements-otel.txt" in done.stderr
