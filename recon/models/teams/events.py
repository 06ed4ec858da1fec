"""What happened in teams, and who did it."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from recon.models.teams.teams import Team


class TeamEvent(models.Model):
    """One line of a team's log. Outlives everything that it names; the facts are as they were."""

    class Kind(models.TextChoices):
        TEAM_MADE = "team_made", "team made"
        TEAM_CHANGED = "team_changed", "name or address changed"
        TEAM_DELETED = "team_deleted", "team deleted"
        INVITED = "invited", "invited"
        WITHDRAWN = "withdrawn", "invitation withdrawn"
        DECLINED = "declined", "invitation declined"
        JOINED = "joined", "joined"
        ROLE_CHANGED = "role_changed", "role changed"
        REMOVED = "removed", "member removed"
        LEFT = "left", "left"
        SCENE_ADDED = "scene_added", "scene moved into the team"
        SCENE_TAKEN = "scene_taken", "scene moved out of the team"
        SCENE_SHARED = "scene_shared", "sharing switched on"
        SCENE_UNSHARED = "scene_unshared", "sharing switched off"
        SCENE_DELETED = "scene_deleted", "scene deleted"

    at = models.DateTimeField(db_index=True)
    team = models.ForeignKey(
        Team,
        null=True,
        on_delete=models.SET_NULL,
        related_name="events",
        help_text="empty: it was deleted",
    )
    team_handle = models.CharField(max_length=30)
    kind = models.CharField(max_length=16, choices=Kind.choices)
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    person_email = models.EmailField("who", max_length=254, blank=True)
    job_id = models.UUIDField("job", null=True, db_index=True)
    facts = models.JSONField(default=dict, help_text="whom or what it was about")

    class Meta:
        ordering = ("-at", "-pk")
        indexes = (models.Index(fields=("team", "-at"), name="team_log"),)
        verbose_name = "team event"
        verbose_name_plural = "teams' log"

    def __str__(self) -> str:
        return f"{self.team_handle}: {self.kind} by {self.person_email}"
