"""The queue, an account and the site's limits, as API v1 gives them."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from ninja import Schema
from pydantic import Field

from recon.api.v1.schemas.jobs import Range
from recon.api.v1.schemas.sent import Preset, Status


class OwnPlace(Schema):
    """One of the caller's jobs that is not done."""

    job_id: UUID
    status: Status
    position: int | None
    starts_in: Range | None
    ready_in: Range | None


class Queue(Schema):
    """How busy the site is, and where the caller's jobs stand."""

    queued: int
    running: int
    max_concurrent: int
    starts_in: Range = Field(description="A job that is started now.")
    jobs: list[OwnPlace]


class TokenFacts(Schema):
    """The token that was sent."""

    name: str
    scopes: list[str]
    ends_at: datetime | None


class Account(Schema):
    """Who calls."""

    email: str
    name: str
    token: TokenFacts | None
    scopes: list[str] = Field(description="What this caller may do.")


class Used(Schema):
    """A limit, and what is used of it."""

    used: int
    most: int


class Quota(Schema):
    """How much the caller may have."""

    stored_bytes: Used
    active_jobs: Used
    jobs_today: Used
    drafts: Used


class Limits(Schema):
    """What the site takes. Sizes are bytes."""

    min_photos: int
    max_photos: int
    min_image_size: int = Field(description="px, each side.")
    max_file_size: int
    max_upload_size: int
    max_video_size: int
    max_videos: int
    draft_days: int
    calls_a_minute: int
    uploads_an_hour: int
    photo_types: list[str]
    video_types: list[str]


class PresetFacts(Schema):
    """A preset, and how long a scene takes with it here."""

    name: Preset
    label: str
    description: str
    expected: Range | None


class Presets(Schema):
    """All presets, from the quickest."""

    default: Preset
    items: list[PresetFacts]
