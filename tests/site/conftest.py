"""What the site's tests share: the one finished reconstruction, and two kinds of database."""

from __future__ import annotations

from tests.reconstruction import finished_run
from tests.site.databases import database, migrated_postgres

__all__ = ["database", "finished_run", "migrated_postgres"]
