"""Everything that a training step changes: the scene and what moves it, kept by checkpoints."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from recon.splats import growth
from recon.splats.checkpoints import Chance, State, Stateful
from recon.splats.config import TrainConfig
from recon.splats.exposure import Exposures
from recon.splats.gaussians import Gaussians
from recon.splats.losses.photometric import photometric_loss
from recon.splats.optimizer import Adam
from recon.splats.rasterizers import Render, rasterize
from recon.splats.scene import View

_MASKS = 25  # steps whose dropout is drawn at once
_GONE = -30.0  # added to an opacity's logit: nothing is left to draw, nor a gradient


class Learner:
    """A scene in training. The order of the photos is not here: it follows from the seed."""

    def __init__(
        self,
        start: Gaussians,
        views: Sequence[View],
        config: TrainConfig,
        *,
        extent: float,
        seed: int,
        exposures: Exposures | None = None,
        watching: Sequence[object] = (),
    ) -> None:
        """`exposures` are those of `views`. `watching` change nothing; those that are `Stateful`
        go on where they were, too."""
        self._config, self._extent = config, extent
        self._chance = torch.Generator(start.device).manual_seed(seed)
        self.optimizer = Adam(start, rates(config, extent))
        self.pulls = growth.GradientStats.none(start)
        self.average = Average(start.device)
        self._exposures = exposures or Exposures(views, config)
        self._dropout = Dropout(config.dropout, self._chance)
        self._watching = [one for one in watching if isinstance(one, Stateful)]

    @property
    def gaussians(self) -> Gaussians:
        """The scene as it is now; others after `grow`."""
        return self.optimizer.gaussians

    def step(self, view: View, *, means_lr: float, sh_degree: int) -> tuple[Tensor, Render]:
        """One step towards the photo `view`. The loss, and the differentiated picture."""
        self.optimizer.rates["means"] = means_lr
        rendered = rasterize(
            self._dropout.of(self.gaussians),
            view.camera,
            sh_degree=sh_degree,
            background=_background(self._config, self._chance),
        )
        image = self._exposures.of(view, rendered.image)
        loss = photometric_loss(image, view.colours, self._config.ssim_weight)
        loss.backward()
        self.optimizer.step()
        self._exposures.step()
        return loss, rendered

    def grow(self) -> None:
        """Lets Gaussians come and go as `pulls` says, which begins anew."""
        change = growth.refine(self.gaussians, self.pulls, self._config, extent=self._extent)
        self.optimizer.change(change)
        self.pulls = growth.GradientStats.none(self.gaussians)

    def state(self) -> State:
        return {"parts": [part.state() for part in self._parts()]}

    def load(self, state: State) -> None:
        for part, part_state in zip(self._parts(), state["parts"], strict=True):
            part.load(part_state)

    def _parts(self) -> list[Stateful]:
        return [
            self.optimizer,
            self.pulls,
            self.average,
            self._exposures,
            self._dropout,
            Chance(self._chance),
            *self._watching,
        ]


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


class Dropout:
    """Leaves a random `share` of the Gaussians out of each step (DropGaussian, Park et al. 2025).

    No Gaussian may rely on another that happens to be in front of it or behind it in these photos.
    The others are so much more opaque that as much is covered in the mean.
    """

    def __init__(self, share: float, chance: torch.Generator) -> None:
        self._share, self._chance = share, chance
        self._changes = torch.empty(0, 0)  # [steps to come, N], of the logits
        self._used = 0

    def state(self) -> State:
        """For a checkpoint: who stays in each of the steps that are drawn already."""
        return {"stays": self._changes[self._used :] > _GONE}

    def load(self, state: State) -> None:
        """Goes on from what `state` gave. The generator has its own."""
        self._changes, self._used = self._of_logits(state["stays"].to(self._chance.device)), 0

    def of(self, gaussians: Gaussians) -> Gaussians:
        """`gaussians` for the next step."""
        if self._share == 0:
            return gaussians
        if self._used == len(self._changes) or self._changes.shape[1] != len(gaussians):
            self._changes, self._used = self._draw(gaussians), 0
        change = self._changes[self._used]
        self._used += 1
        return replace(gaussians, opacities=gaussians.opacities + change)

    def _draw(self, gaussians: Gaussians) -> Tensor:
        """What the next steps add to the logits, [_MASKS, N]."""
        size, device = (_MASKS, len(gaussians)), gaussians.device
        stays = torch.rand(size, generator=self._chance, device=device) >= self._share
        return self._of_logits(stays)

    def _of_logits(self, stays: Tensor) -> Tensor:
        return torch.where(stays, -math.log(1 - self._share), _GONE)


def _background(config: TrainConfig, chance: torch.Generator) -> Tensor | None:
    """A random colour: photos are opaque, and a scene only hides what it covers."""
    if not config.random_background:
        return None
    return torch.rand(3, generator=chance, device=chance.device)


class Average:
    """The mean of a scene's parameters over the last steps: each photo pulls it its own way, and
    the middle is nearer to what all want (Izmailov et al. 2018)."""

    def __init__(self, device: torch.device | str = "cpu") -> None:
        self._device = device
        self.mean: Gaussians | None = None
        self._count = 0

    def state(self) -> State:
        """For a checkpoint."""
        return {"mean": None if self.mean is None else self.mean.named(), "count": self._count}

    def load(self, state: State) -> None:
        """Goes on from what `state` gave."""
        mean, self._count = state["mean"], int(state["count"])
        self.mean = None if mean is None else Gaussians(**mean).to(self._device)

    @torch.no_grad()
    def add(self, gaussians: Gaussians) -> None:
        """One more sample; begins anew where Gaussians have come or gone."""
        self._count += 1
        if self.mean is None or len(self.mean) != len(gaussians):
            self.mean, self._count = gaussians.detach().clone(), 1
            return
        for name, mean in self.mean.named().items():
            mean.lerp_(getattr(gaussians, name), 1 / self._count)
