"""`manage.py move_to_object_store`: sends what the data folder has to the object store."""

from __future__ import annotations

from django.core.management.base import BaseCommand, CommandError

from recon.jobs.folder import data_folder, mirror
from recon.jobs.folder import lock as folder_lock
from recon.models import Job
from recon.pipeline.errors import PipelineError


class Command(BaseCommand):
    help = (
        "Sends the files of all jobs from DATA_DIR to the object store in STORAGE_URL, for a site"
        " that gets one. What is there already is not sent again, so it can be run again. The site"
        " is stopped meanwhile."
    )

    def handle(self, *args: object, **options: object) -> None:
        if not mirror.is_used():
            raise CommandError("STORAGE_URL is not set: there is no object store to send to.")
        try:
            data_folder.require_own()
            jobs, sent = Job.objects.order_by("created_at"), 0
            for job in jobs.iterator():
                sent += _send(job)
        except (PipelineError, data_folder.ForeignDataFolder) as error:
            raise CommandError(str(error)) from error
        except folder_lock.FolderBusy as error:
            raise CommandError(f"Stop the site first: {error}.") from error
        self.stdout.write(f"{sent} files of {jobs.count()} jobs sent.")


def _send(job: Job) -> int:
    """How many of its files were sent."""
    if not job.folder.is_dir():
        return 0
    with folder_lock.hold(job.folder):
        listed = {row.path: row for row in mirror.rows(job)}
        new = [
            path
            for path in mirror.files_in(job)
            if (row := listed.get(mirror.path_of(job, path))) is None
            or not mirror.is_current(job, row)
        ]
        mirror.keep(job, *new)
    return len(new)
