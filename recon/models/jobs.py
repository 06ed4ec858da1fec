"""The facts about jobs: what was asked, where it stands, what came out. No workflow in here.

The database is the truth and Redis only carries work. Who may change a row, and when, is in
`recon.jobs.lifecycle`.
"""

from __future__ import annotations

import hashlib
import secrets
import uuid
from pathlib import Path

from django.conf import settings
from django.db import models
from django.template.defaultfilters import date
from django.urls import reverse
from django.utils import timezone
from django.utils.text import slugify
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from recon.pipeline.errors import Explained, explain
from recon.pipeline.progress import WORKING_STEPS, Step
from recon.pipeline.quality import FIGURES, Verdict, verdict_of
from recon.pipeline.words.photo_names import KnownPhoto, PhotoNames
from recon.pipeline.workspace import Workspace


def new_pub_key() -> str:
    """A link's secret part: 192 random bits, 32 characters that are safe in a URL."""
    return secrets.token_urlsafe(24)


class Job(models.Model):
    """One person's wish for one scene. An attempt is a retry after a fault of ours."""

    class Status(models.TextChoices):
        DRAFT = "DRAFT", "draft"
        PENDING = "PENDING", "waiting"
        PROCESSING = "PROCESSING", "running"
        COMPLETED = "COMPLETED", "done"
        FAILED = "FAILED", "failed"
        CANCELLED = "CANCELLED", "cancelled"

    # A draft is neither: it still collects photos, and no worker knows of it.

    #: Statuses in which a worker has, or will have, something to do.
    ACTIVE = (Status.PENDING, Status.PROCESSING)

    #: Statuses that no worker changes again.
    ENDED = (Status.COMPLETED, Status.FAILED, Status.CANCELLED)

    class Preset(models.TextChoices):
        DRAFT = "draft", _("Draft")
        STANDARD = "standard", _("Standard")
        HIGH = "high", _("High")

    class Protocol(models.TextChoices):
        HELD_OUT = "held-out", "some photos held out"
        CROSS_VALIDATION = "cross-validation", "each photo held out once"

    class Downloads(models.TextChoices):
        NOTHING = "nothing", _("Nothing")
        SPLAT = "splat", _("Only the splat (.splat, SPZ)")
        ALL = "all", _("All files (PLY, .splat, SPZ, video)")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    # Protected: a cascade would take the rows and leave people's photos on the disk.
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="jobs"
    )
    title = models.CharField(max_length=120, blank=True)
    automatic_title = models.CharField(
        max_length=120,
        blank=True,
        editable=False,
        help_text="what the site called it: nobody chose a title that is the same",
    )
    preset = models.CharField(max_length=16, choices=Preset.choices)
    original_resolution = models.BooleanField(default=False)
    cross_validate = models.BooleanField(
        default=False, help_text="hold out every photo once, where there are few"
    )
    config = models.JSONField(default=dict, help_text="the resolved PipelineConfig")
    photos_from = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.SET_NULL, related_name="runs_again"
    )
    is_sample = models.BooleanField(default=False)
    gives_way = models.BooleanField(
        default=False, help_text="the site made it by itself: it waits and stops for all others"
    )
    last_number = models.PositiveIntegerField(
        default=0, help_text="of a draft: the highest number that a photo ever had"
    )
    open_numbers = models.JSONField(
        default=list, blank=True, help_text="lower numbers that no photo ever had"
    )
    edited_at = models.DateTimeField(
        null=True, blank=True, help_text="of a draft: when a photo last came or went"
    )

    status = models.CharField(max_length=16, choices=Status.choices, default=Status.PENDING)
    attempt = models.PositiveIntegerField(default=1)
    losses = models.PositiveIntegerField(default=0, help_text="attempts whose worker was lost")
    step = models.CharField(
        max_length=16, choices=[(s.value, s.value) for s in Step], default=Step.QUEUED.value
    )
    percent = models.FloatField(default=0.0, help_text="overall progress, 0 to 100")
    progress = models.JSONField(
        default=dict, blank=True, help_text='what it is doing: {"code": "...", "facts": {...}}'
    )
    heartbeat_at = models.DateTimeField(null=True, blank=True)

    error_code = models.CharField(max_length=64, blank=True)
    error_facts = models.JSONField(default=dict, blank=True)
    warnings = models.JSONField(
        default=list, blank=True, help_text='[{"code": "...", "facts": {...}}]'
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
    view = models.JSONField(
        null=True, blank=True, help_text="where the viewer starts: output/viewer.json"
    )
    own_view = models.JSONField(
        null=True, blank=True, help_text="where it starts instead, as the owner chose"
    )

    pub_key = models.CharField(max_length=64, unique=True, default=new_pub_key, editable=False)
    shared = models.BooleanField(default=False)
    share_password = models.CharField(
        max_length=128, blank=True, editable=False, help_text="its hash; empty where there is none"
    )
    share_until = models.DateTimeField(null=True, blank=True, help_text="when the link ends")
    share_downloads = models.CharField(
        max_length=16,
        choices=Downloads.choices,
        default=Downloads.ALL,
        help_text="what whoever has the link may download",
    )
    share_figures = models.BooleanField(
        default=True, help_text="whether whoever has the link sees the quality figures"
    )
    share_views = models.PositiveBigIntegerField(
        default=0, help_text="visits to the shared page, the owner's own left out"
    )
    in_gallery = models.BooleanField(
        default=False, help_text="on its owner's public page, while it is shared"
    )
    description = models.TextField(max_length=2000, blank=True)

    stored_bytes = models.PositiveBigIntegerField(
        null=True, blank=True, help_text="in the folder besides the photos; null: not measured yet"
    )

    created_at = models.DateTimeField(auto_now_add=True, help_text="or when a draft was started")
    draft_made_at = models.DateTimeField(
        null=True, blank=True, help_text="when the draft was made that it was started from"
    )
    started_at = models.DateTimeField(null=True, blank=True, help_text="of the last attempt")
    completed_at = models.DateTimeField(null=True, blank=True, help_text="when it ended, however")

    class Meta:
        ordering = ("-created_at",)
        indexes = (
            models.Index(fields=("owner", "-created_at")),
            models.Index(fields=("status", "created_at")),
        )
        permissions = (
            ("view_private_scene", "Can open other people's scenes, photos and files (logged)"),
        )

    def __str__(self) -> str:
        return f"{self.name} ({self.status})"

    def get_absolute_url(self) -> str:
        return reverse("recon:job", args=(self.pk,))

    @property
    def name(self) -> str:
        """The title, or something to call an untitled job by: the same before and after a start."""
        if self.title:
            return self.title
        at = self.draft_made_at or self.created_at
        made = date(timezone.localtime(at), gettext("d M Y, H:i"))
        return gettext("Scene of {made}").format(made=made)

    @property
    def file_stem(self) -> str:
        """What its files are called, up to the ending: so that those of two scenes are told apart
        in one folder, also where nobody gave them a title."""
        return slugify(self.name, allow_unicode=True) or "scene"

    @property
    def has_ended(self) -> bool:
        return self.status in self.ENDED

    @property
    def is_draft(self) -> bool:
        return self.status == self.Status.DRAFT

    @property
    def is_completed(self) -> bool:
        return self.status == self.Status.COMPLETED

    @property
    def is_failed(self) -> bool:
        return self.status == self.Status.FAILED

    @property
    def is_processing(self) -> bool:
        return self.status == self.Status.PROCESSING

    @property
    def is_pending(self) -> bool:
        return self.status == self.Status.PENDING

    @property
    def start_view(self) -> dict[str, object] | None:
        """Where the viewer starts; None where that is not known, and it frames the whole scene."""
        return self.own_view or self.view

    @property
    def link_is_over(self) -> bool:
        """Whether the share link's time has passed."""
        return self.share_until is not None and self.share_until <= timezone.now()

    @property
    def queue_id(self) -> str:
        """The RQ job that carries this attempt."""
        return f"{self.pk}-{self.attempt}"

    @property
    def folder(self) -> Path:
        return Path(settings.DATA_DIR) / "jobs" / str(self.pk)

    @property
    def workspace(self) -> Workspace:
        return Workspace(self.folder)

    @property
    def error(self) -> Explained | None:
        """What went wrong and what to do, for a person."""
        if not self.error_code:
            return None
        names = self.photo_names if "name" in self.error_facts else None
        return explain(self.error_code, self.error_facts, names)

    @property
    def explained_warnings(self) -> list[Explained]:
        if not self.warnings:
            return []
        names = self.photo_names
        return [explain(w["code"], w["facts"], names) for w in self.warnings]

    @property
    def photo_names(self) -> PhotoNames:
        """What the page and its owner call each photo."""
        photos = enumerate(self.photos.all(), start=1)
        return PhotoNames({one.name: KnownPhoto(n, one.original_name) for n, one in photos})

    @property
    def verdict(self) -> Verdict | None:
        """How good the scene is, in one word; None before there is one. From this row alone: lists
        show it of every job."""
        if not self.is_completed:
            return None
        figures = {name: getattr(self, name) for name in FIGURES}
        return verdict_of(figures, registered=self.registered, total=self.tried)

    @property
    def tried(self) -> int | None:
        """How many photos a place was looked for, copies of others not counted."""
        for warning in self.warnings:
            if warning["code"] == "photos_left_out":  # it is there where any photo has no place
                return int(warning["facts"].get("total", 0)) or self.registered
        return self.registered


class Photo(models.Model):
    """One photo as it was sent. The file lies in the job's folder, `upload/images/{name}`."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="photos")
    name = models.CharField(max_length=100, help_text="file name in upload/images")
    original_name = models.CharField(max_length=255, help_text="what the person called it")
    position = models.PositiveIntegerField(default=0, help_text="among the others, as shown")
    sha256 = models.CharField(max_length=64, db_index=True, help_text="of the file, computed here")
    size = models.PositiveBigIntegerField(help_text="bytes")
    width = models.PositiveIntegerField(help_text="px, as displayed")
    height = models.PositiveIntegerField(help_text="px, as displayed")
    taken_on = models.DateField(null=True, blank=True, help_text="as its metadata says")

    class Meta:
        ordering = ("position", "name")
        constraints = (models.UniqueConstraint(fields=("job", "name"), name="photo_name_in_job"),)

    def __str__(self) -> str:
        return self.original_name

    @property
    def path(self) -> Path:
        return self.job.workspace.upload / self.name

    @property
    def thumb_path(self) -> Path:
        return self.job.folder / "thumbs" / f"{self.name}.jpg"


class StageRun(models.Model):
    """One attempt at one step. Rows are only added, and closed once; they feed the time left."""

    class Outcome(models.TextChoices):
        RUNNING = "running", "running"
        DONE = "done", "done"
        REUSED = "reused", "an earlier result still held"
        FAILED = "failed", "failed"
        CANCELLED = "cancelled", "cancelled"
        LOST = "lost", "its worker stopped"

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="stage_runs")
    attempt = models.PositiveIntegerField()
    step = models.CharField(max_length=16, choices=[(s.value, s.value) for s in WORKING_STEPS])
    outcome = models.CharField(max_length=16, choices=Outcome.choices, default=Outcome.RUNNING)
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    # Of the step, 0 to 1: done by an earlier attempt that was interrupted in it.
    taken_over = models.FloatField(default=0.0)

    class Meta:
        ordering = ("started_at", "pk")
        indexes = (models.Index(fields=("outcome", "-ended_at")),)  # the latest to learn from
        constraints = (
            models.UniqueConstraint(
                fields=("job", "attempt", "step"), name="one_run_per_step_and_attempt"
            ),
        )

    def __str__(self) -> str:
        return f"{self.job_id} #{self.attempt} {self.step}: {self.outcome}"

    @property
    def seconds(self) -> float | None:
        return (self.ended_at - self.started_at).total_seconds() if self.ended_at else None


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
