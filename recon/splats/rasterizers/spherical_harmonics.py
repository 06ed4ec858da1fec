"""Real spherical harmonics up to degree 3, with 3DGS's order and signs.

The basis is Sloan, "Efficient Spherical Harmonic Evaluation" (JCGT 2013), with the
Condon-Shortley signs that 3DGS files and gsplat use.
"""

from __future__ import annotations

import torch
from torch import Tensor

C0 = 0.28209479177387814  # sqrt(1 / 4pi)
C1 = 0.4886025119029199  # sqrt(3 / 4pi)
C2 = (1.0925484305920792, 0.31539156525252005, 0.5462742152960396)
C3 = (0.5900435899266435, 2.890611442640554, 0.4570457994644658, 0.3731763325901154)
C3_14 = 1.445305721320277  # half of C3[1]


def higher_basis(directions: Tensor, degree: int) -> Tensor:
    """The basis functions of degrees 1 to `degree` at unit `directions` [3, N]: [K - 1, N]."""
    x, y, z = directions
    basis = [-C1 * y, C1 * z, -C1 * x]
    if degree >= 2:
        zz, difference, product = z * z, x * x - y * y, 2.0 * x * y
        basis += [
            C2[2] * product,
            -C2[0] * y * z,
            C2[1] * (3.0 * zz - 1.0),
            -C2[0] * x * z,
            C2[2] * difference,
        ]
    if degree >= 3:
        ring = C3[2] * (1.0 - 5.0 * zz)
        basis += [
            -C3[0] * (x * product + y * difference),
            C3_14 * z * product,
            ring * y,
            C3[3] * z * (5.0 * zz - 3.0),
            ring * x,
            C3_14 * z * difference,
            -C3[0] * (x * difference - y * product),
        ]
    return torch.stack(basis)


def colors_seen(means: Tensor, sh0: Tensor, shN: Tensor, position: Tensor, degree: int) -> Tensor:
    """The RGB colours [N, 3], not below 0, that a camera at `position` [3] sees.

    `means` [N, 3] and `position` are in world units; `sh0` [N, 1, 3] and `shN` [N, K - 1, 3]
    are `Gaussians`' coefficients, of which degrees up to `degree` are used.
    """
    colors = C0 * sh0[:, 0] + 0.5
    if degree > 0:
        directions = torch.nn.functional.normalize((means - position).T, dim=0)
        basis = higher_basis(directions, degree)
        colors = colors + torch.einsum("kn,nkc->nc", basis, shN[:, : len(basis)])
    return colors.clamp_min(0.0)
