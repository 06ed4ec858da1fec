"""A video file opened: the one moving picture in it that counts, and its length.

Only the demuxer that the file's first bytes indicate gets to read it: playlists and the like, which
name other files, are not videos here.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from recon.pipeline.decoding import boxes, limits
from recon.pipeline.errors import UserError
from recon.pipeline.photos.file_kinds import refuse_other_kinds
from recon.pipeline.photos.media import HEAD, container_of

if TYPE_CHECKING:
    import av
    from av.container import InputContainer
    from av.video.stream import VideoStream

#: What is carried like a video but is not one: covers, previews.
_STILL = ("attached_pic", "timed_thumbnails", "still_image")

#: For FFmpeg's decoders, which may find other sizes than the file's index told.
_DECODER_LIMITS = {"max_pixels": str(limits.FRAME_PIXELS)}


@contextmanager
def open_video(source: Path | BinaryIO, name: str) -> Iterator[tuple[InputContainer, VideoStream]]:
    """The file and its moving picture.

    Raises UserError: video_unreadable, for any complaint of FFmpeg's; video_too_complex,
    video_too_large; photo_raw, photo_other_kind and video_other_kind for files that are something
    else.
    """
    kind = _container(source)
    if kind is None:
        refuse_other_kinds(source, name)
        raise UserError("video_unreadable", name=name)
    if kind == "mov":
        _check_index(source, name)
    try:
        container = _open(source, kind)
    except Exception as error:  # of FFmpeg, and of what PyAV makes of the file
        raise UserError("video_unreadable", name=name) from error
    with container:
        try:
            stream = _moving_picture(container)
        except Exception as error:
            raise UserError("video_unreadable", name=name) from error
        if stream is None:
            raise UserError("video_unreadable", name=name)
        limits.check_frame_size(stream.width, stream.height, name)
        yield container, stream


def _check_index(source: Path | BinaryIO, name: str) -> None:
    if isinstance(source, Path):
        with source.open("rb") as file:
            boxes.check_index(file, name)
    else:
        boxes.check_index(source, name)


def length(container: InputContainer, stream: VideoStream) -> float:
    """Seconds; where the file does not say, as browsers' recordings don't, by its packets."""
    unit = stream.time_base or Fraction(1)
    if stream.duration and stream.duration > 0:
        return float(stream.duration * unit)
    if container.duration and container.duration > 0:
        return container.duration / 1_000_000
    first = last = None
    for packet in _packets(container, stream):
        if packet.pts is not None:
            first = packet.pts if first is None else min(first, packet.pts)
            last = packet.pts if last is None else max(last, packet.pts)
    return float((last - first) * unit) if first is not None and last is not None else 0.0


def frames(container: InputContainer, stream: VideoStream) -> Iterator[av.VideoFrame]:
    """The frames that can be decoded, up to where the file is damaged or ends."""
    try:
        for frame in container.decode(stream):
            if frame.time is not None and frame.pts is not None and not frame.is_corrupt:
                yield frame
    except Exception:  # of FFmpeg, and of what PyAV makes of the file: what came before is good
        return


def _container(source: Path | BinaryIO) -> str | None:
    if isinstance(source, Path):
        with source.open("rb") as file:
            return container_of(file.read(HEAD))
    source.seek(0)
    head = source.read(HEAD)
    source.seek(0)
    return container_of(head)


def _open(source: Path | BinaryIO, kind: str) -> InputContainer:
    import av  # here: the web process needs it for videos only

    file = str(source) if isinstance(source, Path) else source
    return av.open(file, mode="r", format=kind, metadata_errors="replace", options=_DECODER_LIMITS)


def _moving_picture(container: InputContainer) -> VideoStream | None:
    """Of several (a camera's preview, a second lens) the largest, then the first."""
    from av.stream import Disposition

    still = Disposition(0)
    for name in _STILL:
        still |= Disposition[name]
    found = [
        stream
        for stream in container.streams.video
        # Without a decoder there is no context, and PyAV has no size.
        if stream.codec_context is not None
        and stream.width
        and stream.height
        and not stream.disposition & still
    ]
    if not found:
        return None
    stream = max(found, key=lambda s: (s.width * s.height, -s.index))
    stream.thread_type = "AUTO"
    stream.codec_context.options = _DECODER_LIMITS
    stream.codec_context.thread_count = limits.VIDEO_THREADS
    return stream


def _packets(container: InputContainer, stream: VideoStream) -> Iterator[av.Packet]:
    try:
        yield from container.demux(stream)
    except Exception:  # as in `frames`
        return
