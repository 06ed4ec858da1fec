"""Scores renders of a scene against photos that it never saw."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from recon.splats.exposure import expose, expose_crosswise
from recon.splats.gaussians import Camera, Gaussians
from recon.splats.metrics import Lpips, psnr, ssim
from recon.splats.rasterizers import rasterize
from recon.splats.scene import View
from recon.splats.scores import CORRECTED, METRICS, Scores


def score(
    gaussians: Gaussians,
    views: Iterable[View],
    lpips: Lpips | None,
    exposures: Mapping[str, Tensor] | None = None,
) -> Scores:
    """PSNR, SSIM and, where `lpips` is given, LPIPS of every view.

    Each twice: as rendered, in the view's of `exposures` [3, 4] if it has one there (predicted, not
    fitted to it), and in the exposure of the photo, fitted on its other half.
    """
    per_view: dict[str, dict[str, float | None]] = {}
    for view in views:
        view = view.to(gaussians.device)
        image, truth = draw(gaussians, view.camera), view.colours
        pictures = exposed(image, view.name, exposures), expose_crosswise(image, truth)
        raw, corrected = (_compare(picture, truth, lpips) for picture in pictures)
        per_view[view.name] = dict(zip(METRICS + CORRECTED, raw + corrected, strict=True))
    return Scores(per_view)


def _compare(image: Tensor, truth: Tensor, lpips: Lpips | None) -> tuple[float | None, ...]:
    """The metrics, in the order of `METRICS`."""
    return psnr(image, truth), float(ssim(image, truth)), lpips(image, truth) if lpips else None


def exposed(image: Tensor, name: str, exposures: Mapping[str, Tensor] | None) -> Tensor:
    """The render `image` [H, W, 3] as the photo `name` is exposed, where that is known."""
    if not exposures or name not in exposures:
        return image
    return expose(image, exposures[name].to(image.device)).clamp(0, 1)


@torch.no_grad()
def draw(gaussians: Gaussians, camera: Camera) -> Tensor:
    """A finished picture, [H, W, 3] float32 between 0 and 1."""
    return rasterize(gaussians, camera.to(gaussians.device)).image.clamp(0, 1)


def to_bytes(image: Tensor) -> NDArray[np.uint8]:
    """A picture between 0 and 1 as [H, W, 3] uint8."""
    return (image * 255).round().to(torch.uint8).cpu().numpy()
