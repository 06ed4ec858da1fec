"""The training loop of 3D Gaussian Splatting (Kerbl et al. 2023): one `fit` for every use."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

import torch
from torch import Tensor

from recon.splats import growth
from recon.splats.config import TrainConfig
from recon.splats.exposure import distance_from_identity, expose, identities
from recon.splats.gaussians import Gaussians
from recon.splats.losses import photometric_loss
from recon.splats.rasterizers import rasterize
from recon.splats.scene import View

#: Told after every step: how many are done, of how many, and the scene, which it must not change.
Observer = Callable[[int, int, Gaussians], None]

_REPORT_EVERY = 0.25  # seconds
_FINAL_MEANS_LR = 0.01  # of the first


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
    generator = torch.Generator().manual_seed(seed)
    optimizer, gaussians = make_optimizer(gaussians, config, extent)
    pulls = growth.Pulls.none(gaussians)
    refining_from, refining_to = (
        round(f * config.iterations) for f in (config.refine_start, config.refine_stop)
    )
    tell = _Teller(report, config.iterations)
    exposures = _Exposures(views, config)

    for step in range(config.iterations):
        view = next(shuffled)
        set_means_lr(optimizer, config, extent, 1.0 if warm else step / config.iterations)
        sh_degree = config.sh_degree
        if not warm:
            sh_degree = min(step // config.sh_degree_interval, sh_degree)

        rendered = rasterize(gaussians, view.camera, sh_degree=sh_degree)
        image, penalty = exposures.of(view, rendered.image)
        loss = photometric_loss(image, view.colours, config.ssim_weight) + penalty
        loss.backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        exposures.step()

        if step < refining_to:
            pulls.observe(rendered, view.camera)
        if refining_from <= step < refining_to and (step + 1) % config.refine_every == 0:
            change = growth.refine(gaussians, pulls, config, extent=extent, generator=generator)
            gaussians = carry_over(optimizer, gaussians, change)
            pulls = growth.Pulls.none(gaussians)
        if step >= refining_from and config.opacity_decay < 1:
            decay_opacities(gaussians, config.opacity_decay)

        if config.gpu_check_interval and (step + 1) % config.gpu_check_interval == 0:
            tell.memory(step, memory())
        tell.progress(step, loss, len(gaussians))
        observe(step + 1, config.iterations, gaussians)
    return gaussians.detach()


def make_optimizer(
    gaussians: Gaussians, config: TrainConfig, extent: float
) -> tuple[torch.optim.Adam, Gaussians]:
    """Adam with one group per parameter, and the Gaussians as its parameters."""
    rates = {
        "means": config.means_lr * extent,
        "scales": config.scales_lr,
        "quats": config.quats_lr,
        "opacities": config.opacities_lr,
        "sh0": config.sh0_lr,
        "shN": config.shN_lr,
    }
    params = {n: torch.nn.Parameter(t.detach().clone()) for n, t in gaussians.named().items()}
    groups = [{"params": [p], "lr": rates[name], "name": name} for name, p in params.items()]
    return torch.optim.Adam(groups, eps=1e-15, fused=True), Gaussians(**params)


def set_means_lr(
    optimizer: torch.optim.Adam, config: TrainConfig, extent: float, fraction: float
) -> None:
    """The means' learning rate decays exponentially to 1% at the end, when `fraction` is 1."""
    rate = config.means_lr * extent * _FINAL_MEANS_LR**fraction
    next(g for g in optimizer.param_groups if g["name"] == "means")["lr"] = rate


def carry_over(
    optimizer: torch.optim.Adam, gaussians: Gaussians, change: growth.Change
) -> Gaussians:
    """The Gaussians after `change` as parameters; the kept ones keep their moments."""
    after = growth.apply(gaussians, change)
    params: dict[str, Tensor] = {}
    for group in optimizer.param_groups:
        name, old = group["name"], group["params"][0]
        new = torch.nn.Parameter(getattr(after, name))
        state: dict[str, Any] = optimizer.state.pop(old, {})
        for key in ("exp_avg", "exp_avg_sq"):
            if key in state:
                fresh = torch.zeros_like(getattr(change.added, name))
                state[key] = torch.cat([state[key][change.kept], fresh])
        group["params"] = [new]
        optimizer.state[new] = state
        params[name] = new
    return Gaussians(**params)


@torch.no_grad()
def decay_opacities(gaussians: Gaussians, factor: float) -> None:
    """Every opacity times `factor`: what the photos do not hold up fades (Binocular3DGS)."""
    opacities = gaussians.opacities
    opacities.copy_((opacities.sigmoid() * factor).clamp(min=1e-6).logit())


def _shuffled(views: Sequence[View], order: random.Random) -> Iterator[View]:
    """The views without end, each once in every round."""
    while True:
        yield from order.sample(views, len(views))


class _Exposures:
    """One affine map of colours per view, learnt beside the scene; see `recon.splats.exposure`."""

    def __init__(self, views: Sequence[View], config: TrainConfig) -> None:
        self._weight = config.exposure_weight
        self._learnt: dict[str, Tensor] = {}
        if config.exposure_lr > 0:
            maps = identities(len(views), views[0].image.device).unbind(0)
            for view, exposure in zip(views, maps, strict=True):
                self._learnt[view.name] = torch.nn.Parameter(exposure.clone())
            self._optimizer = torch.optim.Adam(self._learnt.values(), lr=config.exposure_lr)

    def of(self, view: View, image: Tensor) -> tuple[Tensor, Tensor | float]:
        """`image` as `view` exposes it, and what that adds to the loss."""
        if view.name not in self._learnt:
            return image, 0.0
        exposure = self._learnt[view.name]
        return expose(image, exposure), self._weight * distance_from_identity(exposure)

    def step(self) -> None:
        if self._learnt:
            self._optimizer.step()
            self._optimizer.zero_grad(set_to_none=True)


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
