"""How many queries one page or one round of reconcile makes, on a site where much is waiting.

Every address that can be read is requested by one person who has it all: hundreds of jobs in line,
a thousand drafts, full pages of everything. The queries must not grow with any of these.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from recon.jobs import queue
from recon.jobs.drafts import checks, frames
from recon.jobs.folder import data_folder, unclaimed
from recon.jobs.reconcile import reconcile
from recon.jobs.time_left import learnt, outlook, remembered
from recon.models import Artifact, Job, Notice, Photo, StageRun, Video
from recon.pipeline.progress import WORKING_STEPS
from tests.site.making import browser_of, job_of, measured_job, new_job, person, token_of
from tests.site.test_access import EXPECTED, address

pytestmark = pytest.mark.django_db

MOST = 15
#: Of `reconcile`, which looks after that many kinds of things.
A_ROUND = 22
WAITING, DRAFTS, WITH_VIDEO, ENDED = 300, 1000, 20, 60


@pytest.fixture
def ann(data_dir: Any, redis_queue: Any) -> User:
    """Somebody who may see everything, and has a lot of it."""
    ann = person(is_staff=True, is_superuser=True, gallery_open=True, handle="ann")
    now = timezone.now()
    line = _jobs(ann, WAITING, status=Job.Status.PENDING)
    ended = _jobs(ann, ENDED, status=Job.Status.COMPLETED, completed_at=now, in_gallery=True,
                  shared=True, stored_bytes=None)  # fmt: skip
    drafts = _jobs(ann, DRAFTS, status=Job.Status.DRAFT, edited_at=now)
    _photos([*line, *ended], 5)
    _photos(drafts, 1)
    StageRun.objects.bulk_create(
        StageRun(job=job, attempt=1, step=step.value, outcome="done",
                 started_at=now - timedelta(seconds=9), ended_at=now)
        for job in ended
        for step in WORKING_STEPS
    )  # fmt: skip
    Artifact.objects.bulk_create(
        Artifact(job=job, kind=kind, path="nothing", size=1)
        for job in ended
        for kind in Artifact.Kind
    )
    Notice.objects.bulk_create(Notice(user=ann, job=job) for job in ended)
    Video.objects.bulk_create(
        Video(job=draft, original_name="walk.mp4", sha256="0" * 64, size=1)
        for draft in drafts[:WITH_VIDEO]
    )
    return ann


def _jobs(owner: User, count: int, **fields: Any) -> list[Job]:
    return Job.objects.bulk_create(
        new_job(owner, title=f"Fern {number}", **fields) for number in range(count)
    )


def _photos(jobs: list[Job], count: int) -> None:
    Photo.objects.bulk_create(
        Photo(job=job, name=f"{number}.jpg", original_name=f"photo {number}.jpg",
              sha256=f"{number:064}", size=1, width=4000, height=3000, position=number)
        for job in jobs
        for number in range(count)
    )  # fmt: skip


@pytest.fixture(autouse=True)
def remembers(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a site: what a page asks twice is read once. `costs` begins without it."""
    monkeypatch.setattr(remembered, "IS_ON", True)
    _forget()


def _forget() -> None:
    for one in (learnt.learnt_now, outlook._line, outlook._running, outlook._workers):
        one.forget()


def costs(ask: Callable[[], Any]) -> int:
    _forget()
    with CaptureQueriesContext(connection) as asked:
        ask()
    return len(asked)


def test_no_page_asks_often_however_much_waits(ann: User) -> None:
    browser = browser_of(ann)
    program = Client(headers={"Authorization": f"Bearer {token_of(ann)}"})
    waiting = Job.objects.filter(status=Job.Status.PENDING).latest("created_at", "pk")
    draft = Job.objects.filter(videos__isnull=False).latest("created_at", "pk")
    running = job_of(ann, status=Job.Status.PROCESSING, step="GS_TRAIN", percent=70.0, shared=True)
    done, other = (measured_job(ann, shared=True) for _ in range(2))
    asked = {}
    for job in (waiting, running, draft, done):
        for name in (name for name, (method, *_) in EXPECTED.items() if method == "get"):
            visitor, where = program if name.startswith("api:") else browser, address(name, job)
            if where not in asked:
                asked[where] = costs(partial(visitor.get, where))
    listed = ("job", "photo", "stagerun", "artifact")
    pages = [
        reverse("recon:compare", args=[done.pk, other.pk]),
        *(reverse(f"admin:recon_{name}_changelist") for name in listed),
        *(
            reverse("admin:recon_job_change", args=[one.pk])
            for one in (waiting, running, draft, done)
        ),
        reverse("admin:accounts_user_changelist"),
        reverse("admin:index"),
        "/admin/queue/",
        "/jobs/?q=fern&page=3",
        "/jobs/?sort=title&page=3",
        "/jobs/?sort=quality&page=3",
        "/notices/?page=2",
        "/usage/?page=9",
        reverse("accounts:account"),
    ]
    for page in pages:
        asked[page] = costs(partial(_open, browser, page))
    assert len(asked) > 100
    assert {where: count for where, count in asked.items() if count > MOST} == {}


def _open(browser: Client, page: str) -> None:
    assert browser.get(page).status_code == 200, page


def test_a_place_in_line_is_the_same_on_every_page(ann: User) -> None:
    program = Client(headers={"Authorization": f"Bearer {token_of(ann)}"})
    line = list(Job.objects.filter(status=Job.Status.PENDING).order_by("created_at", "pk"))
    told = program.get("/recon/queue").json()
    assert told["queued"] == WAITING
    assert [one["position"] for one in told["jobs"]] == list(range(1, WAITING + 1))
    assert [one["job_id"] for one in told["jobs"]] == [str(job.pk) for job in line]
    for place in (1, 2, 77, WAITING):
        job = line[place - 1]
        assert queue.position(job) == outlook.outlook_of(job).position == place
        assert program.get(f"/recon/jobs/{job.pk}/status").json()["queue_position"] == place


def test_far_behind_in_line_all_that_are_before_count(ann: User, settings: Any) -> None:
    settings.MAX_CONCURRENT_JOBS = 1
    line = list(Job.objects.filter(status=Job.Status.PENDING).order_by("created_at", "pk"))
    near, far = (outlook.outlook_of(line[place]).starts_in for place in (50, 250))
    assert near is not None
    assert far is not None
    assert far.low == pytest.approx(5 * near.low, rel=0.01), "they are all alike"


def test_a_round_of_reconcile_asks_as_often_with_a_thousand_drafts(ann: User) -> None:
    for job in Job.objects.filter(status=Job.Status.PENDING)[:3]:
        unclaimed_folder(job)
    data_folder.confirm()  # the very first round pairs folder and database
    asked = costs(reconcile)
    assert len(queue.task_ids(checks.QUEUE)) == checks.AT_ONCE
    assert len(queue.task_ids(frames.QUEUE)) == WITH_VIDEO
    assert asked <= A_ROUND
    assert not Job.objects.filter(status__in=Job.ENDED, stored_bytes=None).exists()
    assert costs(reconcile) <= A_ROUND
    assert len(queue.task_ids(checks.QUEUE)) == 2 * checks.AT_ONCE, "the next round queues others"


def unclaimed_folder(job: Job) -> None:
    """As left by a crash after the row was written and before the mark was removed."""
    job.folder.mkdir(parents=True)
    unclaimed.mark(job.folder)
    os.utime(job.folder / unclaimed.MARK, (0, 0))
