"""One differentiable `rasterize`, two backends: gsplat on CUDA, our own numba kernels on a CPU.

Training, growth and evaluation all draw through this function, so they cannot disagree.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from recon.splats.gaussians import Camera, Gaussians

#: How many spherical harmonics there are past degree 0, for degrees 0 to 3.
_HIGHER_HARMONICS = (0, 3, 8, 15)


class Render(NamedTuple):
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
) -> Render:
    """Draws `gaussians` as `camera` sees them (3DGS, Kerbl et al. 2023; gsplat's conventions).

    `sh_degree` limits the spherical harmonics used (default: all that there are); `background`
    is [3] RGB (default: black). Without `with_depth` the depth is None. The backend is that of
    the tensors' device. Raises AssertionError for tensors of other shapes, types or devices: a
    kernel would read past their ends, or take them for something else.
    """
    _check_gaussians(gaussians)
    _check_camera(camera, gaussians.device)
    assert background is None or background.shape == (3,), background.shape
    assert background is None or background.device == gaussians.device, background.device
    assert sh_degree is None or sh_degree >= 0, sh_degree
    degree = gaussians.sh_degree if sh_degree is None else min(sh_degree, gaussians.sh_degree)
    if gaussians.device.type == "cuda":
        from recon.splats.rasterizers import cuda as backend
    else:
        from recon.splats.rasterizers import cpu as backend  # type: ignore[no-redef]
    return backend.rasterize(
        gaussians, camera, sh_degree=degree, background=background, with_depth=with_depth
    )


def _check_gaussians(gaussians: Gaussians) -> None:
    count, higher = len(gaussians), gaussians.shN.shape[1]
    assert gaussians.means.shape == (count, 3), gaussians.means.shape
    assert gaussians.quats.shape == (count, 4), gaussians.quats.shape
    assert gaussians.scales.shape == (count, 3), gaussians.scales.shape
    assert gaussians.opacities.shape == (count,), gaussians.opacities.shape
    assert gaussians.sh0.shape == (count, 1, 3), gaussians.sh0.shape
    assert gaussians.shN.shape == (count, higher, 3), gaussians.shN.shape
    assert higher in _HIGHER_HARMONICS, higher
    for name, tensor in gaussians.named().items():
        assert tensor.dtype == torch.float32, f"{name} is {tensor.dtype}, not float32"
        assert tensor.device == gaussians.device, (name, tensor.device)


def _check_camera(camera: Camera, device: torch.device) -> None:
    assert camera.viewmat.shape == (4, 4), camera.viewmat.shape
    assert camera.K.shape == (3, 3), camera.K.shape
    assert camera.width > 0, camera.width
    assert camera.height > 0, camera.height
    for tensor in (camera.viewmat, camera.K):
        assert tensor.dtype == torch.float32, f"the camera is {tensor.dtype}, not float32"
        assert tensor.device == device, (tensor.device, device)


def best_device() -> torch.device:
    """CUDA where a GPU and a working gsplat are there, else the CPU.

    gsplat is loaded only after CUDA was found; `recon.splats.gsplat_kernels` says why.
    """
    if torch.cuda.is_available():
        from recon.splats.rasterizers import cuda

        if cuda.problem() is None:
            return torch.device("cuda")
    return torch.device("cpu")
