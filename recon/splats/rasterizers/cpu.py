"""The rasteriser for machines without a GPU: torch around numba kernels.

Projection and spherical harmonics are torch, so autograd differentiates them; only the drawing of
the projected ellipses is a kernel with a backward pass of its own.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
import torch
from torch import Tensor

from recon.splats.gaussians import Camera, Gaussians
from recon.splats.rasterizers import Rendered, binning, cpu_kernels
from recon.splats.rasterizers.projection import Projected, project
from recon.splats.rasterizers.spherical_harmonics import colors_seen


def rasterize(
    gaussians: Gaussians, camera: Camera, *, sh_degree: int, background: Tensor | None = None
) -> Rendered:
    """Draws on the CPU; see `recon.splats.rasterizers.rasterize`."""
    assert gaussians.means.dtype == torch.float32, "the kernels are compiled for float32"
    opacities = gaussians.opacities.sigmoid()
    scales = gaussians.scales.exp()
    projected = project(gaussians.means, gaussians.quats, scales, opacities, camera)
    colors = colors_seen(gaussians.means, gaussians.sh0, gaussians.shN, camera.position, sh_degree)
    if projected.means2d.requires_grad:
        projected.means2d.retain_grad()
    if background is None:
        background = torch.zeros(3)
    order = _front_to_back(projected)
    image, alpha, depth_sum = _Draw.apply(
        projected.means2d, projected.conics, opacities, colors, projected.depths,
        projected.extents, background, order, camera.width, camera.height,
    )  # fmt: skip
    depth = depth_sum / alpha.clamp_min(1e-10)
    return Rendered(image, alpha, depth, projected.means2d, projected.radii)


def _front_to_back(projected: Projected) -> Tensor:
    """Indices [V] of the visible Gaussians, nearest first, equals by index."""
    visible = projected.visible.nonzero()[:, 0]
    # a positive float's bits sort like the number; the index below makes every key unique
    bits = projected.depths.detach()[visible].view(torch.int32).to(torch.int64)
    keys = (bits << 32) | visible
    return torch.from_numpy(np.sort(keys.numpy())) & 0xFFFFFFFF


class _Draw(torch.autograd.Function):
    """Tiles drawn by numba. Differentiable in the first five arguments and the background."""

    @staticmethod
    def forward(
        ctx: Any, means2d: Tensor, conics: Tensor, opacities: Tensor, colors: Tensor,
        depths: Tensor, extents: Tensor, background: Tensor, order: Tensor, width: int, height: int,
    ) -> tuple[Tensor, Tensor, Tensor]:  # fmt: skip
        columns = [means2d, conics, opacities[:, None], colors, depths[:, None], extents]
        table = (
            torch.cat(columns, dim=1).index_select(0, order).numpy().view(binning.GAUSSIAN)[:, 0]
        )
        bins = binning.bin_gaussians(table, cpu_kernels.TILE, width, height)
        image = np.empty((height, width, 3), np.float32)
        transmittance, depth_sum, last = np.empty((3, height, width), np.float32)
        back = background.detach().numpy()
        cpu_kernels.draw(
            table, bins.pairs, bins.tile_starts, back, numba.get_num_threads(),
            image, transmittance, depth_sum, last,
        )  # fmt: skip
        ctx.saved = (table, bins, back, transmittance, last, order, len(means2d))
        ctx.set_materialize_grads(False)
        alpha = torch.from_numpy(1.0 - transmittance)
        return torch.from_numpy(image), alpha, torch.from_numpy(depth_sum)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor | None) -> tuple[Tensor | None, ...]:
        table, bins, back, transmittance, last, order, count = ctx.saved
        shape = transmittance.shape
        grad_image, grad_alpha, grad_depth = (
            np.zeros(size, np.float32) if grad is None else grad.contiguous().numpy()
            for grad, size in zip(grads, [(*shape, 3), shape, shape], strict=True)
        )
        gradients = np.zeros(len(bins.pairs), cpu_kernels.GRADIENT)
        cpu_kernels.differentiate(
            table, bins.pairs, bins.tile_starts, back, numba.get_num_threads(),
            transmittance, last, grad_image, grad_alpha, grad_depth, gradients,
        )  # fmt: skip
        columns = cpu_kernels.GRADIENT.itemsize // 4
        rows = gradients.view(np.float32).reshape(len(gradients), columns)
        totals = np.zeros((count, columns), np.float32)
        cpu_kernels.sum_gradients(rows, bins.slot_starts, order.numpy(), totals)
        parts = torch.from_numpy(totals).split([2, 3, 1, 3, 1], dim=1)
        means2d, conics, opacities, colors, depths = parts
        grad_background = None
        if ctx.needs_input_grad[6]:
            grad_background = torch.from_numpy((grad_image * transmittance[..., None]).sum((0, 1)))
        return (
            means2d, conics, opacities[:, 0], colors, depths[:, 0],
            None, grad_background, None, None, None,
        )  # fmt: skip
