"""Videos that drafts take frames from."""

from __future__ import annotations

from pathlib import Path

from django.db import models

from recon.models.jobs import Job
from recon.pipeline.errors import explain
from recon.pipeline.words.explanation import FilledExplanation


class Video(models.Model):
    """A video that a draft takes frames from. The file, in `job.folder / "videos"`, is deleted
    afterwards.
    """

    class State(models.TextChoices):
        WAITING = "waiting", "waiting or being worked on"
        DONE = "done", "its frames are photos"
        FAILED = "failed", "no frames came of it"

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="videos")
    original_name = models.CharField(max_length=255, help_text="what the person called it")
    sha256 = models.CharField(max_length=64)
    size = models.PositiveBigIntegerField(help_text="bytes")
    state = models.CharField(max_length=8, choices=State.choices, default=State.WAITING)
    percent = models.FloatField(default=0.0, help_text="of the work, 0 to 100")
    frames = models.PositiveIntegerField(default=0, help_text="that became photos")
    tries = models.PositiveIntegerField(default=0, help_text="how often a worker began")
    starts_job = models.BooleanField(default=False, help_text="the draft starts after it")
    error_code = models.CharField(max_length=64, blank=True)
    error_facts = models.JSONField(default=dict, blank=True)

    class Meta:
        ordering = ("pk",)

    def __str__(self) -> str:
        return self.original_name

    @property
    def path(self) -> Path:
        return self.job.folder / "videos" / str(self.pk)

    @property
    def error(self) -> FilledExplanation | None:
        return explain(self.error_code, self.error_facts) if self.error_code else None
