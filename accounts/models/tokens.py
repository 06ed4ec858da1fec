"""API tokens: what programs send instead of a password."""

from __future__ import annotations

import hashlib
import logging
import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Self

from django.conf import settings
from django.db import OperationalError, models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models.people import User

logger = logging.getLogger(__name__)

#: So that programs which look for secrets in code find them.
PREFIX = "ir3d_"
#: "Last used" is right to within this: a program's calls must not each write to the database.
USE_NOTED_EVERY = timedelta(minutes=5)


class Scope(models.TextChoices):
    """What a token is for. None includes another."""

    READ = "read", _("See scenes and the queue; download files, including those of private scenes")
    UPLOAD = "upload", _("Send photos, change drafts, start and cancel scenes")
    MANAGE = "manage", _("Change how scenes are shared")
    DELETE = "delete", _("Delete scenes")


#: The default: nothing that can't be undone.
BY_DEFAULT = (Scope.READ, Scope.UPLOAD, Scope.MANAGE)


class LivingTokens(models.Manager["ApiToken"]):
    def living(self) -> models.QuerySet[ApiToken]:
        """Those that still work."""
        in_time = Q(ends_at=None) | Q(ends_at__gt=timezone.now())
        return self.filter(in_time, user__is_active=True)


class ApiToken(models.Model):
    """A bearer token for programs. Only its SHA-256 is kept; it is shown once, when made.

    It stops working at its end date, when it is revoked, and when its owner gets a new password.
    """

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_tokens"
    )
    name = models.CharField(max_length=60, help_text="what it is for")
    digest = models.CharField(max_length=64, unique=True, editable=False)
    scopes = models.CharField(
        max_length=60, default=" ".join(BY_DEFAULT), help_text="of these, with spaces between"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    ends_at = models.DateTimeField(null=True, blank=True, help_text="empty: never by itself")
    last_used_at = models.DateTimeField(null=True, blank=True)

    objects = LivingTokens()

    class Meta:
        ordering = ("-created_at",)

    def __str__(self) -> str:
        return f"{self.name} of {self.user}"

    @classmethod
    def issue(
        cls,
        user: User,
        name: str,
        *,
        scopes: Iterable[str] = tuple(Scope.values),
        ends_at: datetime | None = None,
    ) -> tuple[Self, str]:
        """A new token and its secret (256 random bits), which can't be retrieved again."""
        secret = PREFIX + secrets.token_urlsafe(32)
        wanted = " ".join(scope for scope in Scope.values if scope in set(scopes))
        digest = cls.digest_of(secret)
        token = cls(user=user, name=name, digest=digest, scopes=wanted, ends_at=ends_at)
        token.save()
        return token, secret

    @classmethod
    def find(cls, secret: str) -> ApiToken | None:
        """The living token with this secret, with its user; None where there is none."""
        living = cls.objects.living().select_related("user")
        return living.filter(digest=cls.digest_of(secret)).first()

    @property
    def has_ended(self) -> bool:
        return self.ends_at is not None and self.ends_at <= timezone.now()

    @property
    def scope_labels(self) -> list[str]:
        return [str(Scope(scope).label) for scope in self.scopes.split()]

    def allows(self, scope: str) -> bool:
        return scope in self.scopes.split()

    def note_use(self) -> None:
        """Records now and then that it was used; it does not wait twice for a busy database."""
        now = timezone.now()
        if self.last_used_at is not None and now - self.last_used_at < USE_NOTED_EVERY:
            return
        try:
            ApiToken.objects.filter(pk=self.pk).update(last_used_at=now)
        except OperationalError as error:
            logger.warning("The use of token %s could not be noted: %s", self.pk, error)

    @staticmethod
    def digest_of(secret: str) -> str:
        return hashlib.sha256(secret.encode()).hexdigest()
