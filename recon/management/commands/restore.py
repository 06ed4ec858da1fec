"""`manage.py restore SOURCE`: makes this empty site the one of a backup."""

from __future__ import annotations

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError
from django.template.defaultfilters import filesizeformat

from recon.jobs.backup import restore
from recon.jobs.backup.stores import StoreError
from recon.pipeline.errors import PipelineError


class Command(BaseCommand):
    help = (
        "Restores a backup to an empty database and an empty data folder (or object store, with"
        " STORAGE_URL), and brings the database"
        " up to date. Nothing may be running on either of them."
    )
    requires_migrations_checks = False

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "source", metavar="SOURCE", help="a folder, s3://BUCKET/FOLDER, or a tar file"
        )
        parser.add_argument(
            "--profile",
            default="",
            metavar="NAME",
            help="of a bucket: the profile in AWS's own files that has its keys and its endpoint",
        )
        parser.add_argument(
            "--snapshot", default="", metavar="NAME", help="which backup; default: the newest"
        )
        parser.add_argument(
            "--check",
            action="store_true",
            help="only read all of it and compare its checksums; changes nothing",
        )

    def handle(
        self,
        *args: object,
        source: str,
        snapshot: str,
        profile: str,
        check: bool,
        **options: object,
    ) -> None:
        try:
            found = (restore.check if check else restore.restore)(source, snapshot, profile)
        except (StoreError, restore.NotEmpty, DatabaseError, PipelineError, OSError) as error:
            raise CommandError(str(error)) from error
        size = filesizeformat(found.file_bytes).replace("\xa0", " ")
        self.stdout.write(
            f"{'Complete and undamaged' if check else 'Restored'}: backup {found.snapshot},"
            f" {found.rows} rows, {found.files} files ({size})."
        )
