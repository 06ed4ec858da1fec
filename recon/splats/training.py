"""The training loop of 3D Gaussian Splatting (Kerbl et al. 2023): one `fit` for every use."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Protocol

import torch
from torch import Tensor

from recon.splats import growth
from recon.splats.config import TrainConfig
from recon.splats.exposure import Exposures
from recon.splats.gaussians import Gaussians
from recon.splats.losses import photometric_loss
from recon.splats.optimizer import Adam
from recon.splats.rasterizers import rasterize
from recon.splats.scene import View

#: Told after every step: how many are done, of how many, and the scene, which it must not change.
Observer = Callable[[int, int, Gaussians], None]

_REPORT_EVERY = 0.25  # seconds
_FINAL_MEANS_LR = 0.01  # of the first
_TEND_EVERY = 10  # steps between decays, widenings and samples for the mean
_MASKS = 25  # steps whose dropout is drawn at once
_GONE = -30.0  # added to an opacity's logit: nothing is left to draw, nor a gradient


def unobserved(done: int, of: int, gaussians: Gaussians) -> None:
    """The observer that looks away."""


class Report(Protocol):
    """The part of `recon.pipeline.progress.Reporter` that training speaks to."""

    def progress(self, fraction: float, message: str = "") -> None: ...
    def log(self, line: str) -> None: ...


def fit(
    gaussians: Gaussians,
    views: Sequence[View],
    config: TrainConfig,
    *,
    extent: float,
    seed: int,
    report: Report,
    warm: bool = False,
    memory: Callable[[], str | None] = lambda: None,
    observe: Observer = unobserved,
) -> Gaussians:
    """Trains `gaussians` on `views`, all on one device, and returns them, detached.

    `extent` is the scene's size in world units. `warm` says that the Gaussians were trained
    before: all harmonics are on and the means move as slowly as they did in the end. `memory`
    describes the GPU's memory and is asked every `config.gpu_check_interval` steps.
    Bit-identical for a seed on a CPU. Whatever `report.progress` raises (a cancel) ends the
    training.
    """
    shuffled = _shuffled(views, random.Random(seed))  # noqa: S311 (no secret)
    chance = torch.Generator(gaussians.device).manual_seed(seed)
    optimizer = Adam(gaussians, rates(config, extent))
    gaussians = optimizer.gaussians
    pulls = growth.Pulls.none(gaussians)
    plan = _Plan(config, warm)
    tell = _Teller(report, config.iterations)
    exposures = Exposures(views, config)
    dropout = Dropout(config.dropout, chance)
    average = Average()

    for step in range(config.iterations):
        view = next(shuffled)
        optimizer.rates["means"] = means_lr(config, extent, plan.fraction(step))
        rendered = rasterize(
            dropout.of(gaussians),
            view.camera,
            sh_degree=plan.sh_degree(step),
            background=_background(config, chance),
        )
        image = exposures.of(view, rendered.image)
        loss = photometric_loss(image, view.colours, config.ssim_weight)
        loss.backward()
        optimizer.step()
        exposures.step()

        if step < plan.refining_to:
            pulls.observe(rendered, view.camera)
        if plan.refines(step):
            optimizer.change(growth.refine(gaussians, pulls, config, extent=extent))
            gaussians = optimizer.gaussians
            pulls = growth.Pulls.none(gaussians)
        if (step + 1) % _TEND_EVERY == 0:  # a launch costs a step more than what it computes
            if step >= plan.refining_from:
                decay_opacities(gaussians, config.opacity_decay**_TEND_EVERY)
            widen(gaussians, views, config.min_size)
            if step >= plan.averaging_from:
                average.add(gaussians)

        if config.gpu_check_interval and (step + 1) % config.gpu_check_interval == 0:
            tell.memory(step, memory())
        tell.progress(step, loss, len(gaussians))
        observe(step + 1, config.iterations, gaussians)
    return gaussians.detach() if average.mean is None else average.mean


class _Plan:
    """What is due at which step. A warm start has all harmonics from the first on."""

    def __init__(self, config: TrainConfig, warm: bool) -> None:
        self._config, self._warm = config, warm
        self.refining_from = round(config.refine_start * config.iterations)
        self.refining_to = round(config.refine_stop * config.iterations)
        self.averaging_from = round(config.average_from * config.iterations)

    def fraction(self, step: int) -> float:
        """How far the means' learning rate has fallen."""
        return 1.0 if self._warm else step / self._config.iterations

    def sh_degree(self, step: int) -> int:
        """The degree of the harmonics that are on."""
        highest = self._config.sh_degree
        return highest if self._warm else min(step // self._config.sh_degree_interval, highest)

    def refines(self, step: int) -> bool:
        """Whether Gaussians grow and go after this step."""
        due = (step + 1) % self._config.refine_every == 0
        return due and self.refining_from <= step < self.refining_to


def rates(config: TrainConfig, extent: float) -> dict[str, float]:
    """Each parameter's learning rate at the start; `extent` is the scene's, in world units."""
    return {
        "means": config.means_lr * extent,
        "scales": config.scales_lr,
        "quats": config.quats_lr,
        "opacities": config.opacities_lr,
        "sh0": config.sh0_lr,
        "shN": config.shN_lr,
    }


def means_lr(config: TrainConfig, extent: float, fraction: float) -> float:
    """The means' learning rate decays exponentially to 1% at the end, when `fraction` is 1."""
    return config.means_lr * extent * _FINAL_MEANS_LR**fraction


@torch.no_grad()
def decay_opacities(gaussians: Gaussians, factor: float) -> None:
    """Every opacity times `factor`: what the photos do not hold up fades (Binocular3DGS)."""
    if factor == 1:
        return
    opacities = gaussians.opacities
    opacities.copy_((opacities.sigmoid() * factor).clamp(min=1e-6).logit())


class Dropout:
    """Leaves a random `share` of the Gaussians out of each step (DropGaussian, Park et al. 2025).

    No Gaussian may rely on another that happens to stand before or behind it in these photos. The
    others are so much more opaque that as much is covered in the mean.
    """

    def __init__(self, share: float, chance: torch.Generator) -> None:
        self._share, self._chance = share, chance
        self._changes = torch.empty(0, 0)  # [steps to come, N], of the logits
        self._used = 0

    def of(self, gaussians: Gaussians) -> Gaussians:
        """`gaussians` for the next step."""
        if self._share == 0:
            return gaussians
        if self._used == len(self._changes) or self._changes.shape[1] != len(gaussians):
            self._changes, self._used = self._drawn(gaussians), 0
        change = self._changes[self._used]
        self._used += 1
        return replace(gaussians, opacities=gaussians.opacities + change)

    def _drawn(self, gaussians: Gaussians) -> Tensor:
        """What the next steps add to the logits, [_MASKS, N]."""
        size, device = (_MASKS, len(gaussians)), gaussians.device
        kept = torch.rand(size, generator=self._chance, device=device) >= self._share
        return torch.where(kept, -math.log(1 - self._share), _GONE)


def _background(config: TrainConfig, chance: torch.Generator) -> Tensor | None:
    """A colour by chance: photos are opaque, and a scene only hides what it covers."""
    if not config.random_background:
        return None
    return torch.rand(3, generator=chance, device=chance.device)


@torch.no_grad()
def widen(gaussians: Gaussians, views: Sequence[View], smallest: float) -> None:
    """Makes no Gaussian thinner than `smallest` px in the nearest of the views.

    What is thinner than a pixel can show was never measured, and glitters from elsewhere (the
    sampling limit of Mip-Splatting, Yu et al. 2024). Nothing changes where it is 0.
    """
    if smallest == 0:
        return
    forward = torch.stack([view.camera.viewmat[2] for view in views])  # [V, 4]
    focal = torch.stack([view.camera.K[0, 0] for view in views])
    depths = gaussians.means @ forward[:, :3].T + forward[:, 3]
    pixel = torch.where(depths > 0, depths / focal, torch.inf).amin(dim=1)  # world units
    least = torch.where(pixel.isfinite(), (smallest * pixel).log(), -torch.inf)
    gaussians.scales.copy_(torch.maximum(gaussians.scales, least[:, None]))


class Average:
    """The mean of a scene's parameters over the last steps: each photo pulls it its own way, and
    the middle is nearer to what all want (Izmailov et al. 2018)."""

    def __init__(self) -> None:
        self.mean: Gaussians | None = None
        self._count = 0

    @torch.no_grad()
    def add(self, gaussians: Gaussians) -> None:
        """One more sample; begins anew where Gaussians have come or gone."""
        self._count += 1
        if self.mean is None or len(self.mean) != len(gaussians):
            self.mean, self._count = gaussians.detach().clone(), 1
            return
        for name, mean in self.mean.named().items():
            mean.lerp_(getattr(gaussians, name), 1 / self._count)


def _shuffled(views: Sequence[View], order: random.Random) -> Iterator[View]:
    """The views without end, each once in every round."""
    while True:
        yield from order.sample(views, len(views))


class _Teller:
    """Tells how far training is, several times a second, without a device sync every step."""

    def __init__(self, report: Report, iterations: int) -> None:
        self._report = report
        self._iterations = iterations
        self._began = time.monotonic()
        self._told = 0.0

    def progress(self, step: int, loss: Tensor, count: int) -> None:
        now, done = time.monotonic(), step + 1
        if now - self._told < _REPORT_EVERY and done < self._iterations:
            return
        self._told = now
        left = (now - self._began) / done * (self._iterations - done)
        self._report.progress(
            done / self._iterations,
            f"step {done} of {self._iterations}, loss {loss.item():.4f}, "
            f"{count:,} Gaussians, {left:.0f} s left",
        )

    def memory(self, step: int, line: str | None) -> None:
        if line is not None:
            self._report.log(f"step {step + 1}: {line}")
