"""What was measured about a finished scene."""

from __future__ import annotations

from django.db import models

from recon.pipeline.quality import Evidence


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
    small_psnr = models.FloatField(
        null=True, blank=True, help_text="dB, corrected, at the small size that the word is made of"
    )
    small_ssim = models.FloatField(null=True, blank=True, help_text="the same")
    held_out = models.PositiveIntegerField(
        null=True, blank=True, help_text="photos that the figures are means of"
    )
    confirmed = models.FloatField(
        null=True, blank=True, help_text="share of the photos whose depth others confirm"
    )
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

    def evidence(self, total: int | None) -> Evidence:
        """What the scene's word is made of, with `total` photos to be placed.

        Where an earlier version measured at the size trained at alone, that has to do.
        """
        return Evidence(
            psnr=_known(self.small_psnr, self.psnr_corrected, self.psnr),
            ssim=_known(self.small_ssim, self.ssim_corrected, self.ssim),
            held_out=self.held_out,
            confirmed=self.confirmed,
            registered=self.registered,
            total=total,
        )


#: The columns that `Figures.evidence` reads.
OF_EVIDENCE = (
    "small_psnr", "psnr_corrected", "psnr", "small_ssim", "ssim_corrected", "ssim", "held_out",
    "confirmed", "registered",
)  # fmt: skip


def _known(*values: float | None) -> float | None:
    """The first that is."""
    return next((value for value in values if value is not None), None)
