"""`manage.py reconcile`: repairs what Redis or a dead worker left unfinished, once or on a
timer."""

from __future__ import annotations

import logging
import time

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError, connections

from recon.jobs.folder import leftovers, unneeded_files
from recon.jobs.folder.data_folder import ForeignDataFolder, require_own
from recon.jobs.reconcile import reconcile
from recon.pipeline.errors import PipelineError

DAY_S = 24 * 60 * 60

logger = logging.getLogger(__name__)


class Command(BaseCommand):
    #: When objects that no row names are looked for again, monotonic seconds.
    _sweeps_at = 0.0
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
            if time.monotonic() >= self._sweeps_at:
                self._sweeps_at = time.monotonic() + DAY_S
                unneeded_files.sweep()
        except (DatabaseError, PipelineError) as error:
            logger.warning("Could not reconcile now: %s", error)
        finally:
            connections.close_all()
