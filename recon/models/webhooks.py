"""Addresses that programs of a person want to be told at, and what was told to them."""

from __future__ import annotations

import base64
import secrets

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

#: How a secret begins, so that programs which look for secrets in code find it.
SECRET_PREFIX = "whsec_"  # noqa: S105 - no secret itself


def new_secret() -> str:
    """256 random bits."""
    return SECRET_PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


class Webhook(models.Model):
    """One address. Its secret signs what is sent there, so it is kept as it is."""

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="webhooks"
    )
    url = models.URLField(max_length=500)
    secret = models.CharField(max_length=80, default=new_secret, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("pk",)
        default_permissions = ()  # its owner's, and nobody else's

    def __str__(self) -> str:
        """Without the address: it may have a secret in it, and staff see this."""
        return f"webhook {self.pk} of {self.owner_id}"


class Delivery(models.Model):
    """One event for one webhook, sent until it is taken or given up."""

    class Event(models.TextChoices):
        COMPLETED = "job.completed", _("A scene is done")
        FAILED = "job.failed", _("A scene failed")
        TEST = "test", _("A test")

    webhook = models.ForeignKey(Webhook, on_delete=models.CASCADE, related_name="deliveries")
    event = models.CharField(max_length=20, choices=Event.choices)
    body = models.TextField(help_text="the JSON that is sent, and signed")
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)
    tries = models.PositiveSmallIntegerField(default=0)
    next_try_at = models.DateTimeField(
        null=True, default=timezone.now, db_index=True, help_text="empty: it is over"
    )
    status = models.PositiveSmallIntegerField(null=True, help_text="of the last answer")
    fault = models.CharField(max_length=40, blank=True, help_text="why there was no answer")
    taken_at = models.DateTimeField(null=True, help_text="when it was answered well")

    class Meta:
        ordering = ("-pk",)
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.event} for webhook {self.webhook_id}"

    @property
    def is_over(self) -> bool:
        return self.next_try_at is None
