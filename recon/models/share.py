"""How a job is shared: its link, what that offers, and what is shown there."""

from __future__ import annotations

import secrets

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


def new_key() -> str:
    """A link's secret part: 192 random bits, 32 characters that are safe in a URL."""
    return secrets.token_urlsafe(24)


class Share(models.Model):
    """The link of one job, switched on or not. Every job has this row from the moment that it is
    in the database (`Job.save`), so nobody ever has to make it, or check whether it is there."""

    class Downloads(models.TextChoices):
        NOTHING = "nothing", _("Nothing")
        SPLAT = "splat", _("Only the splat (.splat, SPZ)")
        ALL = "all", _("All files (PLY, .splat, SPZ, video)")

    job = models.OneToOneField(
        "recon.Job", primary_key=True, on_delete=models.CASCADE, related_name="share"
    )
    key = models.CharField(max_length=64, unique=True, default=new_key, editable=False)
    is_on = models.BooleanField("shared", default=False)
    password = models.CharField(
        max_length=128, blank=True, editable=False, help_text="its hash; empty where there is none"
    )
    until = models.DateTimeField(null=True, blank=True, help_text="when the link ends")
    downloads = models.CharField(
        max_length=16,
        choices=Downloads.choices,
        default=Downloads.ALL,
        help_text="what whoever has the link may download",
    )
    shows_figures = models.BooleanField(
        default=True, help_text="whether whoever has the link sees the quality figures"
    )
    views = models.PositiveBigIntegerField(
        default=0, help_text="visits to the shared page, the owner's own left out"
    )
    in_gallery = models.BooleanField(
        default=False, help_text="on its owner's public page, while it is shared"
    )
    description = models.TextField(
        max_length=2000, blank=True, help_text="what whoever has the link reads about the scene"
    )

    class Meta:
        default_permissions = ()  # whoever may see a job may see this of it

    def __str__(self) -> str:
        """Without the key: a secret link is its owner's, and staff see this."""
        return f"link of {self.job_id}"

    @property
    def is_over(self) -> bool:
        """Whether the link's time has passed."""
        return self.until is not None and self.until <= timezone.now()

    @property
    def is_open(self) -> bool:
        """Whether the link works, for those who know its password if it has one."""
        return self.is_on and not self.is_over


def link_is_open() -> models.Q:
    """`Share.is_open` as a condition on jobs' rows."""
    in_time = models.Q(share__until=None) | models.Q(share__until__gt=timezone.now())
    return in_time & models.Q(share__is_on=True)
