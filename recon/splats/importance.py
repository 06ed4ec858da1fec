"""What to show of a large scene while the rest of it is on its way.

How much a Gaussian contributes to a picture is the sum, over the pixels, of the weight that its
colour has in them (its alpha, times what those before it let through). The rasteriser's backward
pass knows it: it is the derivative of the picture's sum by the Gaussian's colour.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from recon.picture_size import fitted_size
from recon.reporting import Progress, silent
from recon.splats.gaussians import Camera, Gaussians
from recon.splats.rasterizers import rasterize

LARGE = 100_000  # Gaussians, from which on a scene takes seconds to come on a line of 10 Mbit/s
FIRST_COUNT = 60_000  # Gaussians shown first, about a megabyte as SPZ
_SIZE = 400  # px, longest side of the pictures that are asked
#: A part has to cover what the whole covers: N times fewer Gaussians are N to this power larger.
#: Measured on fern (221,000 Gaussians), whose 60,000 come 1.2 dB nearer to the whole for it.
_GROWTH = 1 / 7


def first_part(
    gaussians: Gaussians, cameras: Sequence[Camera], report: Progress = silent
) -> Gaussians | None:
    """The Gaussians that contribute most to what `cameras` see, a little larger and without
    view-dependent colour; None for a scene that loads quickly as it is. `report` is called after
    each camera."""
    if len(gaussians) < LARGE:
        return None
    chosen = gaussians.select(shares(gaussians, cameras, report).topk(FIRST_COUNT).indices)
    larger = _GROWTH * math.log(len(gaussians) / FIRST_COUNT)
    return replace(chosen, scales=chosen.scales + larger, shN=chosen.shN[:, :0])


def shares(gaussians: Gaussians, cameras: Sequence[Camera], report: Progress = silent) -> Tensor:
    """How much each Gaussian contributes to what `cameras` see, [N], in any unit; each camera
    counts the same.
    """
    # Grey all over: where a colour is clamped, at black, there is no derivative.
    sh0 = torch.zeros_like(gaussians.sh0).requires_grad_()
    grey = replace(gaussians.detach(), sh0=sh0, shN=gaussians.shN[:, :0].detach())
    for number, camera in enumerate(cameras):
        small = camera.resized(*fitted_size(camera.width, camera.height, _SIZE))
        rasterize(grey, small.to(gaussians.device)).image.mean().backward()
        report((number + 1) / len(cameras))
    return torch.zeros(len(gaussians)) if sh0.grad is None else sh0.grad.sum(dim=(1, 2))
