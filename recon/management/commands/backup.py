"""`manage.py backup TARGET`: the whole site in a folder, a bucket or a tar file."""

from __future__ import annotations

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.template.defaultfilters import filesizeformat

from recon.jobs.backup import backup
from recon.jobs.backup.opening import holds_one
from recon.jobs.backup.stores import StoreError
from recon.jobs.folder.data_folder import ForeignDataFolder
from recon.pipeline.errors import PipelineError


class Command(BaseCommand):
    help = (
        "Writes a backup of the database and of all files. Into a folder or a bucket, which can"
        " hold many backups and keep what they share once; or into a new file that ends in .tar."
        " The site can go on meanwhile. What a backup that was broken off has sent is not sent"
        " again."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "target", metavar="TARGET", help="a folder, s3://BUCKET/FOLDER, or NAME.tar"
        )
        parser.add_argument(
            "--profile",
            default="",
            metavar="NAME",
            help="of a bucket: the profile in AWS's own files that has its keys and its endpoint",
        )
        parser.add_argument(
            "--keep",
            type=int,
            metavar="N",
            help="of a folder or bucket: afterwards, remove all backups in it but the newest N",
        )

    def handle(
        self, *args: object, target: str, profile: str = "", keep: int | None, **options: object
    ) -> None:
        if keep is not None and (keep < 1 or holds_one(target)):
            raise CommandError(
                "--keep takes a number of at least 1, and a folder or a bucket as TARGET."
            )
        try:
            made = backup.make(target, profile)
            removed = backup.forget_old(target, keep, profile) if keep else 0
        except (StoreError, ForeignDataFolder, PipelineError, OSError) as error:
            raise CommandError(str(error)) from error
        size = filesizeformat(made.file_bytes).replace("\xa0", " ")
        self.stdout.write(
            f"Backup {made.snapshot}: {made.rows} rows, {made.files} files ({size}),"
            f" {made.new} of them new or changed."
        )
        if made.running:
            self.stdout.write(f"Of {made.running} running scenes, only the photos are in it.")
        if made.lost:
            self.stderr.write(
                f"The site's object store has lost {made.lost} files: the log names them."
            )
        if removed:
            self.stdout.write(f"Removed {removed} older backups.")
