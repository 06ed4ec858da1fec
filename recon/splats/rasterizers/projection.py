"""From Gaussians in the world to ellipses on the picture, in torch, so that autograd does the rest.

EWA splatting (Zwicker et al. 2001) as 3D Gaussian Splatting uses it (Kerbl et al. 2023), with
gsplat's constants: its "classic" mode.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from recon.splats.gaussians import Camera

NEAR_PLANE = 0.01  # world units; Gaussians whose centre is nearer are not drawn
LOW_PASS = 0.3  # px^2, added to the variance so that no Gaussian is thinner than a pixel
MIN_ALPHA = 1.0 / 255.0  # fainter contributions are skipped
VIEW_MARGIN = 0.3  # the Jacobian is clamped to the view widened by this part of its half
MAX_EXTENT = 3.33  # standard deviations; at opacity 1, alpha falls to 1/255 there


class Projected(NamedTuple):
    """N Gaussians as one camera sees them; rows that are not `visible` hold harmless numbers."""

    means2d: Tensor  # [N, 2] px
    depths: Tensor  # [N] camera-space z, world units
    conics: Tensor  # [N, 3] (a, b, c) of the inverse covariance [[a, b], [b, c]], 1 / px^2
    extents: Tensor  # [N, 2] px, half the box in which alpha may reach 1/255; no gradient
    radii: Tensor  # [N] int32 px, 0 where not drawn
    visible: Tensor  # [N] bool


def project(
    means: Tensor, quats: Tensor, scales: Tensor, opacities: Tensor, camera: Camera
) -> Projected:
    """Projects Gaussians with `means` [N, 3], `quats` [N, 4] (w, x, y, z; any length),
    `scales` [N, 3] (activated, world units) and `opacities` [N] (activated)."""
    rotation, translation = camera.viewmat[:3, :3], camera.viewmat[:3, 3]
    points = torch.addmm(translation, means, rotation.T)
    in_front = points[:, 2].detach() >= NEAR_PLANE
    depths = torch.where(in_front, points[:, 2], 1.0)
    inverse_depths = depths.reciprocal()
    tangents = points[:, :2].T * inverse_depths  # [2, N]
    focal = torch.stack([camera.K[0, 0], camera.K[1, 1]])[:, None]
    means2d = (focal * tangents + camera.K[:2, 2:]).T

    rows = _jacobian_rows(tangents, focal * inverse_depths, rotation, camera)
    axes = _rotate_back(rows, quats) * scales.T  # [2, 3, N]: J R S, whose square is the covariance
    across, down = axes
    xx, yy, xy = (across * across).sum(0), (down * down).sum(0), (across * down).sum(0)
    normal = _cross(across, down)
    # |a x b|^2 = |a|^2 |b|^2 - (ab)^2 without the cancellation that thin ellipses suffer from
    determinant = (normal * normal).sum(0) + LOW_PASS * (xx + yy) + LOW_PASS**2
    xx, yy = xx + LOW_PASS, yy + LOW_PASS
    conics = torch.stack([yy, -xy, xx], dim=1) / determinant[:, None]

    with torch.no_grad():
        drawable = in_front & (conics[:, 0] > 0) & (conics[:, 2] > 0)
        extents, radii, visible = _bounds(xx, yy, means2d, opacities, drawable, camera)
    return Projected(means2d, depths, conics, extents, radii, visible)


def _jacobian_rows(tangents: Tensor, pixels: Tensor, rotation: Tensor, camera: Camera) -> Tensor:
    """d(pixel) / d(world) [2, 3, N]; `pixels` [2, N] is the size of a world unit in px.

    Far outside the view the linear approximation explodes, so there it is taken at the border.
    """
    size = torch.tensor([[camera.width], [camera.height]], device=tangents.device)
    focal = torch.stack([camera.K[0, 0], camera.K[1, 1]])[:, None]
    margin = VIEW_MARGIN * 0.5 * size / focal
    lowest = -camera.K[:2, 2:] / focal - margin
    highest = (size - camera.K[:2, 2:]) / focal + margin
    tangents = torch.minimum(torch.maximum(tangents, lowest), highest)
    rows = rotation[:2, :, None] - tangents[:, None] * rotation[2][:, None]
    return rows * pixels[:, None]


def _rotate_back(vectors: Tensor, quats: Tensor) -> Tensor:
    """`vectors` [2, 3, N] turned from the world into each Gaussian's own axes."""
    unit = torch.nn.functional.normalize(quats.T, dim=0)
    w, axis = unit[0], unit[1:, None]
    vectors = vectors.transpose(0, 1)  # [3, 2, N]
    turned = _cross(axis, vectors)
    return (vectors + 2.0 * (_cross(axis, turned) - w * turned)).transpose(0, 1)


def _cross(a: Tensor, b: Tensor) -> Tensor:
    """The cross product over the first axis; torch.linalg.cross is several times slower here."""
    (ax, ay, az), (bx, by, bz) = a.unbind(0), b.unbind(0)
    return torch.stack([ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx])


def _bounds(
    xx: Tensor, yy: Tensor, means2d: Tensor, opacities: Tensor, drawable: Tensor, camera: Camera
) -> tuple[Tensor, Tensor, Tensor]:
    """The opacity-aware box (Radl et al., StopThePop 2024, B.2): extents, radii, visible."""
    reach = 2.0 * torch.log(opacities / MIN_ALPHA).clamp_min(0.0)  # squared, in standard deviations
    deviations = torch.stack([xx, yy], dim=1).sqrt()
    drawn = torch.ceil(reach.sqrt().clamp_max(MAX_EXTENT)[:, None] * deviations)
    size = torch.tensor([camera.width, camera.height], device=xx.device)
    on_screen = ((means2d + drawn > 0) & (means2d - drawn < size)).all(1)
    # a hair wider than exact: rounding may then cost a test, but never a pixel
    extents = (reach + 0.01).sqrt()[:, None] * deviations
    # a Gaussian gone to infinity or to NaN is not drawn; the kernels rely on finite extents
    finite = extents.isfinite().all(1)
    visible = drawable & finite & (opacities >= MIN_ALPHA) & on_screen
    radii = torch.where(visible, drawn.amax(1), 0.0).clamp_max(2**30).to(torch.int32)
    return extents, radii, visible
