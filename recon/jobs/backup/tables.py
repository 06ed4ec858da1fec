"""The database as lines of JSON, one a row, and back: from SQLite to PostgreSQL or the other way.

Not by `pg_dump` or SQLite's backup, which only their own kind can read: a site that began with
`make run` is meant to move to PostgreSQL one day. Not by Django's `dumpdata`, which reads at many
moments, cuts times to milliseconds, and gives new rows a new time of making when it loads them.
Here all tables are read in one transaction, as their columns are, and written so, many at a time.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import date, time
from decimal import Decimal
from itertools import islice
from uuid import UUID

from django.apps import apps
from django.apps.registry import Apps
from django.core.management.color import no_style
from django.db import connection, transaction
from django.db.models import Field, JSONField, Model

#: Rows of one INSERT at most; SQLite takes fewer where they have many columns.
BATCH = 1000

#: Not taken along: who is signed in, and which folder the database belongs to.
LEFT_OUT = {"sessions.Session", "recon.DataFolder"}


def tables(registry: Apps = apps) -> list[type[Model]]:
    """The models whose rows a backup has, those between two others included."""
    found = registry.get_models(include_auto_created=True)
    return [
        model
        for model in found
        if model._meta.managed and not model._meta.proxy and model._meta.label not in LEFT_OUT
    ]


@contextmanager
def one_moment() -> Iterator[None]:
    """All that is read in the block is from one moment; nobody who writes waits for it."""
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("BEGIN DEFERRED")  # Django's own would take the lock for writers
            try:
                yield
            finally:
                cursor.execute("ROLLBACK")
        return
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield


def rows_of(model: type[Model]) -> Iterator[dict[str, object]]:
    """Every row, by the names of its columns' attributes, as JSON can hold it."""
    fields = model._meta.concrete_fields
    names = [field.attname for field in fields]
    rows = model._base_manager.order_by("pk").values_list(*names)
    for row in rows.iterator(chunk_size=BATCH):
        yield {
            field.attname: _plain(field, value) for field, value in zip(fields, row, strict=True)
        }


def _plain(field: Field, value: object) -> object:  # type: ignore[type-arg]
    if isinstance(field, JSONField):
        return field.get_prep_value(value)
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, date | time):  # a datetime is a date
        return value.isoformat()
    if isinstance(value, UUID | Decimal):
        return str(value)
    if isinstance(value, bytes | memoryview):
        return base64.b64encode(value).decode()
    raise TypeError(f"A backup can't hold the {type(value).__name__} in {field}.")


def load(model: type[Model], rows: Iterable[dict[str, object]]) -> int:
    """Writes rows as `rows_of` gave them, each column as it was. Returns how many.

    Raises ValueError for rows with other columns than the table has.
    """
    fields = model._meta.concrete_fields
    batch = max(1, min(BATCH, connection.ops.bulk_batch_size([*fields], [None] * BATCH)))
    coming = iter(rows)
    total = 0
    names = {field.attname for field in fields}
    while some := list(islice(coming, batch)):
        if other := next((row for row in some if row.keys() != names), None):
            raise ValueError(f"other columns: {', '.join(sorted(names ^ other.keys()))}")
        made = [
            model(**{field.attname: _value(field, row[field.attname]) for field in fields})
            for row in some
        ]
        # Raw, as Django loads fixtures: no column is filled in or changed on the way.
        model._base_manager.all()._insert(  # type: ignore[attr-defined]
            made, fields=fields, using=connection.alias, raw=True
        )
        total += len(made)
    return total


def _value(field: Field, plain: object) -> object:  # type: ignore[type-arg]
    return None if plain is None else field.to_python(plain)


def empty(models: Iterable[type[Model]]) -> None:
    """Deletes the rows that migrations have made: the backup brings its own."""
    with connection.cursor() as cursor:
        for model in models:
            table = connection.ops.quote_name(model._meta.db_table)
            cursor.execute(f"DELETE FROM {table}")  # noqa: S608  (a model's own name)


def go_on_counting(models: list[type[Model]]) -> None:
    """New rows get numbers above those that were loaded."""
    with connection.cursor() as cursor:
        for statement in connection.ops.sequence_reset_sql(no_style(), models):
            cursor.execute(statement)
