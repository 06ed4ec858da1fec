"""Teams. A team's scenes are jobs whose `team` it is."""

from __future__ import annotations

from django.db import models
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from accounts.models.people import HANDLE

_OVERRIDE = "empty: the site's limit"


class Team(models.Model):
    """Several people and their common scenes. What they store and start counts for the team; the
    limits are columns as of a person (`recon.jobs.people.quotas`)."""

    name = models.CharField(_("Name"), max_length=60)
    handle = models.CharField(
        _("Address"), max_length=30, unique=True, validators=[HANDLE], help_text="in its address"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    quota_stored_mb = models.PositiveIntegerField(
        "MB to store", null=True, blank=True, help_text=_OVERRIDE
    )
    quota_active_jobs = models.PositiveIntegerField(
        "scenes at a time", null=True, blank=True, help_text=_OVERRIDE
    )
    quota_jobs_a_day = models.PositiveIntegerField(
        "scenes a day", null=True, blank=True, help_text=_OVERRIDE
    )
    # Counted here and not by rows: deleting a scene does not give a start back.
    started_on = models.DateField(
        null=True, blank=True, editable=False, help_text="the site's day of the last start"
    )
    started_that_day = models.PositiveIntegerField(default=0, editable=False)

    closing_since = models.DateTimeField(
        null=True, blank=True, editable=False, help_text="the team is being deleted"
    )

    class Meta:
        ordering = ("name", "pk")

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("recon:team", args=(self.handle,))
