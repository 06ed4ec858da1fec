"""How long each step of each attempt took, and how it ended."""

from __future__ import annotations

from django.db import models

from recon.models.jobs import Job
from recon.pipeline.progress import WORKING_STEPS


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
