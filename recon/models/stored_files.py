"""The files of jobs' folders in the object store, where there is one."""

from __future__ import annotations

from django.db import models

from recon.models.jobs import Job


class StoredFile(models.Model):
    """A file of a job's folder, and the object with its content.

    Objects never change: a file with another content is another object, so whoever has read the row
    finds what the row says. See `recon.jobs.folder.mirror`, which alone reads and writes these.
    """

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="stored_files")
    path = models.CharField(max_length=300, help_text="in the job's folder, with slashes")
    key = models.CharField(
        max_length=120, db_index=True, help_text="of the object; jobs with the same photo share it"
    )
    sha256 = models.CharField(max_length=64, help_text="of the content")
    size = models.PositiveBigIntegerField(help_text="bytes")
    changed_ns = models.BigIntegerField(help_text="when it was last changed, ns since 1970")

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("job", "path"), name="one_stored_file_of_a_path"),
        )

    def __str__(self) -> str:
        return f"{self.job_id}/{self.path}"
