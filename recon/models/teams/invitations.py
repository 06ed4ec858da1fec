"""Invitations into teams: a link that one person can use."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

from django.conf import settings
from django.core.signing import BadSignature, Signer
from django.db import models
from django.urls import reverse
from django.utils import timezone

from recon.models.teams.memberships import Role
from recon.models.teams.teams import Team


def _signer() -> Signer:
    """Made only when it is needed: it reads the secret key."""
    return Signer(salt="recon.team_invitations")


def in_two_weeks() -> datetime:
    return timezone.now() + timedelta(days=14)


class TeamInvitation(models.Model):
    """A place in a team for whoever opens the link. Joining uses it up, deleting it ends it.

    Where it names the address of an account, that person finds it on their page of teams as well.
    """

    #: Part of the link's signature: a copy of this table alone makes no link.
    key = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="invitations")
    role = models.CharField(max_length=8, choices=Role.choices)
    email = models.EmailField(max_length=254, blank=True, help_text="of whom it is for")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="team_invitations",
        help_text="who had an account with that address when it was made",
    )
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    ends_at = models.DateTimeField(default=in_two_weeks)

    mail_due_at = models.DateTimeField(
        null=True, editable=False, db_index=True, help_text="empty: there is no mail to send"
    )
    mail_tries = models.PositiveSmallIntegerField(default=0, editable=False)

    class Meta:
        ordering = ("-created_at", "-pk")

    def __str__(self) -> str:
        return f"invitation {self.pk} into {self.team_id}"

    @property
    def link(self) -> str:
        """Its address, for whoever is invited."""
        return settings.BASE_URL + reverse("recon:join_team", args=(self.link_part,))

    @property
    def link_part(self) -> str:
        return _signer().sign(self.key.hex)

    @property
    def is_open(self) -> bool:
        return self.ends_at > timezone.now()

    @classmethod
    def behind(cls, link_part: str) -> TeamInvitation | None:
        """The open invitation whose link ends so, or None."""
        try:
            key = uuid.UUID(_signer().unsign(link_part))
        except (BadSignature, ValueError):
            return None
        found = cls.open_ones().filter(key=key)
        return found.select_related("team", "created_by").first()

    @classmethod
    def open_ones(cls) -> models.QuerySet[TeamInvitation]:
        return cls.objects.filter(ends_at__gt=timezone.now(), team__closing_since=None)
