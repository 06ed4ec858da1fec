"""Small scenes for the rasterisers' tests, and the comparison that they share."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from recon.splats.gaussians import Camera, Gaussians

WIDTH, HEIGHT = 70, 45  # px; neither is a multiple of a tile


def camera(width: int = WIDTH, height: int = HEIGHT) -> Camera:
    """At z = -4, turned a little, with its principal point off the middle."""
    angle = 0.1
    viewmat = torch.tensor(
        [
            [math.cos(angle), 0.0, math.sin(angle), 0.1],
            [0.0, 1.0, 0.0, -0.2],
            [-math.sin(angle), 0.0, math.cos(angle), 4.0],
            [0.0, 0.0, 0.0, 1.0],
        ]
    )
    K = torch.tensor(
        [[0.9 * width, 0.0, 0.5 * width + 2.0], [0.0, 0.95 * width, 0.5 * height - 1.5], [0, 0, 1]]
    )
    return Camera(viewmat, K, width, height)


def cloud(
    count: int, *, seed: int = 0, log_scale: float = -2.0, spread: float = 1.0, sh_degree: int = 3
) -> Gaussians:
    """`count` random Gaussians around the origin; standard deviations around exp(log_scale)."""
    generator = torch.Generator().manual_seed(seed)

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator)

    return Gaussians(
        means=normal(count, 3) * spread,
        quats=normal(count, 4),
        scales=normal(count, 3) * 0.5 + log_scale,
        opacities=normal(count),
        sh0=normal(count, 1, 3),
        shN=normal(count, (sh_degree + 1) ** 2 - 1, 3) * 0.3,
    )


def opaque_stack(count: int = 40) -> Gaussians:
    """Nearly opaque sheets behind one another: pixels fill up, and alpha meets its limit."""
    gaussians = cloud(count, seed=5, log_scale=-1.0, spread=0.3)
    gaussians.opacities[:] = 9.0
    gaussians.means[:, 2] = torch.linspace(-1.0, 2.0, count)
    return gaussians


def around_the_camera(count: int = 120) -> Gaussians:
    """Everywhere: behind the camera, beside its view, and close to its near plane."""
    return cloud(count, seed=6, log_scale=-1.5, spread=4.0)


def learnable(gaussians: Gaussians, dtype: torch.dtype, device: str = "cpu") -> Gaussians:
    """A copy whose tensors are leaves that take gradients."""
    return Gaussians(
        **{
            name: tensor.detach().to(device, dtype).clone().requires_grad_()
            for name, tensor in gaussians.named().items()
        }
    )


def differentiate(out: Any, weight: Tensor, seed: int = 9) -> None:
    """Backpropagates a random mix of image, alpha and depth; pixels count by `weight` [H, W]."""
    generator = torch.Generator().manual_seed(seed)
    loss = torch.zeros((), dtype=out.image.dtype, device=out.image.device)
    for picture, strength in ((out.image, 1.0), (out.alpha, 1.0), (out.depth, 0.1)):
        mix = torch.randn(picture.shape, generator=generator) * strength
        mask = weight.reshape(weight.shape + (1,) * (mix.dim() - 2))
        loss = loss + (picture * (mix * mask).to(loss)).sum()
    loss.backward()


def relative_error(value: Tensor, truth: Tensor) -> float:
    """|value - truth| / |truth| over all elements; 0 where both are 0."""
    value, truth = value.detach().cpu().double(), truth.detach().cpu().double()
    return float((value - truth).norm() / truth.norm().clamp_min(1e-12))


def compare(
    fast: Callable[..., Any],
    slow: Callable[..., Any],
    gaussians: Gaussians,
    view: Camera,
    *,
    sh_degree: int = 3,
    background: Tensor | None = None,
) -> dict[str, float]:
    """Differences between `fast` (float32) and `slow` (float64): the largest of the pictures
    (relative for the depth, which has a unit) and the relative ones of the gradients.

    A contribution at 1/255, or a pixel about to be full, may go either way on the last bit. Such
    pixels, which `slow` reports as doubtful, are left out; they must be few.
    """
    ours, truth = learnable(gaussians, torch.float32), learnable(gaussians, torch.float64)
    exact_view = Camera(view.viewmat.double(), view.K.double(), view.width, view.height)
    exact_back = None if background is None else background.double()
    got = fast(ours, view, sh_degree=sh_degree, background=background, with_depth=True)
    want = slow(truth, exact_view, sh_degree=sh_degree, background=exact_back)
    sure = (want.doubt > 2e-5).float()
    assert sure.mean() > 0.99
    seen = want.alpha > 0
    errors = {
        "image": ((got.image - want.image).abs() * sure[..., None]).max().item(),
        "alpha": ((got.alpha - want.alpha).abs() * sure).max().item(),
        "depth": ((got.depth / want.depth.clamp_min(1e-3) - 1).abs() * sure * seen).max().item(),
    }
    differentiate(got, sure)
    differentiate(want, sure)
    for name, tensor in ours.named().items():
        if tensor.numel():
            errors[name] = relative_error(tensor.grad, truth.named()[name].grad)
    errors["means2d"] = relative_error(got.means2d.grad, want.means2d.grad)
    return errors
