"""Jobs, drafts among them, as API v1 gives them."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from ninja import Schema
from pydantic import Field

from recon.api.v1.schemas.sent import Downloads, OutlierFilter, Preset, Status


class Range(Schema):
    """Seconds, at least and at most."""

    low: float
    high: float


class Text(Schema):
    """What is said of a job: a code, and texts for a person."""

    code: str
    title: str
    advice: str


class Failure(Text):
    """Why a job failed."""

    facts: dict[str, Any]


class Message(Schema):
    """What a job is doing."""

    code: str
    facts: dict[str, Any]
    text: str


class Wishes(Schema):
    """What was asked for."""

    preset: Preset
    original_resolution: bool
    cross_validate: bool
    final_refine: bool
    outlier_filter: OutlierFilter
    without_poses: bool
    make_anyway: bool


class Quality(Schema):
    """How good a scene is; `word` is null where nothing was measured."""

    word: str | None = Field(description="excellent, good, usable, poor or not_a_scene")
    code: str
    reason: str


class Figures(Schema):
    """What was measured on photos that the model never saw; null where it was not."""

    registered: int | None = Field(description="Photos that have a place in the scene.")
    held_out: int | None = Field(description="Photos that the figures are means of.")
    confirmed: float | None = Field(
        description="Share of what the photos show in which their depths agree."
    )
    psnr: float | None = Field(description="dB")
    ssim: float | None
    lpips: float | None
    psnr_corrected: float | None = Field(description="dB, with each photo's exposure matched.")
    ssim_corrected: float | None
    protocol: str | None = Field(description="held-out or cross-validation")
    spread: dict[str, float | None] | None
    refined: bool | None
    gaussian_count: int | None
    iterations: int | None


class Share(Schema):
    """A job's link."""

    on: bool
    open: bool = Field(description="It is on, and has not ended.")
    key: str
    url: str | None = Field(description="Null unless it is open.")
    has_password: bool
    until: datetime | None
    downloads: Downloads
    figures: bool
    in_gallery: bool
    views: int


class WaitReason(Schema):
    """Why a job waits."""

    code: str = Field(
        description="earlier_jobs, workers_busy, starting, workers_draining, workers_away,"
        " preset_not_served or no_worker_yet; others may come."
    )
    text: str


class Waiting(Schema):
    """Where a job is in the line."""

    position: int = Field(description="1 is next.")
    starts_in: Range | None
    reason: WaitReason


class JobSummary(Schema):
    """What a list says of a job."""

    job_id: UUID
    team: str | None = Field(
        description="The handle of the team that it belongs to; null: its owner alone."
    )
    title: str
    status: Status
    step: str
    progress: int = Field(ge=0, le=100)
    preset: Preset
    image_count: int
    tags: list[str]
    quality: Quality | None
    psnr: float | None
    ssim: float | None
    lpips: float | None
    gaussian_count: int | None
    error_code: str | None
    created_at: datetime
    completed_at: datetime | None
    shared: bool
    url: str = Field(description="The job's page.")


class Job(JobSummary):
    """All about one job."""

    description: str
    wishes: Wishes
    attempt: int
    message: Message | None
    failed_step: str | None
    error: Failure | None
    warnings: list[Text]
    started_at: datetime | None
    processing_time_seconds: float | None
    figures: Figures
    waiting: Waiting | None
    ready_in: Range | None
    share: Share
    videos_waiting: int
    is_kept: bool = Field(description="Not deleted for its age, on sites that do so.")
    deleted_at: datetime | None = Field(
        description="When it is deleted for its age; null if it is not going to be."
    )


class JobPage(Schema):
    """Some of one's jobs, the newest first."""

    items: list[JobSummary]
    total: int
    next_cursor: str | None
    next: str | None = Field(description="The address of the next page.")


class NewJob(Schema):
    """A job that was just made of files."""

    job: Job
    warnings: list[str] = Field(description="About photos that were left out.")


class Event(Schema):
    """Something that happened to a job."""

    id: int
    kind: str = Field(description="created, started, step or ended")
    at: datetime
    attempt: int
    step: str | None
    outcome: str | None
    seconds: float | None


class Events(Schema):
    """What happened to a job, the earliest first."""

    items: list[Event]


class LogPart(Schema):
    """A part of a job's log."""

    offset: int
    next_offset: int
    size: int
    ended: bool = Field(description="Nothing more will come.")
    text: str
