"""The photometric loss of 3D Gaussian Splatting: L1 and SSIM (Wang et al. 2004).

Both are one autograd function with the derivative written out, so that a step keeps one gradient
of the picture's size and nothing else. On a CPU it is numba kernels, on a GPU Triton's; where
neither fits (no Triton, float64, another number of channels) it is a few large convolutions.

With b(.) the window's blur, X = b(x), Y = b(y) and S = b(xx) - XX + b(yy) - YY, SSIM at a pixel is

    luminance x structure = (2 XY + C1) / (XX + YY + C1) x (2 (b(xy) - XY) + C2) / (S + C2).

Its mean reaches a colour x by X, b(xx) and b(xy); a symmetric window with zeros beyond the border
is its own adjoint, hence

    d mean / dx = (b(d/dX) + 2x b(d/db(xx)) + y b(d/db(xy))) / number of colours.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional

logger = logging.getLogger(__name__)

RADIUS = 5  # px; an 11 x 11 window
_SIGMA = 1.5  # px
C1, C2 = 0.01**2, 0.03**2  # for colours between 0 and 1
_STRIP = 2**20  # px of a picture that are handled at a time where memory is scarce


def photometric_loss(image: Tensor, truth: Tensor, ssim_weight: float) -> Tensor:
    """(1 - w) L1 + w (1 - SSIM) of two [H, W, 3] pictures with colours between 0 and 1.

    Differentiable in `image`, once.
    """
    score: Tensor = _Score.apply(image, truth, 1 - ssim_weight, -ssim_weight)
    return score + ssim_weight


def ssim(image: Tensor, truth: Tensor) -> Tensor:
    """Mean structural similarity of two [H, W, C] pictures, as graphdeco's 3DGS measures it.

    An 11 x 11 Gaussian window of sigma 1.5 px, zeros beyond the border. Differentiable in
    `image`, once.
    """
    score: Tensor = _Score.apply(image, truth, 0.0, 1.0)
    return score


class _Score(torch.autograd.Function):
    """`l1_weight` times the mean of |image - truth| plus `ssim_weight` times the mean SSIM."""

    @staticmethod
    def forward(
        ctx: Any, image: Tensor, truth: Tensor, l1_weight: float, ssim_weight: float
    ) -> Tensor:
        assert image.shape == truth.shape
        assert image.ndim == 3
        assert not truth.requires_grad, "differentiable in the image only"
        wanted = ctx.needs_input_grad[0]
        value, ctx.gradient = _way(image)(image, truth, l1_weight, ssim_weight, wanted)
        return value

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        return ctx.gradient * grads[0], None, None, None


def _way(image: Tensor) -> Callable[..., tuple[Tensor, Tensor | None]]:
    """The fastest of the functions below that can score a picture."""
    if image.dtype == torch.float32 and image.shape[2] == 3:
        if image.device.type == "cpu":
            return _by_kernels
        if image.device.type == "cuda" and _has_triton(image.device):
            return _by_triton
    return _by_convolutions


def compile_kernels(device: torch.device) -> Callable[[], None]:
    """Begins to compile what a GPU needs, beside other work; the function returned waits for it."""
    if device.type != "cuda":
        return lambda: None
    thread = threading.Thread(target=_has_triton, args=(device,), daemon=True)
    thread.start()
    return thread.join


@cache
def _has_triton(device: torch.device) -> bool:
    """Whether Triton's kernels run on a GPU, found by running them. It is not everywhere (torch
    brings it on Linux only), and where it is, it needs a C compiler and Python's headers."""
    try:
        _compile(device)
    except Exception as error:  # of a dozen kinds, from a missing module to a compiler's
        if type(error).__module__.split(".")[0] not in ("builtins", "subprocess", "triton"):
            raise  # a job's time limit or its cancel
        logger.warning("the loss is computed by slower convolutions, without Triton: %s", error)
        return False
    return True


def _compile(device: torch.device) -> None:
    """Compiles the kernels and waits until all have run on one pixel."""
    from recon.splats.losses import triton_kernels

    triton_kernels.compile_all(device)
    pixel = torch.zeros((1, 1, 3), device=device)
    _by_triton(pixel, pixel, 0.0, 1.0, wanted=True)[0].item()


def _by_triton(
    image: Tensor, truth: Tensor, l1_weight: float, ssim_weight: float, wanted: bool
) -> tuple[Tensor, Tensor | None]:
    """The score and, if `wanted`, its gradient: on a GPU, [H, W, 3] of float32."""
    from recon.splats.losses import triton_kernels

    x, y = image.contiguous(), truth.float().contiguous()
    window = _window(torch.float32, image.device)
    return triton_kernels.score(x, y, window, l1_weight, ssim_weight, wanted)


def _by_kernels(
    image: Tensor, truth: Tensor, l1_weight: float, ssim_weight: float, wanted: bool
) -> tuple[Tensor, Tensor | None]:
    """The score and, if `wanted`, its gradient: on a CPU, [H, W, 3] of float32."""
    from recon.splats.losses import (
        cpu_kernels as loss_kernels,  # a GPU's training can do without numba
    )

    height, width, channels = image.shape
    x, y = (t.detach().contiguous().numpy().reshape(height, -1) for t in (image, truth.float()))
    maps = torch.empty((height if wanted else 0, 3, width * channels)).numpy()
    l1_weight, ssim_weight = l1_weight / image.numel(), ssim_weight / image.numel()
    differences, scores = loss_kernels.measure(x, y, maps)
    value = torch.tensor(l1_weight * differences.sum() + ssim_weight * scores.sum()).float()
    if not wanted:
        return value, None
    gradient = torch.empty_like(image, memory_format=torch.contiguous_format)
    weights = np.float32(l1_weight), np.float32(ssim_weight)
    loss_kernels.differentiate(x, y, maps, *weights, gradient.numpy().reshape(height, -1))
    return value, gradient


def _by_convolutions(
    image: Tensor, truth: Tensor, l1_weight: float, ssim_weight: float, wanted: bool
) -> tuple[Tensor, Tensor | None]:
    """The score and, if `wanted`, its gradient. In strips of rows, since it takes some 400 bytes
    a pixel on the way."""
    height, width, _ = image.shape
    rows = max(_STRIP // width, 4 * RADIUS)
    value = image.new_zeros(())
    gradient = torch.empty_like(image) if wanted else None
    for first in range(0, height, rows):
        end = min(first + rows, height)
        # what the window of a pixel's window reaches
        around = slice(max(first - 2 * RADIUS, 0), min(end + 2 * RADIUS, height))
        inner = slice(first - around.start, end - around.start)
        x, y = image.detach()[around], truth[around]
        similarity, slope = _similarity(x.permute(2, 0, 1), y.permute(2, 0, 1), wanted)
        difference = x[inner] - y[inner]
        value += l1_weight * difference.abs().sum() + ssim_weight * similarity[:, inner].sum()
        if gradient is not None:
            torch.mul(slope[:, inner].permute(1, 2, 0), ssim_weight, out=gradient[first:end])
            gradient[first:end].add_(difference.sign(), alpha=l1_weight)
    if gradient is not None:
        gradient /= image.numel()
    return value / image.numel(), gradient


def _similarity(x: Tensor, y: Tensor, wanted: bool) -> tuple[Tensor, Tensor]:
    """SSIM [C, H, W] of two [C, H, W] pictures and, if `wanted`, the derivative of its sum by
    `x` (right where the border, or a cut through a picture, is 10 px away or a true border)."""
    mean_x, mean_y, xx, yy, xy = blur(torch.cat([x, y, x * x, y * y, x * y])).chunk(5)
    brightness, product = mean_x * mean_x + mean_y * mean_y, mean_x * mean_y
    per_brightness = (brightness + C1).reciprocal()
    per_spread = (xx + yy - brightness + C2).reciprocal()
    luminance = (2 * product + C1) * per_brightness
    structure = (2 * (xy - product) + C2) * per_spread
    similarity = luminance * structure
    if not wanted:
        return similarity, similarity
    by_xx = similarity * -per_spread
    by_xy = 2 * luminance * per_spread
    by_x = 2 * structure * per_brightness * (mean_y - mean_x * luminance)
    by_x -= 2 * mean_x * by_xx + mean_y * by_xy
    by_x, by_xx, by_xy = blur(torch.cat([by_x, by_xx, by_xy])).chunk(3)
    return similarity, by_x + 2 * x * by_xx + y * by_xy


def blur(maps: Tensor) -> Tensor:
    """SSIM's Gaussian window over [M, H, W] maps; zeros beyond the border, same size out."""
    count = len(maps)
    window = _window(maps.dtype, maps.device).repeat(count, 1, 1)
    # cuDNN would round to TF32 by default, which SSIM's variances do not survive; torch's own
    # depthwise kernels are exact
    with torch.backends.cudnn.flags(enabled=False):
        out = functional.conv2d(maps[None], window[..., None], padding=(RADIUS, 0), groups=count)
        out = functional.conv2d(out, window[:, :, None], padding=(0, RADIUS), groups=count)
    return out[0]


@cache
def _window(dtype: torch.dtype, device: torch.device) -> Tensor:
    """The one-dimensional window, which sums to one."""
    offsets = torch.arange(-RADIUS, RADIUS + 1, dtype=torch.float64)
    weights = torch.exp(-(offsets**2) / (2 * _SIGMA**2))
    return (weights / weights.sum()).to(device, dtype)
