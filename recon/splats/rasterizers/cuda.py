"""The rasteriser for CUDA: gsplat's, called so that it means what the CPU one means.

gsplat is imported inside the functions: its import tries to compile CUDA code whenever `nvcc` is
on the PATH, even beside a CPU-only torch.
"""

from __future__ import annotations

import functools

import torch
from torch import Tensor

from recon.splats.gaussians import Camera, Gaussians
from recon.splats.rasterizers import Rendered


@functools.cache
def problem() -> str | None:
    """What keeps gsplat from drawing on this machine, in words, or None where it can.

    The first call may compile gsplat's kernels, which takes minutes.
    """
    if not torch.cuda.is_available():
        return "torch finds no CUDA device"
    try:
        from gsplat.cuda._backend import _C
    except (ImportError, OSError, RuntimeError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        return f"gsplat can't be loaded or compiled: {reason}"
    if _C is None:
        return "gsplat has no compiled kernels and finds no CUDA toolkit (nvcc) to compile them"
    return None


def rasterize(
    gaussians: Gaussians, camera: Camera, *, sh_degree: int, background: Tensor | None = None
) -> Rendered:
    """Draws on the GPU; see `recon.splats.rasterizers.rasterize`."""
    if len(gaussians) == 0:
        return _empty(gaussians, camera, background)
    from gsplat import rasterization

    drawn, alphas, meta = rasterization(
        means=gaussians.means,
        quats=gaussians.quats,
        scales=gaussians.scales.exp(),
        opacities=gaussians.opacities.sigmoid(),
        colors=torch.cat([gaussians.sh0, gaussians.shN], dim=1),
        viewmats=camera.viewmat[None],
        Ks=camera.K[None],
        width=camera.width,
        height=camera.height,
        sh_degree=sh_degree,
        backgrounds=None if background is None else background[None],
        packed=False,
        render_mode="RGB+ED",
        rasterize_mode="classic",
    )
    means2d = _with_gradient(meta["means2d"])
    radii = meta["radii"][0].amax(dim=-1)
    return Rendered(drawn[0, ..., :3], alphas[0, ..., 0], drawn[0, ..., 3], means2d, radii)


def _with_gradient(means2d: Tensor) -> Tensor:
    """gsplat's [1, N, 2] as [N, 2] whose `.grad` is filled when the picture is differentiated.

    A plain `means2d[0]` would be a new branch of the graph, which no gradient reaches.
    """
    flat = means2d.detach()[0]
    if means2d.requires_grad:

        def keep(grad: Tensor) -> None:
            flat.grad = grad[0] if flat.grad is None else flat.grad + grad[0]

        means2d.register_hook(keep)
    return flat


def _empty(gaussians: Gaussians, camera: Camera, background: Tensor | None) -> Rendered:
    """The bare background: gsplat's kernels can't be launched on no Gaussians."""
    means = gaussians.means
    nothing = means.new_zeros(camera.height, camera.width) + means.sum()  # keeps the graph
    image = nothing[..., None] + (means.new_zeros(3) if background is None else background)
    means2d = means[:, :2]
    if means2d.requires_grad:
        means2d.retain_grad()
    radii = torch.zeros(0, dtype=torch.int32, device=means.device)
    return Rendered(image, nothing, nothing, means2d, radii)
