"""How the turntable video is shot: as long and as large as drawing is cheap here.

Apart from `film`, so that whoever guesses a job's time need not import torch.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Take:
    """One video."""

    frames: int
    rate: int  # frames a second
    longest: int  # px, longest side at most


def take_for(*, gpu: bool, steps: int, trained_size: int | None, most_pixels: int) -> Take:
    """7 seconds at 30 frames a second on a GPU; less where drawing is dear.

    On a CPU a frame is drawn at the size trained at and costs about a third of a training step,
    which also goes backwards. One frame for every 4 of the job's training `steps`, 90 at most and
    24 at least, keeps the video below a tenth of the training; 15 a second, so 6 seconds.
    `trained_size` is the longest side trained at (None is the photos' own), `most_pixels` bounds
    the video's.
    """
    if gpu:
        return Take(frames=210, rate=30, longest=most_pixels)
    longest = min(most_pixels, trained_size or most_pixels, 480)
    return Take(frames=min(90, max(24, steps // 4)), rate=15, longest=longest)
