"""A slow, obvious rasteriser in plain torch: every Gaussian against every pixel.

The fast ones are tested against it, and it shares no code with them: the
covariances are products of whole matrices, compositing is a loop over Gaussians, gradients are
autograd's. In float64 its rounding is negligible.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from recon.splats.gaussians import Camera, Gaussians

NEAR, BLUR, MIN_ALPHA, MAX_ALPHA, MIN_TRANSMITTANCE = 0.01, 0.3, 1 / 255, 0.999, 1e-4


class Reference(NamedTuple):
    """What `Render` holds, and how close each pixel came to a decision going the other way."""

    image: Tensor  # [H, W, 3]
    alpha: Tensor  # [H, W]
    depth: Tensor  # [H, W]
    means2d: Tensor  # [N, 2]
    doubt: Tensor  # [H, W] smallest relative distance to a threshold (of alpha, of transmittance)


def rasterize(
    gaussians: Gaussians, camera: Camera, *, sh_degree: int, background: Tensor | None = None
) -> Reference:
    """Draws `gaussians`; arguments as of `recon.splats.rasterizers.rasterize`."""
    means2d, depths, conics = project(gaussians, camera)
    colors = shade(gaussians, camera, sh_degree)
    opacities = torch.sigmoid(gaussians.opacities)
    if means2d.requires_grad:
        means2d.retain_grad()
    dtype = gaussians.means.dtype
    rows = torch.arange(camera.height, dtype=dtype) + 0.5
    columns = torch.arange(camera.width, dtype=dtype) + 0.5
    y, x = torch.meshgrid(rows, columns, indexing="ij")

    image = torch.zeros(camera.height, camera.width, 3, dtype=dtype)
    depth, transmittance = torch.zeros_like(x), torch.ones_like(x)
    doubt = torch.full_like(x, torch.inf)
    full = torch.zeros_like(x, dtype=torch.bool)
    for i in torch.argsort(depths, stable=True).tolist():
        if depths[i] < NEAR:
            continue
        offset = torch.stack([x, y], dim=-1) - means2d[i]
        sigma = 0.5 * torch.einsum("hwi,ij,hwj->hw", offset, conics[i], offset)
        raw = opacities[i] * torch.exp(-sigma)
        alpha = torch.clamp(raw, max=MAX_ALPHA)
        alpha = torch.where(alpha >= MIN_ALPHA, alpha, 0.0)
        after = transmittance * (1 - alpha)
        stops = (after <= MIN_TRANSMITTANCE) & (alpha > 0) & ~full
        watched = torch.where(full, torch.inf, (raw.detach() / MIN_ALPHA - 1).abs())
        ends = torch.where(full | (alpha == 0), torch.inf, (after / MIN_TRANSMITTANCE - 1).abs())
        doubt = torch.minimum(doubt, torch.minimum(watched, ends.detach()))
        full = full | stops
        weight = torch.where(full, 0.0, alpha * transmittance)
        image = image + weight[..., None] * colors[i]
        depth = depth + weight * depths[i]
        transmittance = torch.where(full, transmittance, after)
    if background is not None:
        image = image + transmittance[..., None] * background
    alpha = 1 - transmittance
    return Reference(image, alpha, depth / alpha.clamp_min(1e-10), means2d, doubt)


def project(gaussians: Gaussians, camera: Camera) -> tuple[Tensor, Tensor, Tensor]:
    """Centres [N, 2] px, depths [N] and inverse covariances [N, 2, 2], by EWA's definition."""
    rotation, translation = camera.viewmat[:3, :3], camera.viewmat[:3, 3]
    points = gaussians.means @ rotation.T + translation
    safe = torch.where(points[:, 2:] < NEAR, torch.ones_like(points), points)
    x, y, z = safe.unbind(-1)
    (fx, _, cx), (_, fy, cy), _ = camera.K
    means2d = torch.stack([fx * x / z + cx, fy * y / z + cy], dim=-1)

    margin_x, margin_y = 0.15 * camera.width / fx, 0.15 * camera.height / fy
    u = torch.clamp(x / z, -cx / fx - margin_x, (camera.width - cx) / fx + margin_x)
    v = torch.clamp(y / z, -cy / fy - margin_y, (camera.height - cy) / fy + margin_y)
    zero = torch.zeros_like(z)
    jacobian = torch.stack(
        [
            torch.stack([fx / z, zero, -fx * u / z], dim=-1),
            torch.stack([zero, fy / z, -fy * v / z], dim=-1),
        ],
        dim=-2,
    )
    turn = rotation_matrices(gaussians.quats)
    stretch = torch.diag_embed(torch.exp(gaussians.scales))
    covariances = turn @ stretch @ stretch @ turn.transpose(1, 2)
    linear = jacobian @ rotation
    flat = linear @ covariances @ linear.transpose(1, 2) + BLUR * torch.eye(2, dtype=z.dtype)
    return means2d, points[:, 2], torch.linalg.inv(flat)


def rotation_matrices(quats: Tensor) -> Tensor:
    """[N, 3, 3] of quaternions (w, x, y, z) of any length."""
    w, x, y, z = (quats / quats.norm(dim=1, keepdim=True)).unbind(-1)
    rows = [
        torch.stack([1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)], dim=-1),
        torch.stack([2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)], dim=-1),
        torch.stack([2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)], dim=-1),
    ]
    return torch.stack(rows, dim=-2)


def shade(gaussians: Gaussians, camera: Camera, degree: int) -> Tensor:
    """Colours [N, 3]: 0.5 plus the harmonics up to `degree`, as polynomials of the direction."""
    d = gaussians.means - camera.position
    x, y, z = (d / d.norm(dim=1, keepdim=True)).unbind(-1)
    basis = [
        torch.full_like(x, 0.28209479177387814),
        -0.4886025119029199 * y,
        0.4886025119029199 * z,
        -0.4886025119029199 * x,
        1.0925484305920792 * x * y,
        -1.0925484305920792 * y * z,
        0.31539156525252005 * (2 * z * z - x * x - y * y),
        -1.0925484305920792 * x * z,
        0.5462742152960396 * (x * x - y * y),
        -0.5900435899266435 * y * (3 * x * x - y * y),
        2.890611442640554 * x * y * z,
        -0.4570457994644658 * y * (4 * z * z - x * x - y * y),
        0.3731763325901154 * z * (2 * z * z - 3 * x * x - 3 * y * y),
        -0.4570457994644658 * x * (4 * z * z - x * x - y * y),
        1.445305721320277 * z * (x * x - y * y),
        -0.5900435899266435 * x * (x * x - 3 * y * y),
    ][: (degree + 1) ** 2]
    coefficients = torch.cat([gaussians.sh0, gaussians.shN], dim=1)[:, : len(basis)]
    colors = torch.einsum("nk,nkc->nc", torch.stack(basis, dim=-1), coefficients)
    return torch.clamp_min(colors + 0.5, 0.0)
