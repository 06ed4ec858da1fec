"""What a person is told on the site: a scene of theirs has ended, or will be deleted."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from recon.models.jobs import Job


class Notice(models.Model):
    """One job's end, or the end of its time here, for its owner. It goes with the job; how that
    ended is the job's status."""

    class Kind(models.TextChoices):
        ENDED = "ended", "the job has ended"
        EXPIRES = "expires", "the scene will be deleted for its age"

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="notices"
    )
    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="notices")
    kind = models.CharField(max_length=8, choices=Kind.choices, default=Kind.ENDED)
    created_at = models.DateTimeField(auto_now_add=True)
    read_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-created_at", "-pk")
        indexes = (models.Index(fields=("user", "read_at")),)

    def __str__(self) -> str:
        return f"{self.job_id} for {self.user_id}"
