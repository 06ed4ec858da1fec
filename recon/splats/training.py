"""The training loop of 3D Gaussian Splatting (Kerbl et al. 2023): one `fit` for every use."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial

import torch
from torch import Tensor

from recon.reporting import Report
from recon.splats.checkpoints import Checkpoints, State
from recon.splats.config import TrainConfig
from recon.splats.exposure import Exposures
from recon.splats.gaussians import Gaussians
from recon.splats.learner import Learner
from recon.splats.scene import View

#: Told after every step: how many are done, of how many, and the scene, which it must not change.
Observer = Callable[[int, int, Gaussians], None]

_REPORT_EVERY = 0.25  # seconds
_LOG_EVERY = 5.0  # seconds
_FINAL_MEANS_LR = 0.01  # of the first
_LEAST_SCALE = 1e-9  # world units, of a Gaussian in a camera
_TEND_EVERY = 10  # steps between decays, widenings and samples for the mean


def observe_nothing(done: int, of: int, gaussians: Gaussians) -> None:
    """An observer that does nothing."""


def fit(
    gaussians: Gaussians,
    views: Sequence[View],
    config: TrainConfig,
    *,
    extent: float,
    seed: int,
    report: Report,
    warm: bool = False,
    exposures: Exposures | None = None,
    memory: Callable[[], str | None] = lambda: None,
    observe: Observer = observe_nothing,
    checkpoints: Checkpoints | None = None,
) -> Gaussians:
    """Trains `gaussians` on `views`, all on one device, and returns them, detached.

    `extent` is the scene's size in world units. `warm` says that the Gaussians were trained
    before: all harmonics are on and the means move as slowly as they did in the end. `memory`
    describes the GPU's memory and is asked every `config.gpu_check_interval` steps. A training
    that was interrupted goes on from its last of `checkpoints`. Bit-identical for a seed on a CPU,
    interrupted or not. Whatever `report` raises (a cancel) ends the training.
    """
    shuffled = _shuffle(views, random.Random(seed))  # noqa: S311 (no secret)
    plan = _Plan(config, warm)
    pace = _Pace(report, config.iterations)
    checkpoints = checkpoints or Checkpoints(None)
    make = partial(Learner, gaussians, views, config, extent=extent, seed=seed)
    scene, done = checkpoints.resume(partial(make, exposures=exposures, watching=(pace, observe)))
    pace.begin_at(done)
    for _ in range(done):
        next(shuffled)

    with checkpoints.of(scene) as step_done:
        for step in range(done, config.iterations):
            view = next(shuffled)
            rate = means_lr(config, extent, plan.fraction(step))
            loss, rendered = scene.step(view, means_lr=rate, sh_degree=plan.sh_degree(step))

            if step < plan.refining_to:
                scene.pulls.observe(rendered, view.camera)
            if plan.refines(step):
                scene.grow()
            if (step + 1) % _TEND_EVERY == 0:  # a launch costs a step more than what it computes
                if step >= plan.refining_from:
                    decay_opacities(scene.gaussians, config.opacity_decay**_TEND_EVERY)
                widen(scene.gaussians, views, config.min_size)
                narrow(scene.gaussians, views, config.max_reach)
                if step >= plan.averaging_from:
                    scene.average.add(scene.gaussians)

            step_done(step + 1)
            if config.gpu_check_interval and (step + 1) % config.gpu_check_interval == 0:
                pace.log_memory(step, memory())
            pace.report(step, loss, len(scene.gaussians))
            observe(step + 1, config.iterations, scene.gaussians)
    return scene.gaussians.detach() if scene.average.mean is None else scene.average.mean


class _Plan:
    """What happens at which step. A warm start has all harmonics from the first on."""

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


def means_lr(config: TrainConfig, extent: float, fraction: float) -> float:
    """The means' learning rate decays exponentially to 1% at the end, when `fraction` is 1."""
    return config.means_lr * extent * _FINAL_MEANS_LR**fraction


@torch.no_grad()
def decay_opacities(gaussians: Gaussians, factor: float) -> None:
    """Every opacity times `factor`: what the photos do not support fades (Binocular3DGS)."""
    if factor == 1:
        return
    opacities = gaussians.opacities
    opacities.copy_((opacities.sigmoid() * factor).clamp(min=1e-6).logit())


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


@torch.no_grad()
def narrow(gaussians: Gaussians, views: Sequence[View], reach: float) -> None:
    """Makes no Gaussian's standard deviation larger than `reach` times the distance from its centre
    to the nearest of the cameras.

    A picture is drawn as if all of a Gaussian were as far away as its centre (EWA splatting,
    Zwicker et al. 2001). What reaches the cameras is therefore right in the photos alone: from
    between them a wall far behind is a veil before everything. Nothing changes where it is 0.
    """
    if reach == 0:
        return
    poses = torch.stack([view.camera.viewmat for view in views])  # [V, 4, 4]
    eyes = -torch.einsum("vij,vi->vj", poses[:, :3, :3], poses[:, :3, 3])  # [V, 3]
    # Not by a product of matrices, which is off where the scene is far from the origin.
    apart = torch.cdist(gaussians.means, eyes, compute_mode="donot_use_mm_for_euclid_dist")
    nearest = apart.amin(dim=1)  # world units
    most = (reach * nearest).clamp_min(_LEAST_SCALE).log()
    gaussians.scales.copy_(torch.minimum(gaussians.scales, most[:, None]))


def _shuffle(views: Sequence[View], order: random.Random) -> Iterator[View]:
    """The views without end, each once in every round."""
    while True:
        yield from order.sample(views, len(views))


class _Pace:
    """How fast training goes. Reports it several times a second, without a device sync every step.

    People get plain words; the figures go to the log, now and then.
    """

    def __init__(self, report: Report, iterations: int) -> None:
        self._report = report
        self._iterations = iterations
        self._began = time.monotonic()
        self._reported = 0.0
        self._logged = time.monotonic()

    def state(self) -> State:
        """For a checkpoint: the seconds so far, which the time left is reckoned from."""
        return {"seconds": time.monotonic() - self._began}

    def load(self, state: State) -> None:
        self._began = time.monotonic() - float(state["seconds"])

    def begin_at(self, done: int) -> None:
        """Says where an interrupted training goes on."""
        if done:
            self._report.log(f"continued at step {done} of {self._iterations}")
            self._report.taken_over(done / self._iterations)

    def report(self, step: int, loss: Tensor, count: int) -> None:
        now, done = time.monotonic(), step + 1
        if now - self._reported < _REPORT_EVERY and done < self._iterations:
            return
        self._reported = now
        left = (now - self._began) / done * (self._iterations - done)
        facts = {"step": done, "total": self._iterations, "seconds_left": round(left)}
        self._report(done / self._iterations, "training_step", **facts)
        if now - self._logged >= _LOG_EVERY or done == self._iterations:
            self._logged = now
            self._report.log(f"step {done}: loss {loss.item():.4f}, {count:,} Gaussians")

    def log_memory(self, step: int, line: str | None) -> None:
        if line is not None:
            self._report.log(f"step {step + 1}: {line}")
