"""Invitations: links with which people may make an account where not everybody may."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

from django.conf import settings
from django.core.signing import BadSignature, Signer
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from django.utils import timezone


def _signer() -> Signer:
    """Made only when it is needed: it reads the secret key."""
    return Signer(salt="accounts.invitations")


def in_two_weeks() -> datetime:
    return timezone.now() + timedelta(days=14)


class Invitation(models.Model):
    """A link for one person or several, made by staff in the admin. Deleting it ends it."""

    #: Part of the link's signature: a copy of this table alone makes no link.
    key = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    note = models.CharField(max_length=120, blank=True, help_text="for whom, or for what")
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, editable=False, on_delete=models.SET_NULL
    )
    created_at = models.DateTimeField(auto_now_add=True)
    ends_at = models.DateTimeField("ends", default=in_two_weeks)
    most_uses = models.PositiveIntegerField(
        "accounts", default=1, validators=[MinValueValidator(1)], help_text="that it may make"
    )
    uses = models.PositiveIntegerField("made", default=0, editable=False)

    class Meta:
        ordering = ("-created_at",)

    def __str__(self) -> str:
        return self.note or f"invitation {self.pk}"

    @property
    def link(self) -> str:
        """Its address, for whoever is invited."""
        return settings.BASE_URL + reverse("accounts:invited", args=(self.link_part,))

    @property
    def link_part(self) -> str:
        """The end of its address."""
        return _signer().sign(self.key.hex)

    @property
    def is_open(self) -> bool:
        return self.uses < self.most_uses and self.ends_at > timezone.now()

    @classmethod
    def behind(cls, link_part: str) -> Invitation | None:
        """The open invitation whose link ends so, or None."""
        try:
            key = uuid.UUID(_signer().unsign(link_part))
        except (BadSignature, ValueError):
            return None
        return cls.open_ones().filter(key=key).first()

    @classmethod
    def open_ones(cls) -> models.QuerySet[Invitation]:
        return cls.objects.filter(Q(uses__lt=F("most_uses")), ends_at__gt=timezone.now())

    def spend(self) -> bool:
        """Counts one account; False where it has ended meanwhile. Call it in the transaction that
        makes the account: of two at once, one gets the last."""
        return bool(self.open_ones().filter(pk=self.pk).update(uses=F("uses") + 1))
