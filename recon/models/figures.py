"""What was measured about a finished scene."""

from __future__ import annotations

from django.db import models


class Figures(models.Model):
    """The figures of one job. Every job has this row from the start (`Job.save`), empty until
    there is something to measure."""

    class Protocol(models.TextChoices):
        HELD_OUT = "held-out", "some photos held out"
        CROSS_VALIDATION = "cross-validation", "each photo held out once"

    job = models.OneToOneField(
        "recon.Job", primary_key=True, on_delete=models.CASCADE, related_name="figures"
    )
    registered = models.PositiveIntegerField(null=True, blank=True, help_text="photos placed")
    psnr = models.FloatField(null=True, blank=True, help_text="dB, mean over held-out photos")
    ssim = models.FloatField(null=True, blank=True)
    lpips = models.FloatField(null=True, blank=True)
    psnr_corrected = models.FloatField(
        null=True, blank=True, help_text="dB, with each held-out photo's exposure matched"
    )
    ssim_corrected = models.FloatField(null=True, blank=True)
    protocol = models.CharField(max_length=32, choices=Protocol.choices, blank=True)
    spread = models.JSONField(
        null=True, blank=True, help_text="deviation of each figure over the photos"
    )
    refined = models.BooleanField(
        null=True, blank=True, help_text="finished with all photos after it was measured"
    )
    gaussian_count = models.PositiveIntegerField(null=True, blank=True)
    iterations = models.PositiveIntegerField(null=True, blank=True)

    class Meta:
        default_permissions = ()  # whoever may see a job may see this of it
        verbose_name_plural = "figures"

    def __str__(self) -> str:
        return f"figures of {self.job_id}"
