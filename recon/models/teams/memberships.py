"""Who is in which team, and what they may do there."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from recon.models.teams.teams import Team


class Role(models.TextChoices):
    """Each may do what the next one may, and more."""

    OWNER = "owner", _("Owner")
    EDITOR = "editor", _("Editor")
    VIEWER = "viewer", _("Viewer")


class Membership(models.Model):
    """One person in one team."""

    Role = Role

    #: The roles that may make, change and delete scenes of the team.
    EDITING: ClassVar = (Role.OWNER, Role.EDITOR)

    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memberships"
    )
    role = models.CharField(max_length=8, choices=Role.choices)
    joined_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("joined_at", "pk")
        constraints = (
            models.UniqueConstraint(fields=("team", "user"), name="one_membership_per_person"),
        )

    def __str__(self) -> str:
        return f"{self.user_id} in {self.team_id}: {self.role}"

    @property
    def may_edit(self) -> bool:
        return self.role in self.EDITING

    @property
    def is_owner(self) -> bool:
        return self.role == Role.OWNER
