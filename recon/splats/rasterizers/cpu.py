"""The rasteriser for machines without a GPU: numba kernels from the parameters to the picture and
back, in one differentiable function."""

from __future__ import annotations

from typing import Any, NamedTuple

import numba
import numpy as np
import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from recon.splats.gaussians import Camera, Gaussians
from recon.splats.rasterizers import (
    Render,
    binning,
    cpu_kernels,
    projection,
    spherical_harmonics,
)


class Parameters(NamedTuple):
    """The Gaussians as arrays; scales and opacities are activated."""

    means: np.ndarray  # [N, 3]
    quats: np.ndarray  # [N, 4]
    scales: np.ndarray  # [N, 3]
    opacities: np.ndarray  # [N]
    sh0: np.ndarray  # [N, 1, 3]
    shN: np.ndarray  # [N, K - 1, 3]


class Picture(NamedTuple):
    """What a camera sees, before anything is drawn: V of N Gaussians."""

    camera: Camera
    view: np.ndarray  # the camera as projection takes it
    place: np.ndarray  # [3] of the camera in the world
    degree: int  # of the harmonics used
    means2d: Tensor  # [N, 2] px
    radii: Tensor  # [N] int32 px, 0 where not drawn
    visible: np.ndarray  # [V] int64, those drawn, by index
    order: np.ndarray  # [V] int64, which of `visible` are nearest, equals by index
    table: np.ndarray  # [V] GAUSSIAN, nearest first


def rasterize(
    gaussians: Gaussians,
    camera: Camera,
    *,
    sh_degree: int,
    background: Tensor | None = None,
    with_depth: bool = False,
) -> Render:
    """Draws on the CPU; see `recon.splats.rasterizers.rasterize`."""
    parameters = _activate(gaussians)
    picture = _look(parameters, camera, sh_degree)
    if background is None:
        background = torch.zeros(3)
    image, alpha, depth_sum = _Draw.apply(
        *gaussians.named().values(), background, parameters, picture
    )
    depth = depth_sum / alpha.clamp_min(1e-10) if with_depth else None
    return Render(image, alpha, depth, picture.means2d, picture.radii)


@torch.no_grad()
def _activate(gaussians: Gaussians) -> Parameters:
    tensors = gaussians.named()
    tensors["scales"] = gaussians.scales.exp()
    tensors["opacities"] = gaussians.opacities.sigmoid()
    return Parameters(**{name: t.detach().contiguous().numpy() for name, t in tensors.items()})


def _look(parameters: Parameters, camera: Camera, degree: int) -> Picture:
    """Projects the Gaussians, sorts those in sight and finds their colours."""
    means, quats, scales, opacities, sh0, shN = parameters
    count, workers = len(means), numba.get_num_threads()
    view, place = projection.view_of(camera), camera.position.numpy()
    # squared, in standard deviations
    reach = (
        (torch.from_numpy(opacities) / float(projection.MIN_ALPHA)).log_().mul_(2.0).clamp_min_(0.0)
    )
    seen = np.empty(count, binning.GAUSSIAN)
    means2d, radii = torch.empty(count, 2), torch.empty(count, dtype=torch.int32)
    projection.project_all(
        means, quats, scales, opacities, reach.numpy(), view, workers,
        seen, means2d.numpy(), radii.numpy(),
    )  # fmt: skip
    visible = np.flatnonzero(radii.numpy())
    spherical_harmonics.shade_all(visible, means, sh0, shN, place, degree, workers, seen)
    order = _front_to_back(seen["depth"][visible])
    # numpy gathers plain rows many times faster than records
    rows = seen.view(np.float32).reshape(count, seen.itemsize // 4)
    table = rows.take(visible[order], axis=0).view(binning.GAUSSIAN)[:, 0]
    return Picture(camera, view, place, degree, means2d, radii, visible, order, table)


def _front_to_back(depths: np.ndarray) -> np.ndarray:
    """The order [V] that sorts positive `depths` [V], equals by index."""
    # a positive float's bits sort like the number; the index below makes every key unique
    keys = (depths.view(np.int32).astype(np.int64) << 32) | np.arange(len(depths))
    order: np.ndarray = np.sort(keys) & 0xFFFFFFFF
    return order


class _Draw(torch.autograd.Function):
    """Differentiable in the Gaussians' six tensors and the background."""

    @staticmethod
    def forward(
        ctx: Any, means: Tensor, quats: Tensor, scales: Tensor, opacities: Tensor, sh0: Tensor,
        shN: Tensor, background: Tensor, parameters: Parameters, picture: Picture,
    ) -> tuple[Tensor, Tensor, Tensor]:  # fmt: skip
        width, height = picture.camera.width, picture.camera.height
        image = np.empty((height, width, 3), np.float32)
        transmittance, depth_sum, last = np.empty((3, height, width), np.float32)
        back = background.detach().numpy()
        bands = binning.bands(picture.table, cpu_kernels.TILE, width, height)
        for first, end in bands:
            bins = binning.bin_gaussians(picture.table, cpu_kernels.TILE, width, first, end)
            cpu_kernels.draw(
                picture.table, bins.pairs, bins.tile_starts, first, back, numba.get_num_threads(),
                image, transmittance, depth_sum, last,
            )  # fmt: skip
        # several bands are there to save memory: their pairs are found anew in the backward pass
        only_bins = bins if len(bands) == 1 else None
        ctx.save_for_backward(means, quats, shN)  # so that autograd notices a change in place
        ctx.saved = (parameters, picture, bands, only_bins, back, transmittance, last)
        ctx.set_materialize_grads(False)
        alpha = torch.from_numpy(1.0 - transmittance)
        return torch.from_numpy(image), alpha, torch.from_numpy(depth_sum)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grads: Tensor | None) -> tuple[Tensor | None, ...]:
        assert ctx.saved_tensors  # raises if they were changed since
        parameters, picture, bands, only_bins, back, transmittance, last = ctx.saved
        table, shape = picture.table, transmittance.shape
        grad_image, grad_alpha, grad_depth = (
            np.zeros(size, np.float32) if grad is None else grad.contiguous().numpy()
            for grad, size in zip(grads, [(*shape, 3), shape, shape], strict=True)
        )
        totals = np.zeros(len(table), cpu_kernels.GRADIENT)
        for first, end in bands:
            bins = only_bins or binning.bin_gaussians(table, cpu_kernels.TILE, shape[1], first, end)
            gradients = np.zeros(len(bins.pairs), cpu_kernels.GRADIENT)
            cpu_kernels.differentiate(
                table, bins.pairs, bins.tile_starts, first, back, numba.get_num_threads(),
                transmittance, last, grad_image, grad_alpha, grad_depth, gradients,
            )  # fmt: skip
            cpu_kernels.sum_gradients(
                gradients, bins.own, bins.own_starts, table, picture.order, totals
            )
        grad_background = None
        if ctx.needs_input_grad[6]:
            grad_background = torch.from_numpy((grad_image * transmittance[..., None]).sum((0, 1)))
        return *_by_parameters(totals, parameters, picture), grad_background, None, None


def _by_parameters(
    totals: np.ndarray, parameters: Parameters, picture: Picture
) -> list[Tensor | None]:
    """The gradients of the six tensors, from the `totals` of those visible; that of the centres on
    the picture goes to `means2d.grad`."""
    means, quats, scales, _, _, shN = parameters
    visible, degree, workers = picture.visible, picture.degree, numba.get_num_threads()
    tensors = [torch.zeros(array.shape) for array in parameters]
    by_means2d = torch.zeros_like(picture.means2d)
    by_means, by_quats, by_scales, by_opacities, by_sh0, by_shN = (t.numpy() for t in tensors)
    projection.differentiate_all(
        totals, visible, means, quats, scales, picture.view, workers,
        by_means, by_quats, by_scales, by_opacities, by_means2d.numpy(),
    )  # fmt: skip
    spherical_harmonics.differentiate_all(
        totals, visible, means, shN, picture.place, degree, workers, by_sh0, by_shN, by_means
    )
    before = picture.means2d.grad
    picture.means2d.grad = by_means2d if before is None else before + by_means2d
    return [*tensors[:5], tensors[5] if degree > 0 else None]
