"""Videos for tests, written by PyAV from pictures."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import av
from PIL import Image, ImageFilter

from tests.photos import rendered_photos

FPS = 10
#: Frames of each photo in a walk; only the one at SHARP is in focus.
STEPS, SHARP = 5, 2


def video_bytes(
    pictures: Sequence[Image.Image],
    *,
    container: str = "mp4",
    codec: str = "libx264",
    fps: int = FPS,
    shown_turned: int = 0,
    tags: dict[str, str] | None = None,
    prepare: Callable[[av.VideoStream], None] = lambda stream: None,
) -> bytes:
    """`pictures` of one size, one per frame; its metadata turns them `shown_turned` degrees
    anticlockwise. `prepare` may change the stream before the first of them."""
    # With the index in front, a video that is cut off still opens.
    options = {} if container in ("webm", "mkv") else {"movflags": "faststart"}
    with tempfile.NamedTemporaryFile(suffix=f".{container}") as file:
        _write(file.name, pictures, options, codec, fps, shown_turned, tags or {}, prepare)
        return Path(file.name).read_bytes()


def _write(
    path: str,
    pictures: Sequence[Image.Image],
    options: dict[str, str],
    codec: str,
    fps: int,
    shown_turned: int,
    tags: dict[str, str],
    prepare: Callable[[av.VideoStream], None],
) -> None:
    with av.open(path, "w", options=options) as output:
        output.metadata.update(tags)
        stream = output.add_stream(codec, rate=fps)
        stream.width, stream.height = pictures[0].size
        stream.pix_fmt = "yuv420p"
        stream.bit_rate = 8_000_000
        if codec == "libx265":  # with B-frames, the last decoding times are undefined
            stream.options = {"x265-params": "bframes=0:log-level=none"}
        if shown_turned:
            stream.set_display_rotation(shown_turned)
        prepare(stream)
        for picture in pictures:
            for packet in stream.encode(av.VideoFrame.from_image(picture)):
                output.mux(packet)
        for packet in stream.encode():
            output.mux(packet)


def walk(count: int = 6, size: tuple[int, int] = (480, 360)) -> list[Image.Image]:
    """A walk along the sample photos: each is blurred except for one moment."""
    frames = []
    for path in rendered_photos()[:count]:
        with Image.open(path) as photo:
            sharp = photo.convert("RGB").resize(size)
        blurred = sharp.filter(ImageFilter.GaussianBlur(3))
        frames += [sharp if step == SHARP else blurred for step in range(STEPS)]
    return frames
