"""What a site answers, typed: the answers of `/api/v1` (docs/use/api-v1.md).

A site of a later version may say more, which is ignored, and use words that are not known here;
hence texts, not enumerations. Sizes are bytes, times are in UTC, `progress` is 0 to 100.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

ENDED = ("COMPLETED", "FAILED", "CANCELLED")


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """The base of all answers."""

    def to_dict(self) -> dict[str, Any]:
        """As JSON has it."""
        plain: dict[str, Any] = msgspec.to_builtins(self)
        return plain


class Wishes(Said, frozen=True, kw_only=True):
    """How a scene is to be made. What is not set is left to the site, or stays as it was."""

    preset: str | UnsetType = UNSET  # quick, standard, high
    original_resolution: bool | UnsetType = UNSET
    cross_validate: bool | UnsetType = UNSET
    final_refine: bool | UnsetType = UNSET
    outlier_filter: str | UnsetType = UNSET  # auto, always, never
    without_poses: bool | UnsetType = UNSET
    make_anyway: bool | UnsetType = UNSET


class Span(Said, frozen=True, kw_only=True):
    """From `low` to `high` seconds."""

    low: float
    high: float


class Poses(Said, frozen=True, kw_only=True):
    """Camera positions that came with photos."""

    listed: int  # photos that they are of
    found: int  # photos of the job among these
    total: int  # photos of the job
    files: list[str] = []
    lacking: list[str] = []  # what the others are called
    used: bool = True


class Figures(Said, frozen=True, kw_only=True):
    """How a scene was measured; None where it was not."""

    registered: int | None = None
    psnr: float | None = None  # dB, on held-out photos
    ssim: float | None = None
    lpips: float | None = None
    psnr_corrected: float | None = None
    ssim_corrected: float | None = None
    protocol: str | None = None
    spread: dict[str, float | None] | None = None
    refined: bool | None = None
    gaussian_count: int | None = None
    iterations: int | None = None


class Quality(Said, frozen=True, kw_only=True):
    word: str | None  # excellent, good, usable, poor, not_a_scene
    code: str | None = None
    reason: str | None = None


class Message(Said, frozen=True, kw_only=True):
    """What a job is doing now."""

    code: str = ""
    text: str = ""


class Fault(Said, frozen=True, kw_only=True):
    """Why a job failed, or what its owner should know."""

    code: str
    title: str = ""
    advice: str = ""


class WaitReason(Said, frozen=True, kw_only=True):
    """Why a job waits: earlier_jobs, workers_busy, starting, workers_draining, workers_away,
    preset_not_served, no_worker_yet."""

    code: str
    text: str = ""


class Waiting(Said, frozen=True, kw_only=True):
    """A job's place in the queue: 1 is next."""

    position: int
    starts_in: Span | None = None
    reason: WaitReason | None = None  # of a site that says it


class Share(Said, frozen=True, kw_only=True):
    """How a job is shared."""

    on: bool
    open: bool
    key: str
    url: str | None = None
    has_password: bool = False
    until: datetime | None = None
    downloads: str = "all"  # nothing, splat, all
    figures: bool = True
    in_gallery: bool = False
    views: int = 0


class ShareChange(Said, frozen=True, kw_only=True):
    """What is to be different about how a job is shared. What is not set stays as it is."""

    on: bool | UnsetType = UNSET
    password: str | UnsetType | None = UNSET  # None: no password any more
    until: datetime | UnsetType | None = UNSET  # None: for good
    downloads: str | UnsetType = UNSET
    figures: bool | UnsetType = UNSET
    in_gallery: bool | UnsetType = UNSET
    new_link: bool | UnsetType = UNSET  # True ends the old link


class JobSummary(Said, frozen=True, kw_only=True):
    """A job as a list has it."""

    job_id: str
    team: str | None = None  # the handle of the team that it belongs to; None: its owner alone
    title: str
    status: str  # DRAFT, PENDING, PROCESSING, COMPLETED, FAILED, CANCELLED
    step: str
    progress: int
    preset: str
    image_count: int
    created_at: datetime
    completed_at: datetime | None = None
    tags: list[str] = []
    quality: Quality | None = None
    psnr: float | None = None
    ssim: float | None = None
    lpips: float | None = None
    gaussian_count: int | None = None
    error_code: str | None = None
    shared: bool = False
    url: str = ""

    @property
    def has_ended(self) -> bool:
        return self.status in ENDED


class Job(JobSummary, frozen=True, kw_only=True):
    """A job in full."""

    description: str = ""
    wishes: Wishes = Wishes()
    attempt: int = 0
    message: Message | None = None
    failed_step: str | None = None
    error: Fault | None = None
    warnings: list[Fault] = []
    started_at: datetime | None = None
    processing_time_seconds: float | None = None
    figures: Figures = Figures()
    waiting: Waiting | None = None
    ready_in: Span | None = None
    share: Share | None = None
    videos_waiting: int = 0
    is_kept: bool = False  # not deleted for its age
    deleted_at: datetime | None = None  # when it is deleted for its age, if it is


class Photo(Said, frozen=True, kw_only=True):
    photo_id: int
    name: str
    original_name: str
    sha256: str
    size: int
    width: int  # px
    height: int  # px


class Video(Said, frozen=True, kw_only=True):
    """A video of a draft. Its best frames become photos."""

    video_id: int
    original_name: str
    sha256: str
    size: int
    state: str  # waiting, done, failed
    progress: int = 0
    frames: int = 0
    error_code: str | None = None
    error: str | None = None


class Artifact(Said, frozen=True, kw_only=True):
    """A file of a finished job."""

    kind: str
    name: str
    size: int
    sha256: str | None = None  # None where the site does not know it
    content_type: str = ""
    url: str = ""


class Result(Said, frozen=True, kw_only=True):
    """How a finished scene came about, with its files."""

    job_id: str
    scene: str | None = None
    figures: Figures = Figures()
    quality: Quality | None = None
    held_out: int | None = None  # photos that measured the scene
    train: int | None = None
    cameras: int | None = None
    seconds: dict[str, float] = {}  # by step
    warnings: list[Fault] = []
    artifacts: list[Artifact] = []


class QueuedJob(Said, frozen=True, kw_only=True):
    job_id: str
    status: str
    position: int | None = None
    starts_in: Span | None = None
    ready_in: Span | None = None


class Queue(Said, frozen=True, kw_only=True):
    """How busy the site is; `jobs` are the caller's own."""

    queued: int
    running: int
    max_concurrent: int
    starts_in: Span | None = None
    jobs: list[QueuedJob] = []


class Account(Said, frozen=True, kw_only=True):
    email: str
    name: str = ""
    language: str = ""
    scopes: list[str] = []


class Amount(Said, frozen=True, kw_only=True):
    used: int
    most: int | None = None


class Team(Said, frozen=True, kw_only=True):
    """A team that the caller is in."""

    handle: str
    name: str
    role: str  # owner, editor, viewer: the caller's
    url: str = ""


class Quota(Said, frozen=True, kw_only=True):
    stored_bytes: Amount
    active_jobs: Amount
    jobs_today: Amount
    drafts: Amount


class Limits(Said, frozen=True, kw_only=True):
    min_photos: int
    max_photos: int
    min_image_size: int  # px
    max_file_size: int
    max_upload_size: int
    max_video_size: int


class Preset(Said, frozen=True, kw_only=True):
    name: str
    label: str = ""
    description: str = ""
    expected: Span | None = None


class Presets(Said, frozen=True, kw_only=True):
    default: str
    items: list[Preset]
