"""The photos of a job."""

from __future__ import annotations

from pathlib import Path

from django.db import models

from recon.models.jobs import Job


class Photo(models.Model):
    """One photo as it was sent. The file lies in the job's folder, `upload/images/{name}`."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="photos")
    name = models.CharField(max_length=100, help_text="file name in upload/images")
    original_name = models.CharField(max_length=255, help_text="what the person called it")
    position = models.PositiveIntegerField(default=0, help_text="among the others, as shown")
    sha256 = models.CharField(max_length=64, db_index=True, help_text="of the file, computed here")
    size = models.PositiveBigIntegerField(help_text="bytes")
    width = models.PositiveIntegerField(help_text="px, as displayed")
    height = models.PositiveIntegerField(help_text="px, as displayed")
    taken_on = models.DateField(null=True, blank=True, help_text="as its metadata says")

    class Meta:
        ordering = ("position", "name")
        constraints = (models.UniqueConstraint(fields=("job", "name"), name="photo_name_in_job"),)

    def __str__(self) -> str:
        return self.original_name

    @property
    def path(self) -> Path:
        return self.job.workspace.upload / self.name

    @property
    def thumb_path(self) -> Path:
        return self.job.folder / "thumbs" / f"{self.name}.jpg"
