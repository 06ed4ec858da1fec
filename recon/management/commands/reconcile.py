"""`manage.py reconcile`: repairs what Redis or a dead worker left unfinished, once or on a
timer."""

from __future__ import annotations

import logging
import time

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError, connections

from recon.jobs.folder import leftovers
from recon.jobs.folder.data_folder import ForeignDataFolder, require_own
from recon.jobs.reconcile import reconcile

logger = logging.getLogger(__name__)


class Command(BaseCommand):
    help = "Compares database, queue and folders, and mends what fell between them."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--every",
            type=float,
            metavar="SECONDS",
            help="go on for ever, with this pause between rounds; default: one round",
        )

    def handle(self, *args: object, every: float | None, **options: object) -> None:
        try:
            self._go_on(every)
        except ForeignDataFolder as error:
            raise CommandError(str(error)) from error

    def _go_on(self, every: float | None) -> None:
        if every is None:
            require_own()
            self.stdout.write(f"{reconcile()}.")
            return
        leftovers.sweep_pictures()
        while True:
            self._round()
            time.sleep(every)

    def _round(self) -> None:
        """One round that survives a database that is down for a while."""
        try:
            require_own()
            if mended := reconcile():
                self.stdout.write(f"{mended}.")
        except DatabaseError as error:
            logger.warning("Could not reconcile now: %s", error)
        finally:
            connections.close_all()
