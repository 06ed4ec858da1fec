"""Scores renders of a scene against photos that it never saw."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from recon.splats.exposure import expose_crosswise
from recon.splats.gaussians import Camera, Gaussians
from recon.splats.metrics import Lpips, psnr, ssim
from recon.splats.rasterizers import rasterize
from recon.splats.scene import View
from recon.splats.scores import CORRECTED, METRICS, Scores


def score(gaussians: Gaussians, views: Iterable[View], lpips: Lpips | None) -> Scores:
    """PSNR, SSIM and, where `lpips` is given, LPIPS of every view.

    Each twice: as rendered, and in the exposure of the photo, fitted on its other half.
    """
    per_view: dict[str, dict[str, float | None]] = {}
    for view in views:
        view = view.to(gaussians.device)
        image, truth = draw(gaussians, view.camera), view.colours
        raw, corrected = (
            _compare(picture, truth, lpips) for picture in (image, expose_crosswise(image, truth))
        )
        per_view[view.name] = dict(zip(METRICS + CORRECTED, raw + corrected, strict=True))
    return Scores(per_view)


def _compare(image: Tensor, truth: Tensor, lpips: Lpips | None) -> tuple[float | None, ...]:
    """The metrics, in the order of `METRICS`."""
    return psnr(image, truth), float(ssim(image, truth)), lpips(image, truth) if lpips else None


@torch.no_grad()
def draw(gaussians: Gaussians, camera: Camera) -> Tensor:
    """A finished picture, [H, W, 3] float32 between 0 and 1."""
    return rasterize(gaussians, camera.to(gaussians.device)).image.clamp(0, 1)


def to_bytes(image: Tensor) -> NDArray[np.uint8]:
    """A picture between 0 and 1 as [H, W, 3] uint8."""
    return (image * 255).round().to(torch.uint8).cpu().numpy()
