"""Mails about accounts that are to be sent: the list that the worker works off."""

from __future__ import annotations

from django.db import models
from django.utils import timezone


class Letter(models.Model):
    """One mail that somebody asked for by typing an address.

    It says neither whether there is an account nor any secret: the worker finds out when it sends
    it. So the request that asks for it does the same, and takes as long, for every address.
    """

    class Kind(models.TextChoices):
        RESET = "reset"  # a link that sets a new password
        SIGN_UP = "sign_up"  # a link that proves the address and makes the account

    kind = models.CharField(max_length=10, choices=Kind.choices)
    email = models.EmailField(max_length=254)
    language = models.CharField(max_length=10, blank=True)
    time_zone = models.CharField(max_length=64, blank=True)
    invitation = models.ForeignKey(
        "accounts.Invitation", null=True, blank=True, on_delete=models.CASCADE
    )
    asked_at = models.DateTimeField(default=timezone.now)
    tries = models.PositiveSmallIntegerField(default=0)
    next_try_at = models.DateTimeField(default=timezone.now, db_index=True)

    class Meta:
        ordering = ("pk",)

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"
