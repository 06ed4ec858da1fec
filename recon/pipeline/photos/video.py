"""A video -> the frames that a scene is made of: `probe` when it arrives, `take_frames` after.

The file is read twice: once from end to end, looking at frames evenly spread over it, and once
more at the frames chosen (`frame_choice`). Those come out as JPEGs, upright, without metadata.
"""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from recon.picture_size import fitted_size
from recon.pipeline.errors import UserError
from recon.pipeline.photos.frame_choice import Candidate, choose, small_picture
from recon.pipeline.photos.spherical import looks_spherical
from recon.pipeline.photos.video_pictures import aspect_of, is_spherical, picture_of
from recon.pipeline.photos.video_streams import frames, length, open_video
from recon.poses.photo_check import sharpness
from recon.reporting import Progress

if TYPE_CHECKING:
    import av

logger = logging.getLogger(__name__)

#: Frames looked at for each that is wanted.
LOOKS = 8

#: px, longest side at which sharpness is judged: about as large as frames are trained on.
WORKING_SIZE = 1280

#: px, longest side of the small pictures that near-duplicates are found by.
SMALL_SIZE = 96

JPEG_QUALITY = 95

#: Less of the video than this part could be read: it is damaged.
READABLE = 0.5

#: s that frames may come after the end that the index tells.
TOLERANCE = 1.0


@dataclass(frozen=True, kw_only=True)
class VideoLimits:
    """What is taken."""

    shortest: float = 2.0  # s; less is too short for a walk
    longest: float = 180.0  # s
    min_side: int = 100  # px


@dataclass(frozen=True)
class TakenFrame:
    """One chosen frame."""

    seconds: float  # from the video's start
    jpeg: bytes


def probe(source: Path | BinaryIO, *, name: str, limits: VideoLimits) -> float:
    """The length in seconds of a video that is worth decoding; nothing is decoded here.

    Raises UserError: video_unreadable, video_too_short, video_too_long, video_too_small,
    video_too_large, video_too_complex, and for what can't be read as a video video_other_kind,
    photo_raw, photo_other_kind.
    """
    with open_video(source, name) as (container, stream):
        seconds = length(container, stream)
        width, height = stream.width, stream.height
    if min(width, height) < limits.min_side:
        sides = {"width": width, "height": height, "minimum": limits.min_side}
        raise UserError("video_too_small", name=name, **sides)
    if seconds < limits.shortest:
        least = round(limits.shortest)
        raise UserError("video_too_short", name=name, seconds=round(seconds, 1), minimum=least)
    if seconds > limits.longest:
        most = round(limits.longest)
        raise UserError("video_too_long", name=name, seconds=round(seconds), maximum=most)
    return seconds


def take_frames(
    path: Path | BinaryIO, *, name: str, wanted: int, report: Progress
) -> Iterator[TakenFrame]:
    """The `wanted` best frames or fewer, in the order of time.

    Raises UserError: video_unreadable, video_damaged, video_too_still, video_spherical; what
    `report` raises.
    """
    with open_video(path, name) as (container, stream):
        seconds = length(container, stream)
    candidates = _look(path, name, seconds, wanted * LOOKS, report) if seconds > 0 else []
    read = candidates[-1].seconds / seconds if candidates else 0.0
    if read < READABLE:
        raise UserError("video_damaged", name=name, percent=round(100 * read))
    chosen = choose(candidates, wanted)
    if len(chosen) < min(wanted, 2):
        raise UserError("video_too_still", name=name)
    for done, (candidate, picture) in enumerate(_pictures_at(path, name, chosen)):
        report(0.8 + 0.2 * done / len(chosen), "frame", number=done + 1, total=len(chosen))
        if not done and looks_spherical(picture):
            raise UserError("video_spherical", name=name)
        yield TakenFrame(candidate.seconds, _jpeg(picture))


def _look(
    path: Path | BinaryIO, name: str, seconds: float, looks: int, report: Progress
) -> list[Candidate]:
    """Frames evenly spread over the video, as far as it can be read; none past the end that its
    index tells, however many come."""
    found: list[Candidate] = []
    with open_video(path, name) as (container, stream):
        first: float | None = None
        due = 0.0
        for frame in frames(container, stream):
            first = frame.time if first is None else first
            at = frame.time - first
            if at + 1e-6 < due:
                continue
            if at > seconds + TOLERANCE:
                break
            if is_spherical(frame):
                raise UserError("video_spherical", name=name)
            due = seconds * (int(at / seconds * looks) + 1) / looks
            candidate = _candidate(frame, at, found)
            if candidate is not None:
                found.append(candidate)
            report(0.8 * min(1.0, at / seconds), "looking_for_sharp_frames")
    return found


def _candidate(
    frame: av.VideoFrame, seconds: float, others: Sequence[Candidate]
) -> Candidate | None:
    """What is known about `frame`; None for one whose pixels make no sense."""
    assert frame.pts is not None  # noqa: S101 - narrows the type
    try:
        detail = sharpness.overall(sharpness.measure(_grey(frame, _size(frame, WORKING_SIZE))))
        # Frames may change their size on the way; small pictures are compared at the first one's.
        size = others[0].small.shape[::-1] if others else _size(frame, SMALL_SIZE)
        small = small_picture(_grey(frame, size))
    except Exception:
        logger.debug("A frame at %.2f s can't be used", seconds, exc_info=True)
        return None
    return Candidate(seconds, frame.pts, detail, small)


def _size(frame: av.VideoFrame, longest: int) -> tuple[int, int]:
    return fitted_size(frame.width, frame.height, longest, at_least=8)


def _grey(frame: av.VideoFrame, size: tuple[int, int]) -> NDArray[np.float32]:
    """Grey levels [H, W] as float32, at `size` px."""
    width, height = size
    small = frame.reformat(width=width, height=height, format="gray", interpolation="AREA")
    return small.to_ndarray().astype(np.float32)


def _pictures_at(
    path: Path | BinaryIO, name: str, chosen: Sequence[Candidate]
) -> Iterator[tuple[Candidate, Image.Image]]:
    """The chosen frames again, now whole; without those that can't be read a second time."""
    with open_video(path, name) as (container, stream):
        aspect = aspect_of(stream)
        for candidate in chosen:
            try:
                container.seek(candidate.pts, stream=stream)
                again = frames(container, stream)
                frame = next(frame for frame in again if (frame.pts or 0) >= candidate.pts)
                picture = picture_of(frame, aspect)
            except Exception:  # read once, so only a file without an index
                logger.debug("A frame can't be read again", exc_info=True)
                continue
            yield candidate, picture


def _jpeg(picture: Image.Image) -> bytes:
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=JPEG_QUALITY)
    return file.getvalue()
