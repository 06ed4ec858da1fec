"""Scores renders of a scene against photos that it never saw."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from recon.splats.exposure import cross_exposed
from recon.splats.gaussians import Camera, Gaussians
from recon.splats.metrics import Lpips, psnr, ssim
from recon.splats.rasterizers import rasterize
from recon.splats.scene import View

METRICS = ("psnr", "ssim", "lpips")  # dB; -1 to 1; 0 is identical
_OF_CORRECTED = "_corrected"
#: The same of the render in each photo's own exposure (`exposure.cross_exposed`).
CORRECTED = tuple(metric + _OF_CORRECTED for metric in METRICS)


@dataclass(frozen=True)
class Scores:
    """One model's held-out quality at one picture size."""

    per_view: dict[str, dict[str, float | None]]  # photo name -> metric -> value

    @property
    def means(self) -> dict[str, float | None]:
        """Each metric's mean over the photos, raw and corrected; None where it is absent."""
        return {metric: _mean(self._known(metric)) for metric in METRICS + CORRECTED}

    @property
    def spreads(self) -> dict[str, float | None]:
        """Each metric's sample standard deviation over the photos; None for fewer than two."""
        known = {metric: self._known(metric) for metric in METRICS + CORRECTED}
        return {m: statistics.stdev(vs) if len(vs) > 1 else None for m, vs in known.items()}

    def graphdeco(self) -> dict[str, Any]:
        """The same under graphdeco's names, means first, then per view; `corrected` beside it."""
        return {**self._table(""), "corrected": self._table(_OF_CORRECTED)}

    def _known(self, metric: str) -> list[float]:
        values = [scores[metric] for scores in self.per_view.values()]
        return [value for value in values if value is not None]

    def _table(self, kind: str) -> dict[str, Any]:
        means = self.means
        per_view = {
            name: {metric.upper(): scores[metric + kind] for metric in METRICS}
            for name, scores in self.per_view.items()
        }
        return {**{m.upper(): means[m + kind] for m in METRICS}, "per_view": per_view}


def _mean(values: list[float]) -> float | None:
    return statistics.fmean(values) if values else None


def score(
    gaussians: Gaussians,
    views: Iterable[View],
    lpips: Lpips | None,
    tick: Callable[[], None] = lambda: None,
) -> Scores:
    """PSNR, SSIM and, where `lpips` is given, LPIPS of every view; `tick` is called after each.

    Each twice: as rendered, and in the exposure of the photo, fitted on its other half.
    """
    per_view: dict[str, dict[str, float | None]] = {}
    for view in views:
        view = view.to(gaussians.device)
        image, truth = draw(gaussians, view.camera), view.colours
        raw, corrected = (
            _compare(picture, truth, lpips) for picture in (image, cross_exposed(image, truth))
        )
        per_view[view.name] = dict(zip(METRICS + CORRECTED, raw + corrected, strict=True))
        tick()
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
