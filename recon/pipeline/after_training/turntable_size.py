"""How long and how large the turntable video is, depending on what drawing costs here.

Apart from `film`, so that estimating a job's time needs no torch.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class VideoSize:
    """One video."""

    frames: int
    rate: int  # frames a second
    longest: int  # px, longest side at most


def video_size(*, gpu: bool, steps: int, trained_size: int | None, most_pixels: int) -> VideoSize:
    """7 seconds at 30 frames a second on a GPU; less where drawing is expensive.

    On a CPU a frame is drawn at the size trained at and costs about as much as a training step. One
    for every 4 of the job's training `steps`, up to 6 seconds, takes about a tenth of the job at
    most; jobs that train little make do with 15 a second. `trained_size` is the longest side
    trained at (None is the photos' own), `most_pixels` bounds the video's.
    """
    if gpu:
        return VideoSize(frames=210, rate=30, longest=most_pixels)
    longest = min(most_pixels, trained_size or most_pixels, 480)
    rate = 30 if steps >= 720 else 15
    return VideoSize(frames=min(6 * rate, max(24, steps // 4)), rate=rate, longest=longest)
