"""`manage.py restore SOURCE`: makes this empty site the one of a backup."""

from __future__ import annotations

from pathlib import Path

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError
from django.template.defaultfilters import filesizeformat

from recon.jobs.backup import restore
from recon.jobs.backup.stores import StoreError


class Command(BaseCommand):
    help = (
        "Restores a backup to an empty database and an empty data folder, and brings the database"
        " up to date. Nothing may be running on either of them."
    )
    requires_migrations_checks = False

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("source", metavar="SOURCE", type=Path, help="a folder or a tar file")
        parser.add_argument(
            "--snapshot", default="", metavar="NAME", help="which backup; default: the newest"
        )
        parser.add_argument(
            "--check",
            action="store_true",
            help="only read all of it and compare its checksums; changes nothing",
        )

    def handle(
        self, *args: object, source: Path, snapshot: str, check: bool, **options: object
    ) -> None:
        try:
            found = (restore.check if check else restore.restore)(source, snapshot)
        except (StoreError, restore.NotEmpty, DatabaseError, OSError) as error:
            raise CommandError(str(error)) from error
        size = filesizeformat(found.file_bytes).replace("\xa0", " ")
        self.stdout.write(
            f"{'Complete and undamaged' if check else 'Restored'}: backup {found.snapshot},"
            f" {found.rows} rows, {found.files} files ({size})."
        )
