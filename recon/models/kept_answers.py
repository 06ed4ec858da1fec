"""Answers to programs that may ask again, since they did not hear the first one."""

from __future__ import annotations

from django.conf import settings
from django.db import models


class KeptAnswer(models.Model):
    """What was answered to a request with this key (`Idempotency-Key`); no status while a process
    is at work on it."""

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="kept_answers"
    )
    key = models.CharField(max_length=200, help_text="as the program chose it")
    fingerprint = models.CharField(max_length=64, help_text="SHA-256 of what was sent")
    status = models.PositiveSmallIntegerField(null=True, blank=True)
    headers = models.JSONField(default=dict, blank=True)
    body = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)

    class Meta:
        default_permissions = ()  # nobody else's business
        constraints = (models.UniqueConstraint(fields=("owner", "key"), name="one_answer_per_key"),)

    def __str__(self) -> str:
        return f"answer {self.pk} of {self.owner_id}"
