"""A database of a version that was never released is refused with a sentence."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from django.db.migrations.loader import MigrationLoader

from instarecon_site import unreleased
from tests.site.running import ROOT, free_port, site_environment
from tests.site.working import manage


def test_there_is_one_migration_an_app_until_the_first_release() -> None:
    found = MigrationLoader(None).disk_migrations
    assert sorted(one for one in found if one[0] in unreleased.APPS) == [
        ("accounts", "0001_initial"),
        ("recon", "0001_initial"),
    ]


def test_a_database_of_an_unreleased_version_is_refused_with_what_to_do(tmp_path: Path) -> None:
    environment = site_environment(
        tmp_path, STATIC_ROOT=str(tmp_path / "static"), PORT=str(free_port())
    )
    manage("migrate", "--verbosity=0", environment=environment)
    manage("migrate", "--check", environment=environment)
    data = tmp_path / "data"
    with sqlite3.connect(data / "db.sqlite3") as database:
        database.execute(
            "INSERT INTO django_migrations (app, name, applied) VALUES (?, ?, ?)",
            ("recon", "0017_tags", "2026-11-29 10:00:00"),
        )
    for command in (["scripts/serve.py"], ["manage.py", "migrate"], ["manage.py", "reconcile"]):
        done = subprocess.run(
            [sys.executable, *command],
            cwd=ROOT, env=environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 1
        assert done.stderr == (
            "This database was made by an unreleased version of InstaRecon3D (recon.0017_tags),"
            " which this one can't read. Move the data folder away, and start again:"
            f" mv {data} {data}-old\n"
        )


@pytest.mark.django_db
def test_a_new_database_is_not() -> None:
    unreleased.refuse()
