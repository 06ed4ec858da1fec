"""Reading changes nothing: whoever opens a page, however often, leaves every row as it was.

Not counted: sessions, the record of when a token was last used, and the audit log, which must
record a look by staff before anything is shown.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts import urls as account_urls
from accounts.models import User
from recon.models import Job, Notice, Video
from tests.site.making import browser_of, job_of, measured_job, person, supporter, token_of
from tests.site.test_access import EXPECTED, address

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("data_dir", "redis_queue")]

ALLOWED = ("django_session", "accounts_apitoken", "recon_auditentry")
WRITES = re.compile(r"\s*(?:INSERT\s+(?:OR\s+\w+\s+)?INTO|UPDATE|DELETE\s+FROM)\s+\"(\w+)\"")
READ = [name for name, (method, *_) in EXPECTED.items() if method == "get"]
PAGES = ["", "?show=all&embed=1"]  # a job's page reads one, a link's the other, none both


@contextmanager
def rows_stay() -> Iterator[list[str]]:
    """Collects the queries that change a row."""
    changes: list[str] = []

    def look(execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
        found = WRITES.match(sql)
        if found and found[1] not in ALLOWED:
            changes.append(sql[:120])
        return execute(sql, *rest)

    with connection.execute_wrapper(look):
        yield changes


def jobs_of(owner: User) -> list[Job]:
    """One in each state, all shared, with an unread notice for each that has ended."""
    now = timezone.now()
    jobs = [
        job_of(owner, status=Job.Status.DRAFT, edited_at=now),
        job_of(owner, shared=True, status=Job.Status.PENDING),
        job_of(owner, shared=True, status=Job.Status.PROCESSING, step="GS_TRAIN", percent=70.0),
        job_of(
            owner, shared=True, status=Job.Status.FAILED, completed_at=now, error_code="internal"
        ),
        job_of(owner, shared=True, status=Job.Status.CANCELLED, completed_at=now),
        measured_job(owner, shared=True, in_gallery=True),
    ]
    Video.objects.create(job=jobs[0], original_name="walk.mp4", sha256="0" * 64, size=1)
    for job in jobs[3:]:
        Notice.objects.create(user=owner, job=job)
    return jobs


def visitors(owner: User) -> dict[str, Client]:
    staff = supporter("staff@example.org", "view_job", "change_job", "delete_job")
    return {
        "owner": browser_of(owner),
        "program": Client(headers={"Authorization": f"Bearer {token_of(owner)}"}),
        "somebody else": browser_of(person("bob@example.org")),
        "stranger": Client(),
        "staff": browser_of(staff),
    }


def test_the_statements_that_change_rows_are_noticed() -> None:
    ann = person()
    job = job_of(ann)
    with rows_stay() as changes:
        Notice.objects.create(user=ann, job=job)
        Notice.objects.update(read_at=None)
        Notice.objects.all().delete()
        Notice.objects.bulk_create([Notice(user=ann, job=job)], ignore_conflicts=True)
    assert len(changes) == 4


def test_no_page_and_no_file_changes_a_row() -> None:
    ann = person(gallery_open=True, handle="ann")
    found = {}
    # Some addresses are the same for every job: each is opened once.
    pages = {
        address(name, job) + query: job.status
        for job in jobs_of(ann)
        for name in READ
        for query in PAGES
    }
    for who, visitor in visitors(ann).items():
        for where, status in pages.items():
            with rows_stay() as changes:
                visitor.get(where)
            if changes:
                found[who, status, where] = changes
    assert found == {}


def test_no_page_about_an_account_changes_a_row() -> None:
    ann = person(is_staff=True, is_superuser=True)
    found = {}
    names = [one.name for one in account_urls.urlpatterns if "<" not in str(one.pattern)]
    assert len(names) > 5
    pages = [*(reverse(f"accounts:{name}") for name in names), "/admin/", "/admin/recon/job/"]
    for who, visitor in visitors(ann).items():
        for where in pages:
            if where == reverse("accounts:sign_out"):
                continue
            with rows_stay() as changes:
                visitor.get(where)
            if changes:
                found[who, where] = changes
    assert found == {}
