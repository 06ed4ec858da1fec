"""The staff's page of machines and queues: who sees it, what it counts, and that it asks little."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from redis import Redis

from recon.jobs import fair_queue
from recon.jobs.workers.site_state import HOURS, site_state
from recon.models import Job, Worker
from tests.site.making import browser_of, job_of, new_job, person, supporter

pytestmark = pytest.mark.django_db

PAGE = "/staff/"


@pytest.fixture(autouse=True)
def _site(data_dir: Path, redis_queue: Redis) -> None:
    """Every test here has a data folder and a queue."""


@pytest.fixture
def staff() -> Client:
    return browser_of(supporter("support@example.org", "view_worker"))


def box(name: str, host: str = "box", **fields: Any) -> Worker:
    now = timezone.now()
    card = {
        "gpu_name": "NVIDIA L4",
        "gpu_memory_mb": 23034,
        "gpu_used_mb": 9000,
        "gpu_use_percent": 97,
        "gpu_celsius": 61,
        "disk_total_mb": 900_000,
        "disk_free_mb": 300_000,
        "presets": ["quick", "high"],
    }
    facts = {"host": host, "version": "0.1.0", "started_at": now, "heartbeat_at": now}
    return Worker.objects.create(name=name, **(card | facts | fields))


def test_only_staff_who_may_see_workers_see_it(staff: Client) -> None:
    assert staff.get(PAGE).status_code == 200
    for other in (person(), supporter("other@example.org")):
        assert browser_of(other).get(PAGE).status_code == 404
    assert Client().get(PAGE).status_code == 302
    assert PAGE in staff.get("/jobs/").content.decode()
    assert f'"{PAGE}"' not in browser_of(person("bob@example.org")).get("/jobs/").content.decode()


def test_it_shows_machines_cards_and_what_they_do(staff: Client) -> None:
    job = job_of(person(), status=Job.Status.PROCESSING, step="GS_TRAIN", percent=72.0)
    box("box-0", job=job)
    box("box-1", is_drained=True)
    box("laptop-0", "laptop", gpu_name="", gpu_memory_mb=None, gpu_used_mb=None)
    box("old-0", "old", heartbeat_at=timezone.now() - timedelta(hours=2))
    page = staff.get(PAGE).content.decode()
    facts = (
        *("NVIDIA L4", "8.8 GB of 22 GB", "97%", "61 °C", "it works on the CPU"),
        *("GS_TRAIN", "72%", "293 GB of 879 GB", "Busy", "Takes no scenes", "Not heard of"),
    )
    for said in (*facts, "hours ago"):
        assert said in page, said
    assert "/admin/recon/job/" not in page, "not for whoever may not see jobs"
    assert job.title not in page


def test_a_card_whose_driver_has_stopped_answering_is_still_shown(staff: Client) -> None:
    box("box-0", gpu_used_mb=None, gpu_use_percent=None, gpu_celsius=None)
    page = staff.get(PAGE)
    assert page.status_code == 200
    assert "22 GB" in page.content.decode()


def test_it_is_there_in_korean(staff: Client) -> None:
    box("box-0")
    page = staff.get(PAGE, headers={"Accept-Language": "ko"}).content.decode()
    assert "컴퓨터와 대기열" in page
    assert "대기 중" in page


def test_it_counts_what_waits_what_ended_and_why(staff: Client) -> None:
    now, ann = timezone.now(), person()
    options: Any = {"description": "a check", "timeout_s": 10, "failure_ttl_s": 10}
    fair_queue.enqueue("checks", "a.task", (), prefix="t-", owner_pk=ann.pk, **options)
    ended = [(0, "COMPLETED", "")] * 3 + [(2, "FAILED", "no_features")] * 2
    ended += [(5, "COMPLETED", ""), (30, "FAILED", "worker_lost"), (24 * 8, "FAILED", "internal")]
    for hours, status, code in ended:
        job = job_of(ann, status=status, error_code=code)
        Job.objects.filter(pk=job.pk).update(completed_at=now - timedelta(hours=hours))
    job_of(ann)
    Job.objects.filter(status="PENDING").update(created_at=now - timedelta(minutes=7))
    job_of(ann, status="PROCESSING")
    state = site_state()
    assert (state.running, len(state.hours), state.last_hour.done) == (1, HOURS, 3)
    assert state.last_day == (4, 2)
    assert state.failures == [("no_features", 2), ("worker_lost", 1)]
    depths = {one.name: one.depth for one in state.queues}
    assert depths == {"recon": 1, "checks": 1, "videos": 0, "mail": 0}
    assert state.queues[0].oldest_s == pytest.approx(420, abs=20)
    page = staff.get(PAGE).content.decode()
    assert "no_features" in page
    assert "3 since the full hour, 4 in 24 hours; 2 failed." in page


def test_a_poll_gets_the_part_that_changes(staff: Client) -> None:
    part = staff.get(PAGE, headers={"HX-Request": "true"}).content.decode()
    assert part.lstrip().startswith("<div class=")
    assert 'hx-trigger="every 5s"' in part
    assert "<html" not in part


def test_without_redis_it_says_so(staff: Client, no_redis: None) -> None:
    page = staff.get(PAGE)
    assert page.status_code == 200
    assert "Redis can’t be reached" in page.content.decode()


def test_it_asks_as_often_with_many_jobs_and_workers(staff: Client) -> None:
    ann, now = person(), timezone.now()
    Job.objects.bulk_create(
        new_job(ann, status=status, completed_at=now, error_code=code)
        for status, code in (("PENDING", ""), ("COMPLETED", ""), ("FAILED", "internal"))
        for _ in range(100)
    )
    for number in range(40):
        box(f"box-{number}", job=Job.objects.all()[number])
    with CaptureQueriesContext(connection) as asked:
        assert staff.get(PAGE).status_code == 200
    assert len(asked) <= 15
