"""The rasteriser for CUDA: gsplat's, called so that it means the same as the CPU one."""

from __future__ import annotations

import functools
import math
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from recon.splats import gsplat_kernels
from recon.splats.gaussians import Camera, Gaussians
from recon.splats.rasterizers import Render

_TILE = 16  # px
_BLUR = 0.3  # px^2 that every footprint is widened by, 3DGS's
_NEAR, _FAR = 0.01, 1e10  # world units that are drawn


@functools.cache
def problem() -> str | None:
    """What keeps gsplat from drawing on this machine, in words, or None if it can draw.

    The first call may compile gsplat's kernels, which takes minutes.
    """
    if not torch.cuda.is_available():
        return "torch finds no CUDA device"
    try:
        kernels = gsplat_kernels.kernels()
    except (ImportError, OSError, RuntimeError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        return f"gsplat can't be loaded or compiled: {reason}"
    if kernels is None:
        return "gsplat has no compiled kernels and finds no CUDA toolkit (nvcc) to compile them"
    return None


def rasterize(
    gaussians: Gaussians,
    camera: Camera,
    *,
    sh_degree: int,
    background: Tensor | None = None,
    with_depth: bool = False,
) -> Render:
    """Draws on the GPU; see `recon.splats.rasterizers.rasterize`."""
    if len(gaussians) == 0:
        return _empty(gaussians, camera, background, with_depth)
    drawn = _Drawn(camera, sh_degree, with_depth)
    sums, alpha = _Draw.apply(*gaussians.named().values(), background, drawn)
    return Render(
        image=sums[..., :3],
        alpha=alpha,
        depth=sums[..., 3] / alpha.clamp_min(1e-10) if with_depth else None,
        means2d=drawn.means2d,
        radii=drawn.radii,
    )


class _Drawn:
    """What one picture asks for, and what comes out of it beside the pixels."""

    means2d: Tensor  # [N, 2] px; its gradient is filled in when the picture is differentiated
    radii: Tensor  # [N] int32 px

    def __init__(self, camera: Camera, sh_degree: int, with_depth: bool) -> None:
        self.camera, self.sh_degree, self.with_depth = camera, sh_degree, with_depth


class _Draw(torch.autograd.Function):
    """gsplat's kernels from the parameters to the picture and back, as one function.

    `gsplat.rasterization` strings the same kernels together, but its forty small functions between
    them cost more of Python's time than the kernels take on a fast GPU. Arguments and results of
    the kernels are those of gsplat 1.5.3's `cuda/_wrapper.py`; each leading 1 is the one camera.
    """

    @staticmethod
    def forward(
        ctx: Any,
        means: Tensor,
        quats: Tensor,
        scales: Tensor,
        opacities: Tensor,
        sh0: Tensor,
        shN: Tensor,
        background: Tensor | None,
        drawn: _Drawn,
    ) -> tuple[Tensor, Tensor]:
        """The sums [H, W, 3] of colours, or [H, W, 4] with the depths', and alpha [H, W]."""
        kernels, camera = gsplat_kernels.kernels(), drawn.camera
        width, height = camera.width, camera.height
        viewmat, K = camera.viewmat[None], camera.K[None]
        scales, opacities = scales.exp(), opacities.sigmoid()
        radii, means2d, depths, conics, _ = kernels.projection_ewa_3dgs_fused_fwd(
            means, None, quats, scales, opacities, viewmat, K, width, height,
            _BLUR, _NEAR, _FAR, 0.0, False, kernels.CameraModelType.PINHOLE,
        )  # fmt: skip
        seen = radii[..., 0] > 0  # both are 0, or neither is
        harmonics = torch.cat([sh0, shN], dim=1)[None]
        directions = (means - camera.position)[None]
        lit = kernels.spherical_harmonics_fwd(drawn.sh_degree, directions, harmonics, seen) + 0.5
        features = lit.clamp_min(0.0)
        if drawn.with_depth:
            features = torch.cat([features, depths[..., None]], dim=-1)
            if background is not None:
                background = torch.cat([background, background.new_zeros(1)])
        behind = None if background is None else background[None]
        across, down = math.ceil(width / _TILE), math.ceil(height / _TILE)
        _, tiles, indices = kernels.intersect_tile(
            means2d, radii, depths, None, None, 1, _TILE, across, down, True, False
        )
        offsets = kernels.intersect_offset(tiles, 1, across, down).view(1, down, across)
        sums, alphas, last = kernels.rasterize_to_pixels_3dgs_fwd(
            means2d, conics, features, opacities[None], behind, None,
            width, height, _TILE, offsets, indices,
        )  # fmt: skip
        drawn.means2d, drawn.radii = means2d[0], radii[0].amax(dim=-1)
        ctx.drawn = drawn
        ctx.save_for_backward(
            means, quats, scales, opacities, viewmat, K, radii, means2d, conics, seen,
            harmonics, directions, lit, features, behind, offsets, indices, alphas, last,
        )  # fmt: skip
        return sums[0], alphas[0, ..., 0]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        (
            means, quats, scales, opacities, viewmat, K, radii, means2d, conics, seen,
            harmonics, directions, lit, features, behind, offsets, indices, alphas, last,
        ) = ctx.saved_tensors  # fmt: skip
        kernels, drawn = gsplat_kernels.kernels(), ctx.drawn
        width, height = drawn.camera.width, drawn.camera.height
        by_sums, by_alpha = (grad.contiguous() for grad in grads)
        _, by_means2d, by_conics, by_features, by_opacities = kernels.rasterize_to_pixels_3dgs_bwd(
            means2d, conics, features, opacities[None], behind, None,
            width, height, _TILE, offsets, indices, alphas, last,
            by_sums[None], by_alpha[None, ..., None], False,
        )  # fmt: skip
        by_lit = torch.where(lit > 0, by_features[..., :3], 0.0)
        by_harmonics, by_directions = kernels.spherical_harmonics_bwd(
            harmonics.shape[-2], drawn.sh_degree, directions, harmonics, seen, by_lit, True
        )
        by_depths = (
            by_features[..., 3] if drawn.with_depth else _zeros(means.shape[0], means.device)
        )
        by_means, _, by_quats, by_scales, _ = kernels.projection_ewa_3dgs_fused_bwd(
            means, None, quats, scales, viewmat, K, width, height, _BLUR,
            kernels.CameraModelType.PINHOLE, radii, conics, None,
            by_means2d, by_depths.contiguous(), by_conics, None, False,
        )  # fmt: skip
        if by_directions is not None:
            by_means = by_means + by_directions[0]
        by_background = None
        if ctx.needs_input_grad[6]:
            by_background = (by_sums[..., :3] * (1 - alphas[0])).sum(dim=(0, 1))
        grown = drawn.means2d.grad
        drawn.means2d.grad = by_means2d[0] if grown is None else grown + by_means2d[0]
        return (
            by_means,
            by_quats,
            by_scales * scales,
            torch.ops.aten.sigmoid_backward(by_opacities[0], opacities),
            by_harmonics[0, :, :1].contiguous(),
            by_harmonics[0, :, 1:].contiguous(),
            by_background,
            None,
        )


@functools.lru_cache(maxsize=1)
def _zeros(count: int, device: torch.device) -> Tensor:
    """[1, count], to be read only: filling them anew costs each step a launch."""
    return torch.zeros(1, count, device=device)


def _empty(
    gaussians: Gaussians, camera: Camera, background: Tensor | None, with_depth: bool
) -> Render:
    """The bare background: gsplat's kernels can't be launched on no Gaussians."""
    means = gaussians.means
    nothing = means.new_zeros(camera.height, camera.width) + means.sum()  # keeps the graph
    image = nothing[..., None] + (means.new_zeros(3) if background is None else background)
    means2d = means[:, :2]
    if means2d.requires_grad:
        means2d.retain_grad()
    radii = torch.zeros(0, dtype=torch.int32, device=means.device)
    return Render(image, nothing, nothing if with_depth else None, means2d, radii)
