"""Per-photo exposure: an affine change of colour between a render and its photo.

Phones expose each photo anew, so that no single scene can match all of them. As in Kerbl et al.'s
hierarchical 3DGS (2024) each train photo gets an affine map of its own, here held near the
identity. A photo that training never saw has none: it is fitted to one half of the photo and
scored on the other, so that no pixel is scored with what was fitted to it.
"""

from __future__ import annotations

import torch
from torch import Tensor

_RIDGE = 1e-3  # pull of a held-out photo's fit to the identity, per pixel and squared unit


def identities(count: int, device: torch.device) -> Tensor:
    """[count, 3, 4]: maps that change nothing."""
    return torch.eye(3, 4, device=device).repeat(count, 1, 1)


def expose(image: Tensor, exposure: Tensor) -> Tensor:
    """The colours of `image` [..., 3] after the affine map `exposure` [3, 4]."""
    return image @ exposure[:, :3].T + exposure[:, 3]


def distance_from_identity(exposure: Tensor) -> Tensor:
    """Sum of squares; what keeps the scene's own colours in the middle of the photos'."""
    return (exposure - torch.eye(3, 4, device=exposure.device)).square().sum()


def fit_exposure(image: Tensor, truth: Tensor) -> Tensor:
    """The map [3, 4] that brings `image` [..., 3] nearest to `truth` in least squares."""
    source = image.reshape(-1, 3).double()
    source = torch.cat([source, torch.ones_like(source[:, :1])], dim=1)
    target = truth.reshape(-1, 3).double()
    pull = _RIDGE * len(source) * torch.eye(4, dtype=source.dtype, device=source.device)
    start = torch.eye(4, 3, dtype=source.dtype, device=source.device)
    solved = torch.linalg.solve(source.T @ source + pull, source.T @ target + pull @ start)
    return solved.T.float()


def cross_exposed(image: Tensor, truth: Tensor) -> Tensor:
    """`image` [H, W, 3] with each half in the exposure that the other half of `truth` asks for."""
    middle = image.shape[1] // 2
    left, right = slice(0, middle), slice(middle, None)
    halves = [
        expose(image[:, here], fit_exposure(image[:, other], truth[:, other]))
        for here, other in ((left, right), (right, left))
    ]
    return torch.cat(halves, dim=1).clamp(0, 1)
