"""Photos, videos and what the photo check finds, as API v1 gives them."""

from __future__ import annotations

from typing import Any, Literal

from ninja import Schema
from pydantic import Field


class Problem(Schema):
    """An error: application/problem+json (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    errors: list[WrongField] | None = None
    facts: dict[str, Any] | None = None


class WrongField(Schema):
    """A field that is wrong; a path with dots, empty for the whole body."""

    field: str
    message: str


class Photo(Schema):
    """One photo of a job."""

    photo_id: int
    name: str
    original_name: str
    sha256: str
    size: int
    width: int
    height: int


class Photos(Schema):
    """Photos in their order."""

    items: list[Photo]


class Video(Schema):
    """A video whose best frames become photos of its draft."""

    video_id: int
    original_name: str
    sha256: str
    size: int
    state: Literal["waiting", "done", "failed"]
    progress: int
    frames: int
    error_code: str | None
    error: str | None


class Videos(Schema):
    """A draft's videos."""

    items: list[Video]


class Poses(Schema):
    """Camera positions that came with photos."""

    files: list[str] = Field(description="What they are read from.")
    listed: int = Field(description="Photos that the files have a position of.")
    found: int = Field(description="Photos of the job that are among them.")
    total: int = Field(description="Photos of the job.")
    lacking: list[str] = Field(description="What the others are called.")
    used: bool = Field(description="False with the wish `without_poses`.")


class FileOutcome(Schema):
    """What became of one file of several."""

    original_name: str
    outcome: Literal["added", "present", "video", "refused"]
    photo: Photo | None = None
    video: Video | None = None
    problem: Problem | None = None


class FileOutcomes(Schema):
    """What became of each file, in the order in which they were sent."""

    items: list[FileOutcome]


class KnownPhoto(Schema):
    """A photo that was here."""

    sha256: str
    photo: Photo


class KnownPhotos(Schema):
    """Which photos were here, and are in the draft now; the missing ones have to be sent."""

    known: list[KnownPhoto]
    missing: list[str]


class Finding(Schema):
    """Something about the photos that a person may put right."""

    code: str
    title: str
    advice: str
    photos: list[str] = Field(description="Their names.")


class Pair(Schema):
    """Two photos that overlap."""

    a: str
    b: str
    inliers: int


class Check(Schema):
    """What the photo check says of a draft. Nothing of it keeps a draft from being started."""

    state: Literal["current", "coming", "absent"]
    findings: list[Finding]
    pairs: list[Pair]
    groups: list[list[str]]
