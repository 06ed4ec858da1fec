"""What staff did with other people's scenes and accounts."""

from __future__ import annotations

from django.conf import settings
from django.db import models


class AuditEntry(models.Model):
    """One look at somebody else's scene, or one change to it or to their account. Outlives
    everything that it names."""

    at = models.DateTimeField(db_index=True)
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    person_email = models.EmailField("who", max_length=254)
    job_id = models.UUIDField(
        "job", null=True, db_index=True, help_text="empty: it was about the account"
    )
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        on_delete=models.SET_NULL,
        related_name="+",
        help_text="empty: their account was deleted",
    )
    method = models.CharField(max_length=8)
    action = models.CharField(max_length=200, help_text="the page or file")
    address = models.CharField("from", max_length=64, blank=True)

    class Meta:
        ordering = ("-at", "-pk")
        verbose_name = "audit entry"
        verbose_name_plural = "audit log"

    def __str__(self) -> str:
        return f"{self.person_email}: {self.method} {self.action} of {self.job_id or self.owner}"
