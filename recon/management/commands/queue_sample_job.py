"""`manage.py queue_sample_job`: gives a brand-new site something to look at."""

from __future__ import annotations

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.models import User
from recon.jobs.submit import create_sample_job
from recon.models import Job


class Command(BaseCommand):
    help = "Queues one job on the sample photos, if the site has no job at all yet."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--owner",
            metavar="EMAIL",
            help="whose job it becomes; default: the first active account",
        )

    def handle(self, *args: object, owner: str | None, **options: object) -> None:
        if Job.objects.exists():
            self.stdout.write("There are jobs already; no sample job is needed.")
            return
        job = create_sample_job(_owner(owner), gives_way=True)
        self.stdout.write(f"Queued a sample job, {job.pk}, for {job.owner}.")


def _owner(email: str | None) -> User:
    people = User.objects.filter(is_active=True).order_by("pk")
    if email is not None:
        people = people.filter(email__iexact=email)
    owner = people.first()
    if owner is None:
        raise CommandError(
            f"There is no active account {email}." if email else "There is no account yet."
        )
    return owner
