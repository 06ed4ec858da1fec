"""Whether this process can do its work: what `/readyz` answers to a load balancer.

`/healthz` says that the process is alive, and must not be asked to restart it because a database
is away. This says whether requests should be sent here now.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.db import Error as DatabaseError
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from redis.exceptions import RedisError

from instarecon_site import queues
from instarecon_site.server.limits import MB

#: With less than this free, uploads are refused: `instarecon_site.server.limits`.
RESERVE_MB = 200

_migrated = False  # of this process: nobody takes migrations back while it runs


@dataclass(frozen=True)
class Check:
    """One thing that is needed. `problem` is for whoever runs the site; empty where it is there."""

    name: str
    problem: str

    @property
    def is_ok(self) -> bool:
        return not self.problem


def checks() -> list[Check]:
    """Everything that is needed, whether it is there or not. Never raises."""
    done = []
    for name, find_problem in CHECKS.items():
        try:
            problem = find_problem()
        except (DatabaseError, RedisError, OSError) as error:
            problem = str(error).strip().split("\n", maxsplit=1)[0] or type(error).__name__
        done.append(Check(name, problem))
    return done


def _database() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return ""


def _migrations() -> str:
    global _migrated
    if not _migrated:
        executor = MigrationExecutor(connection)
        missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
        if missing:
            return f"not applied: {', '.join(str(migration) for migration, _ in missing[:3])}"
        _migrated = True
    return ""


def _queue() -> str:
    queues.connection(settings.REDIS_URL).ping()
    return ""


def _data_folder() -> str:
    """Written to, not only looked at: a mount may have become read-only."""
    with tempfile.TemporaryFile(dir=Path(settings.FILE_UPLOAD_TEMP_DIR)) as file:
        file.write(b"ready?")
        file.flush()
    free = shutil.disk_usage(settings.DATA_DIR).free // MB
    return "" if free >= RESERVE_MB else f"{free} MB free of the {RESERVE_MB} MB that are needed"


CHECKS: dict[str, Callable[[], str]] = {
    "database": _database,
    "migrations": _migrations,
    "queue": _queue,
    "data_folder": _data_folder,
}
