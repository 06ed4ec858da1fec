"""The whole run is on the database that it was asked for, with all that its tests start."""

from __future__ import annotations

import os
import subprocess
import sys
import threading

import pytest
from django.db import connection

from accounts.models import User
from tests import site_database
from tests.site.making import person
from tests.site.working import ROOT, manage, worker_environment

pytestmark = pytest.mark.django_db(transaction=True)


def test_tests_and_their_threads_are_on_the_database_that_the_run_names() -> None:
    person()
    seen: list[tuple[str, int]] = []

    def look() -> None:
        seen.append((connection.vendor, User.objects.count()))
        connection.close()

    look()
    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    assert seen == [(site_database.KIND, 1)] * 2


@pytest.mark.slow
def test_a_worker_is_on_the_same_database(data_dir: None, redis_queue: None) -> None:
    owner = person()
    script = (
        "from django.db import connection; from accounts.models import User;"
        "print(connection.vendor, User.objects.get().email)"
    )
    said = manage("shell", "--no-imports", "-c", script, environment=worker_environment())
    assert said.split() == [site_database.KIND, owner.email]


def test_an_unknown_database_is_refused() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import tests.site_database"],
        cwd=ROOT,
        env={**os.environ, "TEST_DATABASE": "mysql"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr == "TEST_DATABASE is mysql, but must be one of sqlite, postgresql.\n"
