"""The facts about jobs: what was requested, where they stand, what came out. No workflow in here.

The database is the truth and Redis only carries work. Who may change a row, and when, is in
`recon.jobs.lifecycle`.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import models, transaction
from django.db.models import F, Q
from django.template.defaultfilters import date
from django.urls import reverse
from django.utils import timezone
from django.utils.text import slugify
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from recon.models.figures import Figures
from recon.models.share import Share
from recon.models.teams import Membership, Team
from recon.models.wishes_field import WishesField
from recon.pipeline.errors import explain
from recon.pipeline.progress import Step
from recon.pipeline.quality import NOT_A_SCENE, Evidence, Verdict, verdict_of
from recon.pipeline.wishes import Wishes
from recon.pipeline.words.explanation import FilledExplanation
from recon.pipeline.words.photo_names import KnownPhoto, PhotoNames
from recon.pipeline.workspace import Workspace

if TYPE_CHECKING:
    from accounts.models import User


class JobQuerySet(models.QuerySet["Job"]):
    """Jobs come with the rows that each one has (`Job.save`), many at once too."""

    def with_rows(self) -> JobQuerySet:
        """Read together with each job's share, figures and team, in the same query."""
        return self.select_related("share", "figures", "team")

    def own_of(self, user: User) -> JobQuerySet:
        """A person's own, which belong to no team."""
        return self.filter(owner=user, team=None)

    def visible_to(self, user: User) -> JobQuerySet:
        """Their own, and those of their teams. What staff may open besides is in
        `recon.web.access`."""
        return self._own_and_of(user, Membership.objects.filter(user=user))

    def changeable_by(self, user: User) -> JobQuerySet:
        """Their own, and those of the teams in which they are more than a viewer."""
        editing = Membership.objects.filter(user=user, role__in=Membership.EDITING)
        return self._own_and_of(user, editing)

    def _own_and_of(self, user: User, memberships: models.QuerySet[Membership]) -> JobQuerySet:
        own = Q(owner=user, team=None)
        return self.filter(own | Q(team__in=memberships.values("team")))

    def beside(self, job: Job) -> JobQuerySet:
        """Those that belong where `job` does: to its team, or to its owner alone. `job` itself may
        be among them, and need not be saved."""
        if job.team_id is not None:
            return self.filter(team=job.team_id)
        return self.filter(owner=job.owner_id, team=None)

    def bulk_create(self, objs: Iterable[Job], *args: Any, **options: Any) -> list[Job]:
        """As Django's, without its options for rows that are there already."""
        with transaction.atomic():
            jobs = super().bulk_create(objs, *args, **options)
            rows = [_rows_of(job) for job in jobs]
            Share.objects.bulk_create([share for share, figures in rows])
            Figures.objects.bulk_create([figures for share, figures in rows])
        return jobs


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
        QUICK = "quick", _("Quick")
        STANDARD = "standard", _("Standard")
        HIGH = "high", _("High")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    # Protected: a cascade would take the rows and leave people's photos on the disk.
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="jobs"
    )
    # Protected for the same reason.
    team = models.ForeignKey(
        Team,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="jobs",
        help_text="whose it is, if it is not its owner's alone; the owner is a member",
    )
    title = models.CharField(max_length=120, blank=True)
    automatic_title = models.CharField(
        max_length=120,
        blank=True,
        editable=False,
        help_text="what the site called it: nobody chose a title that is the same",
    )
    wishes = WishesField(default=Wishes, help_text="what was asked for")
    config = models.JSONField(default=dict, help_text="the resolved PipelineConfig")
    photos_from = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.SET_NULL, related_name="runs_again"
    )
    is_sample = models.BooleanField(default=False)
    gives_way = models.BooleanField(
        default=False, help_text="the site made it by itself: it waits and stops for all others"
    )
    turn = models.FloatField(
        default=0.0, help_text="whose turn it is: lower ones first (recon.jobs.workers.turns)"
    )
    priority = models.PositiveIntegerField(
        default=0, help_text="staff put it before those with a lower one"
    )
    gpu_memory_mb = models.PositiveIntegerField(
        default=0, help_text="what it probably needs on a graphics card, in MB"
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

    view = models.JSONField(
        null=True, blank=True, help_text="where the viewer starts: output/viewer.json"
    )
    own_view = models.JSONField(
        null=True, blank=True, help_text="where it starts instead, as the owner chose"
    )

    is_kept = models.BooleanField(
        "never too old", default=False, help_text="its owner keeps it, whatever RETENTION_DAYS says"
    )
    stored_bytes = models.PositiveBigIntegerField(
        null=True, blank=True, help_text="in the folder besides the photos; null: not measured yet"
    )

    created_at = models.DateTimeField(auto_now_add=True, help_text="or when a draft was started")
    draft_made_at = models.DateTimeField(
        null=True, blank=True, help_text="when the draft was made that it was started from"
    )
    started_at = models.DateTimeField(null=True, blank=True, help_text="of the last attempt")
    completed_at = models.DateTimeField(null=True, blank=True, help_text="when it ended, however")

    objects = JobQuerySet.as_manager()

    class Meta:
        ordering = ("-created_at",)
        indexes = (
            models.Index(fields=("owner", "-created_at")),
            models.Index(fields=("team", "-created_at"), name="job_of_team"),
            models.Index(fields=("status", "created_at")),
            models.Index(
                fields=("completed_at",), name="job_ended"
            ),  # what ended in the last hours
            # The line of those that wait: `recon.jobs.queue.LINE`.
            models.Index(
                "status", F("priority").desc(), "gives_way", "turn", "created_at", name="job_line"
            ),
        )
        permissions = (
            ("view_private_scene", "Can open other people's scenes, photos and files (logged)"),
        )

    def __str__(self) -> str:
        return f"{self.name} ({self.status})"

    def save(self, *args: Any, **options: Any) -> None:
        """A new job is saved together with its share and its figures: those that it was given, or
        empty ones. So there never is a job without them, whoever looks and whenever."""
        if not self._state.adding:
            super().save(*args, **options)
            return
        rows = _rows_of(self)
        with transaction.atomic():
            super().save(*args, **options)
            for row in rows:
                row.save(force_insert=True)

    def get_absolute_url(self) -> str:
        return reverse("recon:job", args=(self.pk,))

    @property
    def name(self) -> str:
        """The title, or a name for an untitled job: the same before and after a start."""
        if self.title:
            return self.title
        at = self.draft_made_at or self.created_at
        made = date(timezone.localtime(at), gettext("d M Y, H:i"))
        return gettext("Scene from {made}").format(made=made)

    @property
    def preset_label(self) -> str:
        """The wished preset, for a person."""
        return str(self.Preset(self.wishes.preset).label)

    @property
    def file_stem(self) -> str:
        """What its files are called, up to the extension: so that files of two scenes can be
        distinguished in one folder, even if nobody gave them a title.
        """
        return slugify(self.name, allow_unicode=True) or "scene"

    def belongs_with(self, other: Job) -> bool:
        """Whether both are of one team, or of one person alone."""
        if self.team_id is not None or other.team_id is not None:
            return self.team_id == other.team_id
        return self.owner_id == other.owner_id

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
    def could_be_made_anyway(self) -> bool:
        """Whether it ended because its photos make no scene, and could go on from there."""
        return self.is_failed and self.error_code == NOT_A_SCENE

    @property
    def start_view(self) -> dict[str, object] | None:
        """Where the viewer starts; None where that is not known, and it frames the whole scene."""
        return self.own_view or self.view

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
    def error(self) -> FilledExplanation | None:
        """What went wrong and what to do, for a person."""
        if not self.error_code:
            return None
        names = self.photo_names if "name" in self.error_facts else None
        return explain(self.error_code, self.error_facts, names)

    @property
    def explained_warnings(self) -> list[FilledExplanation]:
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
        """How good the scene is, in one word; None before there is one. From this row and that of
        its figures alone: lists show it of every job."""
        return verdict_of(self.evidence) if self.is_completed else None

    @property
    def evidence(self) -> Evidence:
        """What its word is made of."""
        return self.figures.evidence(self.tried)

    @property
    def tried(self) -> int | None:
        """How many photos were to be placed, copies of others not counted."""
        for warning in self.warnings:
            if warning["code"] == "photos_left_out":  # it is there where any photo has no place
                return int(warning["facts"].get("total", 0)) or self.figures.registered
        return self.figures.registered


def _rows_of(job: Job) -> tuple[Share, Figures]:
    """The share and the figures of a job that is about to be saved for the first time."""
    given = job._state.fields_cache
    return given.get("share") or Share(job=job), given.get("figures") or Figures(job=job)
