"""The files that a finished job offers."""

from __future__ import annotations

import hashlib
from pathlib import Path

from django.db import models

from recon.models.jobs import Job


class Artifact(models.Model):
    """A file that a finished job offers. Its path is relative to the job's folder."""

    class Kind(models.TextChoices):
        PLY = "ply", "point_cloud.ply"
        FILTERED_PLY = "filtered_ply", "point_cloud_filtered.ply"
        SCENE_PLY = "scene_ply", "the PLY of the scene as shown"
        SPLAT = "splat", "scene.splat"
        SPZ = "spz", "scene.spz"
        OTHER_SPZ = "other_spz", "the SPZ of the scene that is not shown at first"
        FIRST = "first", "the SPZ of the Gaussians that the viewer shows first"
        POSTER = "poster", "poster.jpg"
        TURNTABLE = "turntable", "turntable.mp4"
        COLMAP = "colmap", "colmap_model.zip"
        RESULTS = "results", "results.json"
        CAMERAS = "cameras", "cameras.json"

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="artifacts")
    kind = models.CharField(max_length=16, choices=Kind.choices)
    path = models.CharField(max_length=255)
    size = models.PositiveBigIntegerField(help_text="bytes")
    sha256 = models.CharField(max_length=64, blank=True, help_text="of the file")
    gaussians = models.PositiveIntegerField(
        null=True, blank=True, help_text="of a PLY: how many it has"
    )

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("job", "kind"), name="one_artifact_of_a_kind"),
        )

    def __str__(self) -> str:
        return f"{self.job_id} {self.kind}"

    @property
    def file(self) -> Path:
        return self.job.folder / self.path

    @property
    def mark(self) -> str:
        """Another one for another file: part of addresses that others keep copies by."""
        return hashlib.sha256(f"{self.path} {self.size}".encode()).hexdigest()[:8]
