"""A video -> the frames that a scene is made of: `probe` when it arrives, `take_frames` after.

The file is read twice: once from end to end, looking at frames evenly spread over it, and once
more at the frames chosen (`frame_choice`). Those come out as JPEGs, upright, without metadata.

Nothing but the demuxer that the file's first bytes ask for is let near it: playlists and the
like, which name other files, are no videos here.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
from PIL import Image

from recon.pipeline.decoding import boxes, limits
from recon.pipeline.errors import UserError
from recon.pipeline.frame_choice import Candidate, choose, small_picture
from recon.pipeline.media import HEAD, container_of
from recon.poses import sharpness

if TYPE_CHECKING:
    import av
    from av.container import InputContainer
    from av.video.stream import VideoStream

#: Frames looked at for each that is wanted.
LOOKS = 8

#: px, longest side at which sharpness is judged: about as large as frames are trained on.
WORKING_SIZE = 1280

#: px, longest side of the small pictures that near-duplicates are found by.
SMALL_SIZE = 96

JPEG_QUALITY = 95

#: Less of the video than this part could be read: it is damaged.
READABLE = 0.5

#: Told `(fraction, message)` as the work goes on; may raise, which stops it.
Tick = Callable[[float, str], None]

#: For FFmpeg's decoders, which may find other sizes than the file's index told.
_DECODER_LIMITS = {"max_pixels": str(limits.FRAME_PIXELS)}

_TURNED = {90: Image.Transpose.ROTATE_90, 180: Image.Transpose.ROTATE_180,
           270: Image.Transpose.ROTATE_270}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class VideoLimits:
    """What is taken."""

    shortest: float = 2.0  # s; less holds no walk
    longest: float = 180.0  # s
    min_side: int = 100  # px


@dataclass(frozen=True)
class TakenFrame:
    """One chosen frame."""

    seconds: float  # from the video's start
    jpeg: bytes


def probe(source: Path | BinaryIO, *, name: str, limits: VideoLimits) -> float:
    """The length in seconds of a video that is worth decoding; nothing is decoded here.

    Raises UserError: video_unreadable, video_too_short, video_too_long, video_too_small.
    """
    with _opened(source, name) as (container, stream):
        seconds = _length(container, stream)
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
    path: Path | BinaryIO, *, name: str, wanted: int, tick: Tick
) -> Iterator[TakenFrame]:
    """The `wanted` best frames or fewer, in the order of time.

    Raises UserError: video_unreadable, video_damaged, video_too_still; what `tick` raises.
    """
    with _opened(path, name) as (container, stream):
        seconds = _length(container, stream)
    candidates = _look(path, name, seconds, wanted * LOOKS, tick)
    read = candidates[-1].seconds / seconds if candidates else 0.0
    if read < READABLE:
        raise UserError("video_damaged", name=name, percent=round(100 * read))
    chosen = choose(candidates, wanted)
    if len(chosen) < min(wanted, 2):
        raise UserError("video_too_still", name=name)
    for done, (candidate, frame) in enumerate(_frames_at(path, name, chosen)):
        tick(0.8 + 0.2 * done / len(chosen), f"frame {done + 1} of {len(chosen)}")
        yield TakenFrame(candidate.seconds, _jpeg(frame))


def _look(
    path: Path | BinaryIO, name: str, seconds: float, looks: int, tick: Tick
) -> list[Candidate]:
    """Frames evenly spread over the video, as far as it can be read."""
    from av.error import FFmpegError

    found: list[Candidate] = []
    with _opened(path, name) as (container, stream):
        first: float | None = None
        due = 0.0
        try:
            for frame in container.decode(stream):
                if frame.time is None or frame.pts is None or frame.is_corrupt:
                    continue
                first = frame.time if first is None else first
                at = frame.time - first
                if at + 1e-6 < due:
                    continue
                due = seconds * (int(at / seconds * looks) + 1) / looks
                found.append(_candidate(frame, at))
                tick(0.8 * min(1.0, at / seconds), "looking for sharp frames")
        except FFmpegError:  # what came before is good
            return found
    return found


def _candidate(frame: av.VideoFrame, seconds: float) -> Candidate:
    detail = sharpness.overall(sharpness.measure(_grey(frame, WORKING_SIZE)))
    small = small_picture(_grey(frame, SMALL_SIZE))
    assert frame.pts is not None  # noqa: S101 - narrows the type
    return Candidate(seconds, frame.pts, detail, small)


def _grey(frame: av.VideoFrame, longest: int) -> Any:
    """Grey levels [H, W] as float32, at most `longest` px on the longest side."""
    factor = min(1.0, longest / max(frame.width, frame.height))
    width, height = (max(8, round(side * factor)) for side in (frame.width, frame.height))
    small = frame.reformat(width=width, height=height, format="gray", interpolation="AREA")
    return small.to_ndarray().astype(np.float32)


def _frames_at(
    path: Path | BinaryIO, name: str, chosen: Sequence[Candidate]
) -> Iterator[tuple[Candidate, av.VideoFrame]]:
    """The chosen frames again, now whole; without those that can't be read a second time."""
    from av.error import FFmpegError

    with _opened(path, name) as (container, stream):
        for candidate in chosen:
            try:
                container.seek(candidate.pts, stream=stream)
                frame = next(
                    frame
                    for frame in container.decode(stream)
                    if frame.pts is not None and frame.pts >= candidate.pts
                )
            except (FFmpegError, StopIteration):  # read once, so only a file without an index
                continue
            yield candidate, frame


def _jpeg(frame: av.VideoFrame) -> bytes:
    """The frame, upright."""
    image = frame.to_image()
    turned = _TURNED.get(round(frame.rotation) % 360)
    if turned is not None:
        image = image.transpose(turned)
    file = io.BytesIO()
    image.save(file, "JPEG", quality=JPEG_QUALITY)
    return file.getvalue()


@contextmanager
def _opened(source: Path | BinaryIO, name: str) -> Iterator[tuple[InputContainer, VideoStream]]:
    """The file and its first moving picture. Raises UserError: video_unreadable,
    video_too_complex, video_too_large."""
    import av  # here: the web process needs it for videos only
    from av.error import FFmpegError

    if isinstance(source, Path):
        with source.open("rb") as opened_file:
            head = opened_file.read(HEAD)
    else:
        source.seek(0)
        head = source.read(HEAD)
        source.seek(0)
    kind = container_of(head)
    if kind is None:
        raise UserError("video_unreadable", name=name)
    if kind == "mov":
        _check_index(source, name)
    try:
        file = str(source) if isinstance(source, Path) else source
        opened = av.open(file, mode="r", format=kind, options=_DECODER_LIMITS)
    except (FFmpegError, ValueError) as error:
        raise UserError("video_unreadable", name=name) from error
    with opened as container:
        streams = [s for s in container.streams.video if s.width and s.height]
        if not streams:
            raise UserError("video_unreadable", name=name)
        limits.check_frame_size(streams[0].width, streams[0].height, name)
        streams[0].codec_context.options = _DECODER_LIMITS
        streams[0].thread_type = "AUTO"
        streams[0].codec_context.thread_count = limits.VIDEO_THREADS
        yield container, streams[0]


def _check_index(source: Path | BinaryIO, name: str) -> None:
    if isinstance(source, Path):
        with source.open("rb") as file:
            boxes.check_index(file, name)
    else:
        boxes.check_index(source, name)


def _length(container: InputContainer, stream: VideoStream) -> float:
    """Seconds; where the file does not say, as browsers' recordings don't, by its last packet."""
    unit = stream.time_base or Fraction(1)
    if stream.duration:
        return float(stream.duration * unit)
    if container.duration:
        return container.duration / 1_000_000
    times = [p.pts for p in container.demux(stream) if p.pts is not None]
    return float((max(times) - min(times)) * unit) if times else 0.0
