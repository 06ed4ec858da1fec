"""People's accounts at the provider that they sign in with."""

from __future__ import annotations

from django.conf import settings
from django.db import models


class ProviderAccount(models.Model):
    """Somebody's account at an OpenID Connect provider, connected to their account here.

    It is known by the provider's own number for it (`subject`): addresses change hands.
    """

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="provider_accounts"
    )
    issuer = models.CharField(max_length=255, help_text="the provider")
    subject = models.CharField(max_length=255, help_text="its number for the account")
    email = models.CharField(max_length=254, blank=True, help_text="as the provider last said")
    connected_at = models.DateTimeField(auto_now_add=True)
    last_used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-connected_at",)
        constraints = (
            models.UniqueConstraint(fields=("issuer", "subject"), name="one_person_per_subject"),
            models.UniqueConstraint(fields=("user", "issuer"), name="one_subject_per_person"),
        )

    def __str__(self) -> str:
        return f"{self.email or self.subject} at {self.issuer}"
