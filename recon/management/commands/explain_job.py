"""`manage.py explain_job ID`: how a job's photos were placed, or why they could not be."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from recon.jobs.folder import mirror
from recon.models import Job
from recon.pipeline.cli.explain import explain_poses


class Command(BaseCommand):
    help = "Prints what the pose ladder tried for a job, in which order, and how it ended."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("job", metavar="ID", help="the job's number, as in its address")

    def handle(self, *args: object, job: str, **options: object) -> None:
        try:
            found = Job.objects.get(pk=job)
        except (Job.DoesNotExist, ValidationError) as error:
            raise CommandError(f"There is no job {job}.") from error
        mirror.pull(found, "colmap")
        self.stdout.write(explain_poses(found.workspace))
        if found.error is not None:
            self.stdout.write(f"\nThe job failed at {found.step}: {found.error.staff_sentence}")
