"""The turntable video: the scene from a smooth path through its photos, as H.264 in MP4.

Every browser plays H.264, including Safari on a phone, and libx264 is the H.264 encoder in PyAV's
wheel (docs/develop/licenses.md). A job never fails because of its video.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recon.picture_size import fitted_size
from recon.pipeline.after_training.optional_work import attempt
from recon.pipeline.after_training.turntable_size import video_size
from recon.pipeline.config import PipelineConfig
from recon.pipeline.outcome import settings_used, steps_trained
from recon.pipeline.workspace import Workspace, replacing
from recon.reporting import Progress, Report
from recon.splats.evaluation import draw, to_bytes
from recon.splats.gaussians import Camera, Gaussians
from recon.splats.turntable import turntable

_ENCODING = {"preset": "veryfast", "crf": "20", "profile": "high"}
_BT709 = 1  # FFmpeg's number for primaries, transfer and matrix of HD video
_LIMITED = 1  # and for luma from 16 to 235, which is what players expect


def film(
    workspace: Workspace,
    config: PipelineConfig,
    scene: Gaussians,
    cameras: Sequence[Camera],
    start: Camera,
    focus: Sequence[float],
    report: Report,
) -> None:
    """Leaves `workspace.turntable`, or none and a warning. Raises Cancelled.

    `scene` lies on the device to draw on, `cameras` are the photos', `start` is the one whose
    picture's shape and focal length the video has, `focus` a point that is looked at.
    """
    workspace.turntable.unlink(missing_ok=True)
    if not config.export.turntable:
        return
    size = video_size(
        gpu=scene.device.type == "cuda",
        steps=steps_trained(workspace),
        trained_size=settings_used(workspace, config.train).max_image_size,
        most_pixels=config.export.turntable_size,
    )

    def shoot() -> None:
        began = time.monotonic()
        path = turntable(cameras, np.array(focus), _lens(start, size.longest), size.frames)
        with replacing(workspace.turntable) as temporary:
            write_mp4(_pictures(scene, path, report), temporary, size.rate)
        report.log(f"{size.frames} frames in {time.monotonic() - began:.1f} s")

    attempt(shoot, report, "turntable_absent")


def write_mp4(pictures: Iterable[NDArray[np.uint8]], path: Path, rate: int) -> None:
    """Encodes pictures [H, W, 3] of one size, both sides even, at `rate` a second.

    The index comes first (faststart), so that a browser plays while it loads. Raises what PyAV
    raises, and ImportError where it is missing.
    """
    import av  # here: only a job that films needs it

    options = {"movflags": "+faststart"}
    with av.open(str(path), "w", format="mp4", options=options) as container:
        stream: Any = None
        for picture in pictures:
            if stream is None:
                stream = container.add_stream("libx264", rate=rate, options=dict(_ENCODING))
                _describe(stream, picture)
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(
                format="yuv420p", dst_colorspace="ITU709", dst_color_range="MPEG"
            )
            container.mux(stream.encode(frame))
        if stream is None:
            raise ValueError("a video needs a picture")
        container.mux(stream.encode(None))


def _describe(stream: Any, picture: NDArray[np.uint8]) -> None:
    stream.height, stream.width = picture.shape[:2]
    stream.pix_fmt = "yuv420p"
    context = stream.codec_context
    context.color_range = _LIMITED
    context.colorspace = context.color_primaries = context.color_trc = _BT709
    context.gop_size = 30  # a second on a GPU; a drag along the bar finds a whole picture soon


def _pictures(
    scene: Gaussians, path: Sequence[Camera], report: Progress
) -> Iterator[NDArray[np.uint8]]:
    for number, camera in enumerate(path):
        report(number / len(path), "frame", number=number + 1, total=len(path))
        yield to_bytes(draw(scene, camera))


def _lens(camera: Camera, longest: int) -> Camera:
    """`camera` with even sides, as this video's colours need."""
    width, height = fitted_size(camera.width, camera.height, longest)
    return camera.resized(max(width // 2 * 2, 2), max(height // 2 * 2, 2))
