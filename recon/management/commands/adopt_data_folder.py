"""`manage.py adopt_data_folder`: this data folder is the database's from now on."""

from __future__ import annotations

from datetime import timedelta

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from recon.jobs.folder import data_folder
from recon.models import DataFolder

#: A running site is seen twice a minute.
IN_USE = timedelta(minutes=2)


class Command(BaseCommand):
    help = (
        "Joins the database with the data folder of this site, after the folder was moved or"
        " restored from a backup. Stop whatever still uses the other folder first."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--force",
            action="store_true",
            help="also where the other folder was in use a moment ago",
        )

    def handle(self, *args: object, force: bool, **options: object) -> None:
        other = DataFolder.objects.filter(pk=DataFolder.ONLY).first()
        if other and not force and timezone.now() - other.seen_at < IN_USE and _is_another():
            raise CommandError(
                f"{other} was in use at {other.seen_at:%H:%M:%S} UTC. Stop the site there, wait"
                f" {IN_USE.seconds // 60} minutes, and run this again; or give --force."
            )
        before = data_folder.adopt()
        self.stdout.write(f"Joined. Before, it was {before}." if before else "Joined.")


def _is_another() -> bool:
    try:
        data_folder.require_own()
    except data_folder.ForeignDataFolder:
        return True
    return False
