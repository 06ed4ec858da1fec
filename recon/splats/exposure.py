"""Per-photo exposure: an affine change of colour between a render and its photo.

Phones expose each photo anew, so that no single scene can match all of them. As in Kerbl et al.'s
hierarchical 3DGS (2024) each train photo gets an affine map of its own, here held near the
identity. A photo that training never saw has none: it is fitted to one half of the photo and
scored on the other, so that no pixel is scored with what was fitted to it. The halves are the
black and white fields of a chessboard: left and right are often sky and wall, and what suits one
says nothing of the other (measured on sceaux: docs/ENGINE.md).
"""

from __future__ import annotations

import torch
from torch import Tensor

_FIELDS = (6, 8)  # down and across: large enough that a field's border is a small part of it
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
    corrected = torch.empty_like(image)
    white = _chessboard(image.shape[0], image.shape[1], image.device)
    for here in (white, ~white):
        exposure = fit_exposure(image[~here], truth[~here])
        corrected[here] = expose(image[here], exposure)
    return corrected.clamp(0, 1)


def _chessboard(height: int, width: int, device: torch.device) -> Tensor:
    """Half of a picture's pixels, [H, W] bool: every other of _FIELDS fields."""
    down, across = _FIELDS
    row = torch.arange(height, device=device) * down // height
    column = torch.arange(width, device=device) * across // width
    return (row[:, None] + column[None]) % 2 == 0
