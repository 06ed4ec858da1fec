"""One differentiable `rasterize`, two backends: gsplat on CUDA, our own numba kernels on a CPU.

Training, growth and evaluation all draw through this function, so they cannot disagree.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from recon.splats.gaussians import Camera, Gaussians


class Rendered(NamedTuple):
    """One rendered picture. All tensors are float32 on the Gaussians' device unless said."""

    image: Tensor  # [H, W, 3] colours, not clamped, over the background
    alpha: Tensor  # [H, W] accumulated opacity, 0 to 1
    depth: Tensor | None  # [H, W] expected camera-space z of what was hit, 0 where alpha is 0
    means2d: Tensor  # [N, 2] px; retains its gradient when the image is differentiated
    radii: Tensor  # [N] int32 px; 0 where the Gaussian was not drawn


def rasterize(
    gaussians: Gaussians,
    camera: Camera,
    *,
    sh_degree: int | None = None,
    background: Tensor | None = None,
    with_depth: bool = False,
) -> Rendered:
    """Draws `gaussians` as `camera` sees them (3DGS, Kerbl et al. 2023; gsplat's conventions).

    `sh_degree` limits the spherical harmonics used (default: all that there are); `background`
    is [3] RGB (default: black). Without `with_depth` the depth is None. The backend is that of
    the tensors' device.
    """
    degree = gaussians.sh_degree if sh_degree is None else min(sh_degree, gaussians.sh_degree)
    if gaussians.device.type == "cuda":
        from recon.splats.rasterizers import cuda as backend
    else:
        from recon.splats.rasterizers import cpu as backend  # type: ignore[no-redef]
    return backend.rasterize(
        gaussians, camera, sh_degree=degree, background=background, with_depth=with_depth
    )


def best_device() -> torch.device:
    """CUDA where a GPU and a working gsplat are there, else the CPU.

    gsplat is imported only after CUDA was found: its import tries to compile CUDA code whenever
    `nvcc` is on the PATH, even beside a CPU-only torch.
    """
    if torch.cuda.is_available():
        from recon.splats.rasterizers import cuda

        if cuda.problem() is None:
            return torch.device("cuda")
    return torch.device("cpu")
