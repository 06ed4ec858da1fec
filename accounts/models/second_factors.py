"""Second factors: an app's secret, and codes for whoever has lost the app."""

from __future__ import annotations

import hashlib
import secrets

from django.conf import settings
from django.db import models
from django.utils import timezone

from accounts.models.people import User

#: Of a recovery code: 16 letters and digits of 5 bits each, so that a plain digest is safe.
_LETTERS = "abcdefghijkmnpqrstuvwxyz23456789"
CODES = 10


class SecondFactor(models.Model):
    """The app that makes one person's codes (TOTP, RFC 6238). Only whoever proved that their app
    works has one."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="second_factor"
    )
    #: Encrypted (`accounts.second_factor.keys`).
    secret = models.CharField(max_length=255, editable=False)
    since = models.DateTimeField(default=timezone.now)
    #: Which half minute's code was used last: neither it nor an earlier one works again.
    last_step = models.BigIntegerField(default=0, editable=False)

    def __str__(self) -> str:
        return f"second factor of {self.user}"


class RecoveryCode(models.Model):
    """Works once, in place of an app's code; then the row is gone. Only its SHA-256 is kept."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="recovery_codes"
    )
    digest = models.CharField(max_length=64, editable=False)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("user", "digest"), name="one_recovery_code"),
        )

    def __str__(self) -> str:
        return f"recovery code of {self.user}"

    @classmethod
    def make_anew(cls, user: User) -> list[str]:
        """Ten new codes, which can't be shown again; the earlier ones end. Call it in a
        transaction."""
        codes = ["".join(secrets.choice(_LETTERS) for _ in range(16)) for _ in range(CODES)]
        cls.objects.filter(user=user).delete()
        rows = [RecoveryCode(user=user, digest=cls.digest_of(code)) for code in codes]
        RecoveryCode.objects.bulk_create(rows)
        return ["-".join(code[at : at + 4] for at in range(0, 16, 4)) for code in codes]

    @classmethod
    def spend(cls, user: User, typed: str) -> bool:
        """Whether it is one of theirs. Of two requests at once, one gets it."""
        return bool(cls.objects.filter(user=user, digest=cls.digest_of(typed)).delete()[0])

    @staticmethod
    def digest_of(code: str) -> str:
        plain = "".join(letter for letter in code.lower() if letter.isalnum())
        return hashlib.sha256(plain.encode()).hexdigest()
