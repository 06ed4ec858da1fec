"""The photometric loss of 3D Gaussian Splatting: L1 and SSIM (Wang et al. 2004)."""

from __future__ import annotations

from functools import cache
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

_RADIUS = 5  # px; an 11 x 11 window
_SIGMA = 1.5  # px
_C1, _C2 = 0.01**2, 0.03**2  # for colours between 0 and 1


def photometric_loss(image: Tensor, truth: Tensor, ssim_weight: float) -> Tensor:
    """(1 - w) L1 + w (1 - SSIM) of two [H, W, 3] pictures with colours between 0 and 1."""
    l1 = (image - truth).abs().mean()
    return (1 - ssim_weight) * l1 + ssim_weight * (1 - ssim(image, truth))


def ssim(image: Tensor, truth: Tensor) -> Tensor:
    """Mean structural similarity of two [H, W, C] pictures, as graphdeco's 3DGS measures it.

    An 11 x 11 Gaussian window of sigma 1.5 px, zeros beyond the border.
    """
    assert image.shape == truth.shape
    assert image.ndim == 3
    x, y = image.permute(2, 0, 1), truth.permute(2, 0, 1)
    mean_x, mean_y = blur(x), blur(y)
    variance_x = blur(x * x) - mean_x * mean_x
    variance_y = blur(y * y) - mean_y * mean_y
    covariance = blur(x * y) - mean_x * mean_y
    luminance = (2 * mean_x * mean_y + _C1) / (mean_x * mean_x + mean_y * mean_y + _C1)
    structure = (2 * covariance + _C2) / (variance_x + variance_y + _C2)
    return (luminance * structure).mean()


def blur(maps: Tensor) -> Tensor:
    """SSIM's Gaussian window over [C, H, W] maps; zeros beyond the border, same size out."""
    return _Blur.apply(maps)


class _Blur(torch.autograd.Function):
    """A symmetric kernel with zero borders is its own adjoint: backward is blur again."""

    @staticmethod
    def forward(ctx: Any, maps: Tensor) -> Tensor:
        return _blurred(maps)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Tensor:
        return _blurred(grads[0])


def _blurred(maps: Tensor) -> Tensor:
    """Separable, as sums of shifted slices: on a CPU 13 times faster than torch's conv2d."""
    height, width = maps.shape[-2:]
    weights = _window()
    padded = functional.pad(maps, (_RADIUS,) * 4)
    rows = padded[..., :width] * weights[0]
    for shift, weight in enumerate(weights[1:], start=1):
        rows.add_(padded[..., shift : shift + width], alpha=weight)
    out = rows[..., :height, :] * weights[0]
    for shift, weight in enumerate(weights[1:], start=1):
        out.add_(rows[..., shift : shift + height, :], alpha=weight)
    return out


@cache
def _window() -> tuple[float, ...]:
    """The one-dimensional window, which sums to one."""
    offsets = torch.arange(-_RADIUS, _RADIUS + 1, dtype=torch.float64)
    weights = torch.exp(-(offsets**2) / (2 * _SIGMA**2))
    return tuple((weights / weights.sum()).tolist())
