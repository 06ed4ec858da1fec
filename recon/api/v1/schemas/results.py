"""What came of a job, as API v1 gives it."""

from __future__ import annotations

from uuid import UUID

from ninja import Schema
from pydantic import Field

from recon.api.v1.schemas.jobs import Figures, Quality, Text


class Artifact(Schema):
    """A file of a finished job."""

    kind: str
    name: str = Field(description="What it is called when it is saved.")
    size: int
    sha256: str | None
    content_type: str
    url: str


class Artifacts(Schema):
    """The files of a job; none before it is done."""

    items: list[Artifact]


class Reason(Schema):
    """Why something was not measured."""

    code: str
    text: str


class Result(Schema):
    """What came of a finished job."""

    job_id: UUID
    scene: str | None = Field(description="unfiltered or filtered: the one that is delivered.")
    figures: Figures
    quality: Quality | None
    held_out: int = Field(description="Photos that the figures are of.")
    train: int
    max_image_size: int | None = Field(description="px, longest side trained and compared at.")
    photo_size: int | None = Field(description="px, longest side of the largest photo.")
    reason: Reason | None = Field(description="Why nothing was measured.")
    cameras: int
    seconds: dict[str, float] = Field(description="By step.")
    warnings: list[Text]
    artifacts: list[Artifact]
