"""Teams. A team's scenes are jobs whose `team` it is."""

from __future__ import annotations

from django.db import models
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from accounts.models.limits import Limits
from accounts.models.people import HANDLE


class Team(Limits):
    """Several people and their common scenes. What they store and start counts for the team."""

    name = models.CharField(_("Name"), max_length=60)
    handle = models.CharField(
        _("Address"), max_length=30, unique=True, validators=[HANDLE], help_text="in its address"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    closing_since = models.DateTimeField(
        null=True, blank=True, editable=False, help_text="the team is being deleted"
    )

    class Meta:
        ordering = ("name", "pk")

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("recon:team", args=(self.handle,))
