"""If the database is locked or away, or Redis is away: 503, and when to come back."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from django.db import DatabaseError, IntegrityError, OperationalError, connection, connections
from django.test import Client
from django.urls import reverse

from instarecon_site import errors
from instarecon_site.errors import RETRY_AFTER_S
from recon.models import Job
from tests.site.databases import connection_to
from tests.site.making import browser_of, finished_job, person, photos, token_of

pytestmark = pytest.mark.django_db(transaction=True)

JSON = {"Accept": "application/json"}


def answering(client: Client) -> Client:
    """Errors come as a response, as they do in a browser."""
    client.raise_request_exception = False
    return client


@contextmanager
def locked() -> Iterator[None]:
    """Another process keeps SQLite locked; ours waits only a moment for it instead of 20 s."""
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA busy_timeout = 50")
    with closing(sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
    connection.close()  # the next one waits as long as usual


@contextmanager
def away(tmp_path: Path) -> Iterator[None]:
    """PostgreSQL can't be reached."""
    ours = connections["default"]
    connections["default"] = connection_to(f"postgres://nobody@/nothing?host={tmp_path}")
    try:
        yield
    finally:
        connections["default"].close()
        connections["default"] = ours


def comes_back(response: Any) -> None:
    assert response.status_code == 503
    assert response["Retry-After"] == str(RETRY_AFTER_S)


@pytest.mark.sqlite
def test_a_locked_database_is_no_fault_and_pages_can_still_be_read(
    data_dir: Any, redis_queue: Any
) -> None:
    owner = person()
    job = finished_job(owner)
    browser = answering(browser_of(owner))
    program = answering(Client(headers={"Authorization": f"Bearer {token_of(owner)}"}))
    with locked():
        pages = (job.get_absolute_url(), "/jobs/", "/notices/", reverse("recon:upload"))
        assert [browser.get(page).status_code for page in pages] == [200] * 4
        page = browser.post(reverse("recon:about", args=[job.pk]), {"title": "Fern"})
        comes_back(page)
        assert "Nothing is lost" in page.content.decode()
        for where, sent in (
            ("/recon/drafts", {}),
            ("/recon/jobs", {"files": photos(3)}),
            (f"/recon/jobs/{job.pk}/share", {"title": "Fern"}),
        ):
            answer = program.post(where, sent)
            comes_back(answer)
            assert "try again" in answer.json()["detail"]
        script = browser.post(reverse("recon:create_draft"), {"title": "Fern"}, headers=JSON)
        comes_back(script)
        assert "try again" in script.json()["detail"]
    assert list(Job.objects.all()) == [job]
    assert not [one for one in (data_dir / "jobs").iterdir() if one.name != str(job.pk)]
    assert browser.post(reverse("recon:create_draft"), {"title": "Fern"}).status_code == 302


def test_a_database_that_is_away_is_no_fault(data_dir: Any, tmp_path: Path) -> None:
    browser = answering(browser_of(person()))
    with away(tmp_path):
        for where in ("/jobs/", "/recon/queue", "/v/unknown", "/admin/"):
            comes_back(browser.get(where))
        for where in ("/healthz", "/", "/demo/"):
            assert Client().get(where).status_code == 200, "without an account nothing is queried"
    assert browser.get("/jobs/").status_code == 200


def test_the_page_speaks_the_visitor_s_language(data_dir: Any, tmp_path: Path) -> None:
    browser = answering(Client(headers={"Accept-Language": "ko"}))
    with away(tmp_path):
        assert "잠시 기다렸다가" in browser.get("/v/unknown").content.decode()


def test_the_queue_s_pages_without_redis(data_dir: Any, no_redis: None) -> None:
    boss = answering(browser_of(person(is_staff=True, is_superuser=True)))
    comes_back(boss.get("/admin/queue/queues/0/"))


def during(context: BaseException, error: Exception) -> Exception:
    """`error` as it is when it is raised while `context` is handled."""
    error.__context__ = context
    return error


def because_of(cause: BaseException, error: Exception) -> Exception:
    """`error` as it is when it is raised from `cause`."""
    error.__cause__ = cause
    return error


def of_itself(error: Exception) -> Exception:
    return because_of(error, error)


ENDED = "server closed the connection unexpectedly"


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (OperationalError("the connection is lost"), 503),
        (because_of(psycopg2.DatabaseError(ENDED), DatabaseError(ENDED)), 503),
        (during(OperationalError("the connection is lost"), ValueError("it can't be undone")), 503),
        (DatabaseError("Save with update_fields did not affect any rows."), 500),
        (during(KeyError("another"), ValueError("a fault")), 500),
        (of_itself(ValueError("a circle")), 500),
        (because_of(sqlite3.DatabaseError("malformed"), DatabaseError("malformed")), 500),
        (IntegrityError("twice"), 500),
    ],
    ids=lambda value: str(value)[:20],
)
def test_what_comes_of_a_lost_database_is_told_from_a_fault(error: Exception, status: int) -> None:
    assert errors.status_of(error) == status
