"""Both databases that the site runs on, for tests: SQLite in a file, and a real PostgreSQL.

Where the whole run is on PostgreSQL (`tests.site_database`), these tests are too, in its database.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from environ import Env
from redis import Redis

from tests import site_database
from tests.site.working import manage, worker_environment

KINDS = site_database.KINDS if site_database.KIND == "sqlite" else (site_database.KIND,)


@pytest.fixture(scope="session")
def migrated_postgres(postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The PostgreSQL with the site's tables, made by the site's own migrations."""
    environment = {
        **worker_environment(database=postgres_url),
        "RECON_TEST_JOBS": str(tmp_path_factory.mktemp("unused")),
    }
    manage("migrate", "--verbosity", "0", environment=environment)
    return postgres_url


@pytest.fixture(params=KINDS)
def database(
    request: pytest.FixtureRequest, transactional_db: None, data_dir: Path, redis_queue: Redis
) -> Iterator[str]:
    """Runs the test on each of the two; gives the name by which other processes find it."""
    from accounts.models import User
    from recon.models import DataFolder, Job

    if request.param == site_database.KIND:
        yield site_database.address()
        return
    url = request.getfixturevalue("migrated_postgres")
    ours = connections["default"]
    connections["default"] = connection_to(url)
    yield url
    Job.objects.all().delete()
    DataFolder.objects.all().delete()  # the next test has another one
    User.objects.all().delete()
    connections["default"].close()
    connections["default"] = ours


def connection_to(database: str) -> BaseDatabaseWrapper:
    """A separate connection to the database with that address, or SQLite's file."""
    url = database if "://" in database else f"sqlite:///{database}"
    configured = connections["default"].settings_dict
    settings = {**configured, "OPTIONS": {}, **Env.db_url_config(url)}
    backend = __import__(f"{settings['ENGINE']}.base", fromlist=["DatabaseWrapper"])
    wrapper: BaseDatabaseWrapper = backend.DatabaseWrapper(settings, "default")
    return wrapper
