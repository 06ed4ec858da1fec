"""Databases made by versions that were never released: nothing brings them up to date."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings
from django.db import connection
from django.db.migrations.loader import MigrationLoader

APPS = ("accounts", "recon")


class UnreleasedDatabase(Exception):
    """Its text is for whoever runs the site."""


def refuse() -> None:
    """Raises UnreleasedDatabase where migrations were applied that there are no more, and
    DatabaseError where the database is away."""
    loader = MigrationLoader(connection)
    known = set(loader.disk_migrations)
    gone = sorted(one for one in loader.applied_migrations if one[0] in APPS and one not in known)
    if gone:
        raise UnreleasedDatabase(_said(".".join(gone[-1])))


def _said(migration: str) -> str:
    folder = Path(settings.DATA_DIR)
    if connection.vendor == "sqlite":
        way_out = f"Move the data folder away, and start again: mv {folder} {folder}-old"
    else:
        way_out = (
            "Set DATABASE_URL to an empty database, move the data folder away, and start again:"
            f" mv {folder} {folder}-old"
        )
    return (
        f"This database was made by an unreleased version of InstaRecon3D ({migration}), which"
        f" this one can't read. {way_out}"
    )
