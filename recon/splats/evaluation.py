"""Scores renders of a scene against photos that it never saw."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from recon.splats.gaussians import Camera, Gaussians
from recon.splats.metrics import Lpips, psnr, ssim
from recon.splats.rasterizers import rasterize
from recon.splats.scene import View

METRICS = ("psnr", "ssim", "lpips")  # dB; -1 to 1; 0 is identical


@dataclass(frozen=True)
class Scores:
    """One model's held-out quality at one picture size."""

    per_view: dict[str, dict[str, float | None]]  # photo name -> metric -> value

    @property
    def means(self) -> dict[str, float | None]:
        """Each metric's mean over the photos; None where it is absent."""
        return {metric: self._mean(metric) for metric in METRICS}

    def _mean(self, metric: str) -> float | None:
        values = [scores[metric] for scores in self.per_view.values()]
        known = [value for value in values if value is not None]
        return sum(known) / len(known) if known else None

    def graphdeco(self) -> dict[str, Any]:
        """The same under graphdeco's names: means first, then per view."""
        per_view = {
            name: {metric.upper(): value for metric, value in scores.items()}
            for name, scores in self.per_view.items()
        }
        means = {metric.upper(): value for metric, value in self.means.items()}
        return {**means, "per_view": per_view}


def score(
    gaussians: Gaussians,
    views: Iterable[View],
    lpips: Lpips | None,
    tick: Callable[[], None] = lambda: None,
) -> Scores:
    """PSNR, SSIM and, where `lpips` is given, LPIPS of every view; `tick` is called after each."""
    per_view: dict[str, dict[str, float | None]] = {}
    for view in views:
        view = view.to(gaussians.device)
        image, truth = draw(gaussians, view.camera), view.colours
        per_view[view.name] = {
            "psnr": psnr(image, truth),
            "ssim": float(ssim(image, truth)),
            "lpips": lpips(image, truth) if lpips else None,
        }
        tick()
    return Scores(per_view)


@torch.no_grad()
def draw(gaussians: Gaussians, camera: Camera) -> Tensor:
    """A finished picture, [H, W, 3] float32 between 0 and 1."""
    return rasterize(gaussians, camera.to(gaussians.device)).image.clamp(0, 1)


def to_bytes(image: Tensor) -> NDArray[np.uint8]:
    """A picture between 0 and 1 as [H, W, 3] uint8."""
    return (image * 255).round().to(torch.uint8).cpu().numpy()
