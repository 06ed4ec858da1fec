"""`manage.py prune`: removes what nobody would miss, or says what that is."""

from __future__ import annotations

from django.core.management.base import BaseCommand, CommandError, CommandParser

from recon.jobs.folder.data_folder import ForeignDataFolder, require_own
from recon.jobs.storage import prune


class Command(BaseCommand):
    help = (
        "Removes temporary files of killed processes, folders without a scene, drafts older than"
        " DRAFT_DAYS, intermediate files of scenes that ended long ago, and scenes past"
        " RETENTION_DAYS. Downloads and pages stay as they are."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="only say what would go")
        parser.add_argument(
            "--intermediate-days",
            type=int,
            default=prune.INTERMEDIATE_DAYS,
            metavar="N",
            help="how long after a scene's end its intermediate files stay; default: %(default)s",
        )

    def handle(
        self, *args: object, dry_run: bool, intermediate_days: int, **options: object
    ) -> None:
        try:
            require_own()
        except ForeignDataFolder as error:
            raise CommandError(str(error)) from error
        count = size = 0
        for one in prune.find(intermediate_days):
            if not dry_run and not one.remove():
                self.stdout.write(f"left alone, somebody works with it: {one.name}")
                continue
            count += 1
            size += one.size
            self.stdout.write(f"{one.size / 2**20:>12,.1f} MB  {one.kind}: {one.name}")
        said = "would be removed" if dry_run else "removed"
        self.stdout.write(f"{count} {said}, {size / 2**20:,.1f} MB.")
