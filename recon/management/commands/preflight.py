"""`manage.py preflight`: what this machine has, what it lacks, and what to do about it."""

from __future__ import annotations

import sys
from pathlib import Path

from django.conf import settings
from django.core.management.base import BaseCommand

from recon.pipeline.machine import environment


class Command(BaseCommand):
    help = "Checks this machine for what jobs need. Exits with 1 where no job could run."
    requires_system_checks: list[str] = []  # it is asked about broken machines

    def handle(self, *args: object, **options: object) -> None:
        checks = environment.report(Path(settings.DATA_DIR))
        self.stdout.write(environment.format(checks))
        if any(check.needed and not check.ok for check in checks):
            self.stdout.write("\nJobs can't run here yet.")
            sys.exit(1)
        self.stdout.write("\nJobs can run here.")
