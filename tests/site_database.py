"""Which database a test run has: SQLite, or with TEST_DATABASE=postgresql a real PostgreSQL."""

from __future__ import annotations

import os
import sys
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

KINDS = ("sqlite", "postgresql")
KIND = os.environ.get("TEST_DATABASE") or KINDS[0]
if KIND not in KINDS:
    sys.exit(f"TEST_DATABASE is {KIND}, but must be one of {', '.join(KINDS)}.")


def use_sqlite(folder: Path) -> None:
    """A file, not memory: workers are other processes and open it too."""
    from django.db import connection

    connection.settings_dict["TEST"]["NAME"] = str(folder / "test.sqlite3")


def use_postgres(url: str) -> None:
    """A database of its own, which Django makes, on the server at `url`."""
    import psycopg2
    from django.db import connections
    from environ import Env

    with closing(psycopg2.connect(url)) as server:
        server.autocommit = True
        with server.cursor() as cursor:
            # Nobody needs these rows after a power cut, and most tests empty all tables.
            for setting in ("fsync", "full_page_writes", "synchronous_commit"):
                cursor.execute(f"ALTER SYSTEM SET {setting} = off")
            cursor.execute("SELECT pg_reload_conf()")
    told = {**Env.db_url_config(url), "NAME": "recon"}
    connections.settings["default"].update(told)  # what each thread's connection is made of


def address() -> str:
    """How other processes find this test's database (`tests.site.worker_settings`)."""
    from django.db import connection

    told = connection.settings_dict
    if connection.vendor == "sqlite":
        return str(told["NAME"])
    return f"postgresql://{told['USER']}:@/{told['NAME']}?host={quote(told['OPTIONS']['host'])}"
