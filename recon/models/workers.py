"""The workers that do jobs: where, on which graphics card, and when they were last heard of."""

from __future__ import annotations

import uuid
from datetime import timedelta

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from recon.models.jobs import Job

#: A worker writes its row every ten seconds, busy or not. One that was silent for longer is lost.
SILENT_AFTER = timedelta(seconds=40)


class WorkerQuerySet(models.QuerySet["Worker"]):
    def present(self) -> WorkerQuerySet:
        """Those that run: heard of lately, and not stopped since."""
        heard = timezone.now() - SILENT_AFTER
        return self.filter(heartbeat_at__gt=heard, stopped_at__isnull=True)

    def serving(self) -> WorkerQuerySet:
        """Those that do jobs now and will take others."""
        return self.present().filter(is_drained=False)


class Worker(models.Model):
    """A process that does one job at a time, on one graphics card or on the CPU.

    A worker that starts again under the same name takes over its row; `run` says which process
    the row belongs to. What the row says is only for people and for choosing a job: whether a job
    runs is in the job's own row.
    """

    class State(models.TextChoices):
        READY = "ready", _("Free")
        BUSY = "busy", _("Busy")
        DRAINING = "draining", _("Busy, then takes no more")
        DRAINED = "drained", _("Takes no scenes")
        STOPPED = "stopped", _("Stopped")
        LOST = "lost", _("Not heard of")

    name = models.CharField(max_length=120, unique=True)
    host = models.CharField(max_length=120)
    run = models.UUIDField(default=uuid.uuid4, editable=False, help_text="of the present process")
    version = models.CharField(max_length=40, help_text="of InstaRecon3D")
    presets = models.JSONField(default=list, help_text="what it takes")

    gpu_name = models.CharField(max_length=120, blank=True, help_text="empty: it works on the CPU")
    gpu_uuid = models.CharField(max_length=64, blank=True)
    gpu_memory_mb = models.PositiveIntegerField(null=True, blank=True)
    gpu_used_mb = models.PositiveIntegerField(null=True, blank=True)
    gpu_use_percent = models.PositiveSmallIntegerField(null=True, blank=True)
    gpu_celsius = models.PositiveSmallIntegerField(null=True, blank=True)
    disk_total_mb = models.PositiveBigIntegerField(null=True, blank=True)
    disk_free_mb = models.PositiveBigIntegerField(null=True, blank=True)

    is_drained = models.BooleanField(
        default=False, help_text="staff wish that it finishes its job and takes no more"
    )
    job = models.ForeignKey(
        Job, null=True, blank=True, on_delete=models.SET_NULL, related_name="workers"
    )
    started_at = models.DateTimeField()
    heartbeat_at = models.DateTimeField(db_index=True)
    stopped_at = models.DateTimeField(null=True, blank=True, help_text="it said goodbye")

    objects = WorkerQuerySet.as_manager()

    class Meta:
        ordering = ("host", "name")

    def __str__(self) -> str:
        return self.name

    @property
    def state(self) -> Worker.State:
        """What it does, as far as is known now."""
        if self.stopped_at is not None:
            return self.State.STOPPED
        if timezone.now() - self.heartbeat_at > SILENT_AFTER:
            return self.State.LOST
        if self.is_drained:
            return self.State.DRAINING if self.job_id else self.State.DRAINED
        return self.State.BUSY if self.job_id else self.State.READY

    @property
    def is_present(self) -> bool:
        return self.state not in (self.State.STOPPED, self.State.LOST)
