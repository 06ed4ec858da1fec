"""How much memory a job needs on a graphics card, from its photos and settings alone.

Fitted to what training reserved at its peak in docs/measurements/engine.md: 0.5 GB for photos of
0.36 megapixels, 0.7 GB for 1.9, 1.8 GB for 6.4 and 4.6 GB for 20 photos of 12. The photos of a
scene stay on the card as floating point numbers, and one picture at a time is drawn.
"""

from __future__ import annotations

from collections.abc import Sequence

from recon.pipeline.config import PipelineConfig
from recon.pipeline.machine.environment import MIN_FREE_GPU_MB
from recon.pipeline.words.sizes import MB

#: What CUDA, PyTorch and the kernels take before anything is drawn, beside what training reserves.
_CONTEXT_MB = 600
_TRAINING_MB = 150

_BYTES_A_PHOTO_PIXEL = 16
_BYTES_A_DRAWN_PIXEL = 92  # forward, backward, and the lists of Gaussians of the tiles

#: Values, gradients, two moments of Adam, and the mean of the last steps.
_COPIES = 5
_BYTES_DRAWN_A_GAUSSIAN = 500

#: Other photos have more Gaussians in a pixel, or leave gaps between what is reserved.
_MARGIN = 1.25


def needed_mb(sizes: Sequence[tuple[int, int]], config: PipelineConfig) -> int:
    """Megabytes of a card that photos of these sizes (width, height in px) need with this
    configuration; at least what any job needs."""
    train = config.train
    longest = min(train.max_image_size or 10**6, config.preflight.max_image_size or 10**6)
    pixels = [_pixels(size, longest) for size in sizes]
    drawn = _BYTES_A_DRAWN_PIXEL * max(pixels, default=0.0)
    photos = _BYTES_A_PHOTO_PIXEL * sum(pixels)
    most = train.max_gaussians
    if train.gaussians_per_pixel:
        most = min(most, round(train.gaussians_per_pixel * sum(pixels)))
    numbers = 11 + 3 * (train.sh_degree + 1) ** 2
    gaussians = most * (4 * _COPIES * numbers + _BYTES_DRAWN_A_GAUSSIAN)
    training = _TRAINING_MB + (drawn + photos + gaussians) / MB
    return max(MIN_FREE_GPU_MB, round(_CONTEXT_MB + _MARGIN * training))


def _pixels(size: tuple[int, int], longest: int) -> float:
    width, height = size
    return width * height * min(1.0, longest / max(width, height, 1)) ** 2
