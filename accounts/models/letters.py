"""Mails about accounts that have to be sent: the worker's list."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils import timezone


class Letter(models.Model):
    """One mail, most often one that somebody asked for by typing an address.

    It says neither whether there is an account nor any secret: the worker finds out when it sends
    it. So the request that asks for it does the same, and takes as long, for every address.
    """

    class Kind(models.TextChoices):
        RESET = "reset"  # a link that sets a new password
        SIGN_UP = "sign_up"  # a link that proves the address and makes the account
        NEW_ADDRESS = "new_email"  # a link that proves the address and makes it the account's
        OLD_ADDRESS = "old_email"  # news that the account has another address now
        FACTOR_OFF = "factor_off"  # news that two-step sign-in is off
        CONNECTED = "connected"  # news that an account at the provider opens the account

    kind = models.CharField(max_length=10, choices=Kind.choices)
    email = models.EmailField(max_length=254)
    language = models.CharField(max_length=10, blank=True)
    time_zone = models.CharField(max_length=64, blank=True)
    invitation = models.ForeignKey(
        "accounts.Invitation", null=True, blank=True, on_delete=models.CASCADE
    )
    #: Whom the news is about; for the other kinds nobody is known before the mail is sent.
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.CASCADE, related_name="+"
    )
    asked_at = models.DateTimeField(default=timezone.now)
    tries = models.PositiveSmallIntegerField(default=0)
    next_try_at = models.DateTimeField(default=timezone.now, db_index=True)

    class Meta:
        ordering = ("pk",)

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"
