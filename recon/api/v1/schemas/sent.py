"""What programs send: wishes for a scene, and how it is shared. A field that is not sent stays as
it is, and one that nobody knows is refused, so that no wish is silently ignored.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from ninja import Schema
from pydantic import BeforeValidator, ConfigDict, Field, StringConstraints
from pydantic_core import PydanticCustomError

from recon.models import Tag

Preset = Literal["quick", "standard", "high"]
PresetOrUsual = Literal["", "quick", "standard", "high"]
OutlierFilter = Literal["auto", "always", "never"]
Downloads = Literal["nothing", "splat", "all"]
Status = Literal["DRAFT", "PENDING", "PROCESSING", "COMPLETED", "FAILED", "CANCELLED"]


def _no_number(sent: object) -> object:
    """Pydantic takes a number, even one in a string, for the seconds since 1970."""
    if isinstance(sent, int | float) or (isinstance(sent, str) and _is_number(sent)):
        raise PydanticCustomError("datetime_type", "Input should be a time, not a number")
    return sent


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


#: As JSON has them: 0 and "no" are not false, and "1" is not a number.
Flag = Annotated[bool, Field(strict=True)]
Whole = Annotated[int, Field(strict=True)]
Moment = Annotated[datetime, BeforeValidator(_no_number)]

#: No column holds a NUL.
STORABLE = r"^[^\x00]*$"

Title = Annotated[
    str,
    Field(max_length=120, pattern=STORABLE, description="Empty: called after the photos' day."),
]
Description = Annotated[
    str,
    Field(max_length=2000, pattern=STORABLE, description="Whoever has the link reads it."),
]
TagName = Annotated[str, StringConstraints(max_length=Tag.LONGEST, pattern=STORABLE)]
LinkPassword = Annotated[str, StringConstraints(pattern=r"^([^\x00]{6,100})?$")]
Tags = Annotated[
    list[TagName], Field(max_length=10, description="Only those whose scene it is see them.")
]
TeamHandle = Annotated[str, Field(max_length=30, pattern=STORABLE)]
OF_TEAM = "The handle of the team that it belongs to; null: the caller alone."
Digest = Annotated[str, Field(pattern="^[0-9a-f]{64}$", description="SHA-256 of the file.")]


class Sent(Schema):
    """A JSON body."""

    model_config = ConfigDict(extra="forbid")


class WishesSent(Sent):
    """What is wished of a scene; the usual, or what held before, for the rest."""

    title: Title | None = None
    preset: Preset | None = None
    original_resolution: Flag | None = Field(
        default=None, description="Keep the photos' full size."
    )
    cross_validate: Flag | None = Field(default=None, description="Hold out every photo once.")
    final_refine: Flag | None = Field(default=None, description="Finish the scene with all photos.")
    outlier_filter: OutlierFilter | None = None
    without_poses: Flag | None = Field(
        default=None, description="Leave camera positions that came with the photos unused."
    )
    make_anyway: Flag | None = Field(default=None, description="Deliver even what is no scene.")


class DraftSent(WishesSent):
    """A new draft."""

    team: TeamHandle | None = Field(default=None, description=OF_TEAM)
    tags: Tags | None = None
    description: Description | None = None


class ShareSent(Sent):
    """How a scene is shared."""

    on: Flag | None = None
    password: LinkPassword | None = Field(
        default=None, description="6 to 100 characters; empty or null: none."
    )
    until: Moment | None = Field(default=None, description="When the link ends; null: never.")
    downloads: Downloads | None = None
    figures: Flag | None = Field(default=None, description="Whether the quality figures are shown.")
    in_gallery: Flag | None = Field(
        default=None, description="On the owner's public page; not for a team's."
    )


class ShareChangeSent(ShareSent):
    """A change of how a scene is shared."""

    new_link: Flag = Field(default=False, description="End the old link for good and make another.")


class StartSent(DraftSent):
    """The last wishes before a draft starts."""

    share: ShareSent | None = None


class DetailsSent(Sent):
    """What may be changed of a scene at any time; null clears."""

    title: Title | None = None
    tags: Tags | None = None
    description: Description | None = None
    is_kept: Flag | None = Field(
        default=None, description="Do not delete it for its age. Null changes nothing."
    )
    team: TeamHandle | None = Field(
        default=None, description=f"{OF_TEAM} Only its owner moves a scene."
    )


class KnownPhotoSent(Sent):
    """A photo that may be here already."""

    sha256: Digest
    name: str = Field(default="photo", max_length=255, pattern=STORABLE)


class KnownPhotosSent(Sent):
    """Photos that may be here already."""

    photos: list[KnownPhotoSent] = Field(min_length=1, max_length=100)


class OrderSent(Sent):
    """The order of a draft's photos; those not named keep their places."""

    photo_ids: list[Annotated[Whole, Field(ge=1, lt=2**63)]] = Field(min_length=1, max_length=100)


class NewJobFields(Schema):
    """The fields beside the files of a new job; those of a form."""

    title: Title = ""
    team: TeamHandle = Field(default="", description="A team's handle; empty: the caller alone.")
    description: Description = ""
    tags: Tags = []
    preset: PresetOrUsual = Field(default="", description="Empty: the site's default.")
    original_resolution: bool = False
    cross_validate: bool = False
    final_refine: bool = True
    outlier_filter: OutlierFilter = "auto"
    without_poses: bool = Field(
        default=False, description="Leave camera positions that came with the photos unused."
    )
    make_anyway: bool = Field(default=False, description="Deliver even what is no scene.")
    share: bool = Field(default=False, description="Share it at once.")
