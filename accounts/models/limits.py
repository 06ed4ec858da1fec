"""What somebody may use, as columns of their row: a person's (`User`), or a team's."""

from __future__ import annotations

from django.db import models

_OVERRIDE = "empty: the site's limit"


class Limits(models.Model):
    """Limits that staff have set, and what counts towards one of them
    (`recon.jobs.people.quotas`)."""

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

    class Meta:
        abstract = True
