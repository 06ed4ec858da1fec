"""`manage.py backup TARGET`: the whole site, rows and files, in a folder or a tar file."""

from __future__ import annotations

from pathlib import Path

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.template.defaultfilters import filesizeformat

from recon.jobs.backup import backup
from recon.jobs.backup.stores import StoreError, is_archive
from recon.jobs.folder.data_folder import ForeignDataFolder


class Command(BaseCommand):
    help = (
        "Writes a backup of the database and of all files. Into a folder, which can hold many"
        " backups and keeps what they share once; or into a new file that ends in .tar. The site"
        " can go on meanwhile."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("target", metavar="TARGET", type=Path, help="a folder, or NAME.tar")
        parser.add_argument(
            "--keep",
            type=int,
            metavar="N",
            help="of a folder: afterwards, remove all backups in it but the newest N",
        )

    def handle(self, *args: object, target: Path, keep: int | None, **options: object) -> None:
        if keep is not None and (keep < 1 or is_archive(target)):
            raise CommandError("--keep takes a number of at least 1, and a folder as TARGET.")
        try:
            made = backup.make(target)
            removed = backup.forget_old(target, keep) if keep else 0
        except (StoreError, ForeignDataFolder, OSError) as error:
            raise CommandError(str(error)) from error
        size = filesizeformat(made.file_bytes).replace("\xa0", " ")
        self.stdout.write(
            f"Backup {made.snapshot}: {made.rows} rows, {made.files} files ({size}),"
            f" {made.new} of them new or changed."
        )
        if made.running:
            self.stdout.write(f"Of {made.running} running scenes, only the photos are in it.")
        if removed:
            self.stdout.write(f"Removed {removed} older backups.")
