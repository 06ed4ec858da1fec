"""/readyz and /metrics: for the programs that watch the site."""

from __future__ import annotations

import shutil
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families
from redis import Redis
from rq import Worker
from rq.serializers import JSONSerializer

from instarecon_site.middleware import measuring
from instarecon_site.monitoring import request_counts
from recon.jobs import queue
from recon.jobs.monitoring import readiness
from recon.models import Job, StageRun
from tests.site.making import browser_of, job_of, person

TOKEN = "a token for prometheus"
BEARER = {"Authorization": f"Bearer {TOKEN}"}

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("data_dir", "redis_queue")]


@pytest.fixture(autouse=True)
def collected(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.METRICS_TOKEN = TOKEN
    monkeypatch.setattr(readiness, "_migrated", False)
    monkeypatch.setattr(request_counts, "_next_at", 0.0)
    request_counts._counted.clear()


# --- /readyz ---


def test_a_site_that_has_all_it_needs_is_ready() -> None:
    answer = Client().get("/readyz")
    assert (answer.status_code, answer.content, answer["Content-Type"]) == (
        200, b"ready", "text/plain",
    )  # fmt: skip


@pytest.mark.parametrize("who", ["staff", "token"])
def test_staff_and_programs_with_the_token_are_told_each_part(who: str) -> None:
    staff = browser_of(person(is_staff=True))
    answer = staff.get("/readyz") if who == "staff" else Client(headers=BEARER).get("/readyz")
    every = dict.fromkeys(("database", "migrations", "queue", "data_folder"), "ok")
    assert answer.json() == {"ready": True, "checks": every}


def test_without_a_queue_others_learn_its_name_only(no_redis: None) -> None:
    answer = browser_of(person()).get("/readyz")
    assert (answer.status_code, answer.content) == (503, b"missing: queue")
    assert answer["Retry-After"] == "10"
    told = Client(headers=BEARER).get("/readyz").json()
    assert told["ready"] is False
    assert "nobody.sock" in told["checks"]["queue"]


def test_a_folder_that_nothing_can_be_written_to_is_missed(settings: Any) -> None:
    shutil.rmtree(settings.FILE_UPLOAD_TEMP_DIR)
    assert Client().get("/readyz").content == b"missing: data_folder"


def test_a_full_disk_is_missed(monkeypatch: pytest.MonkeyPatch, data_dir: Path) -> None:
    full = shutil._ntuple_diskusage(100 * 2**30, 100 * 2**30, 5 * 2**20)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: full)
    told = Client(headers=BEARER).get("/readyz").json()["checks"]["data_folder"]
    assert told == "5 MB free of the 200 MB that are needed"


def test_migrations_that_were_not_applied_are_missed() -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'admin' AND name LIKE '0003%'")
    told = Client(headers=BEARER).get("/readyz").json()["checks"]["migrations"]
    assert "admin.0003" in told
    call_command("migrate", fake=True, verbosity=0)
    assert Client().get("/readyz").status_code == 200


def test_a_database_that_is_away_is_missed_whoever_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    staff = browser_of(person(is_staff=True))
    with connection.execute_wrapper(away):
        assert Client().get("/readyz").content == b"missing: database, migrations"
        told = Client(headers=BEARER).get("/readyz")
    assert told.json()["checks"]["database"] == "the server closed the connection"
    assert staff.get("/readyz").json()["ready"] is True


def away(*args: object) -> None:
    from django.db import OperationalError

    raise OperationalError("the server closed the connection\nmore")


# --- /metrics ---


def metrics() -> dict[str, float]:
    """Each sample by name and labels: `instarecon_jobs{status="DRAFT"}`."""
    text = Client(headers=BEARER).get("/metrics").content.decode()
    found = {}
    for family in text_string_to_metric_families(text):
        assert family.documentation
        for sample in family.samples:
            labels = ",".join(f'{name}="{value}"' for name, value in sorted(sample.labels.items()))
            found[sample.name + (f"{{{labels}}}" if labels else "")] = sample.value
    return found


@pytest.mark.parametrize(
    "sent", ["", "Bearer ", "Bearer wrong", f"Basic {TOKEN}", f"Bearer {TOKEN}é"]
)
def test_there_is_nothing_without_the_token(sent: str) -> None:
    headers = {"Authorization": sent} if sent else {}
    assert (
        browser_of(person(is_staff=True, is_superuser=True))
        .get("/metrics", headers=headers)
        .status_code
        == 404
    )


def test_there_are_none_where_nobody_set_a_token(settings: Any) -> None:
    settings.METRICS_TOKEN = ""
    assert Client(headers={"Authorization": "Bearer "}).get("/metrics").status_code == 404


def test_jobs_steps_and_queues_are_told() -> None:
    ann, now = person(), timezone.now()
    done = job_of(ann, status=Job.Status.COMPLETED, completed_at=now)
    waiting = job_of(ann)
    Job.objects.filter(pk=waiting.pk).update(created_at=now - timedelta(minutes=5))
    for ago, code in ((1, "internal"), (2, "internal"), (3, "disk_full"), (90, "internal")):
        at = now - timedelta(minutes=ago)
        job_of(ann, status=Job.Status.FAILED, completed_at=at, error_code=code)
    for seconds, step in ((30, "GS_TRAIN"), (12, "COLMAP_MAP")):
        StageRun.objects.create(
            job=done, attempt=1, step=step, outcome="done",
            started_at=now - timedelta(seconds=seconds), ended_at=now,
        )  # fmt: skip
    queue.enqueue(str(waiting.pk), 1)
    told = metrics()
    assert told['instarecon_jobs{status="FAILED"}'] == 4
    assert told['instarecon_jobs{status="PROCESSING"}'] == 0
    assert told["instarecon_oldest_wait_seconds"] == pytest.approx(300, abs=20)
    assert told['instarecon_jobs_ended_last_hour{status="FAILED"}'] == 3
    assert told['instarecon_failures_last_hour{code="internal"}'] == 2
    assert told['instarecon_step_seconds_last_hour{step="GS_TRAIN"}'] == 30
    assert told['instarecon_steps_last_hour{step="COLMAP_MAP"}'] == 1
    assert told['instarecon_queue_length{queue="recon"}'] == 1
    assert told['instarecon_workers{queue="recon"}'] == 0
    assert told["instarecon_disk_free_bytes"] > 0
    assert told['instarecon_up{part="database"}'] == told['instarecon_up{part="queue"}'] == 1


def test_few_queries_however_many_jobs_there_are(django_assert_max_num_queries: Any) -> None:
    job_of(person())
    with django_assert_max_num_queries(7):
        metrics()


def test_a_worker_counts_while_it_lives(redis_queue: Redis) -> None:
    one = Worker(["recon", "videos"], connection=redis_queue, serializer=JSONSerializer)
    one.register_birth()
    told = metrics()
    assert told['instarecon_workers{queue="recon"}'] == told["instarecon_boxes"] == 1
    assert told['instarecon_workers{queue="checks"}'] == 0
    one.set_state("busy")
    assert metrics()['instarecon_workers_busy{queue="videos"}'] == 1
    redis_queue.hset(one.key, "last_heartbeat", "2026-01-01T00:00:00.000000Z")
    assert metrics()['instarecon_workers{queue="recon"}'] == 0, "it has said nothing for long"


def test_what_is_away_is_said_and_hides_nothing_else(no_redis: None) -> None:
    told = metrics()
    assert told['instarecon_up{part="queue"}'] == 0
    assert told['instarecon_jobs{status="DRAFT"}'] == 0


def measured(browser: Client) -> Client:
    """The client's site with the middleware, which was left out where there was no token."""
    browser.handler.load_middleware()
    return browser


def test_requests_are_counted_by_the_pattern_of_their_address() -> None:
    ann = person()
    browser = measured(browser_of(ann))
    jobs = [job_of(ann), job_of(ann)]
    for job in jobs:
        browser.get(f"/jobs/{job.pk}/")
    browser.get("/nowhere")
    browser.post("/notices/read/")
    told = metrics()
    page = 'method="GET",route="/jobs/<uuid:pk>/"'
    assert told[f'instarecon_http_requests_total{{{page},status="200"}}'] == 2
    none = measuring.NO_ROUTE
    assert told[f'instarecon_http_requests_total{{method="GET",route="{none}",status="404"}}'] == 1
    assert told[f"instarecon_http_request_seconds_count{{{page}}}"] == 2
    assert told[f"instarecon_http_request_seconds_sum{{{page}}}"] > 0
    assert told[f'instarecon_http_request_seconds_bucket{{le="+Inf",{page}}}'] == 2
    assert not any(str(job.pk) in name for name in told for job in jobs)


def test_counts_of_several_processes_add_up(redis_queue: Redis) -> None:
    for _ in range(3):
        request_counts.count("GET", "/a", 200, 0.03)
        request_counts.add_up()
    request_counts.count("BREW", "/a b", 418, 99.0)
    request_counts._next_at = 0.0
    found = request_counts.read()
    counts = found[request_counts.Route("GET", "/a")]
    assert counts.statuses == {"200": 3}
    assert counts.buckets[2] == sum(counts.buckets) == 3
    assert counts.seconds == pytest.approx(0.09)
    odd = found[request_counts.Route("OTHER", "/ab")]
    assert odd.buckets[-1] == 1


def test_counts_wait_for_a_redis_that_is_away(
    no_redis: None, redis_url: str, settings: Any
) -> None:
    request_counts.count("GET", "/a", 200, 0.5)
    assert request_counts._counted["GET /a status 200"] == 1
    from tests.services import use_redis

    use_redis(settings, redis_url)
    assert request_counts.read()[request_counts.Route("GET", "/a")].statuses["200"] >= 1
