"""Densification: Gaussians that the loss pulls at are cloned or split, faint ones are pruned.

Adaptive control of 3DGS (Kerbl et al. 2023) with a hard cap on the number of Gaussians and without
its opacity reset, which few-photo scenes do not recover from.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from recon.splats.checkpoints import State
from recon.splats.config import TrainConfig
from recon.splats.gaussians import Camera, Gaussians
from recon.splats.rasterizers import Rendered

SPLIT_FACTOR = 0.7  # a half's longest axis, times that of the Gaussian that was split


@dataclass
class Pulls:
    """How hard the loss has pulled at each Gaussian's picture since the last refinement."""

    grads: Tensor  # [N] sums of the 2D gradients' lengths, in half picture sides
    counts: Tensor  # [N] pictures that drew it

    @classmethod
    def none(cls, gaussians: Gaussians) -> Pulls:
        zeros = torch.zeros(len(gaussians), device=gaussians.device)
        return cls(zeros, zeros.clone())

    def state(self) -> State:
        """For a checkpoint."""
        return {"grads": self.grads, "counts": self.counts}

    def load(self, state: State) -> None:
        device = self.grads.device
        self.grads, self.counts = state["grads"].to(device), state["counts"].to(device)

    def observe(self, rendered: Rendered, camera: Camera) -> None:
        """Adds the gradients of one differentiated picture."""
        grads = rendered.means2d.grad
        assert grads is not None, "observe() comes after backward()"
        # of those that were not drawn it is zero
        self.grads += torch.hypot(
            grads[:, 0] * (camera.width / 2), grads[:, 1] * (camera.height / 2)
        )
        self.counts += rendered.radii > 0

    @property
    def means(self) -> Tensor:
        return self.grads / self.counts.clamp(min=1)


@dataclass(frozen=True)
class Change:
    """What a refinement does: the Gaussians that stay, and the new ones behind them."""

    survivors: Tensor  # [K] indices
    opacities: Tensor  # [K] logits, of these
    added: Gaussians  # [M]


def refine(
    gaussians: Gaussians,
    pulls: Pulls,
    config: TrainConfig,
    *,
    extent: float,
) -> Change:
    """Prunes, clones and splits. The result has at most `config.max_gaussians` Gaussians.

    When growth would pass the cap, those with the strongest pull take the room that there is.
    """
    gaussians = gaussians.detach()
    visible = gaussians.opacities.sigmoid() >= config.prune_opacity
    room = max(config.max_gaussians - int(visible.sum()), 0)
    strength = torch.where(visible, pulls.means, 0.0)
    grow = _strongest(strength, config.grow_grad2d, room)
    large = gaussians.scales.exp().amax(dim=1) > config.grow_scale3d * extent
    clone, split = grow & ~large, grow & large
    # Two in one place cover as much together as the one did, or what is behind them goes dark
    # (Bulo et al. 2024).
    shared = torch.where(clone, _half_as_opaque(gaussians.opacities), gaussians.opacities)
    gaussians = replace(gaussians, opacities=shared)
    added = _concatenate(gaussians.select(clone), _split_in_two(gaussians.select(split)))
    survivors = (visible & ~split).nonzero()[:, 0]
    return Change(survivors=survivors, opacities=shared[survivors], added=added)


def _half_as_opaque(logits: Tensor) -> Tensor:
    """The logits of 1 - sqrt(1 - opacity), two of which let through what one did before."""
    through = torch.sigmoid(-logits).sqrt()
    return (1 - through).clamp(1e-6, 1 - 1e-6).logit()


def _strongest(strength: Tensor, threshold: float, room: int) -> Tensor:
    """Mask [N] of the at most `room` strongest ones over the threshold; ties go to the first."""
    chosen = strength > threshold
    if int(chosen.sum()) <= room:
        return chosen
    first = torch.sort(strength, descending=True, stable=True).indices[:room]
    mask = torch.zeros_like(chosen)
    mask[first] = True
    return mask


def _split_in_two(gaussians: Gaussians) -> Gaussians:
    """Two from each, [2N], side by side along its longest axis, that together look as it did.

    They keep its mean, its variance and its sum of opacity. Halves drawn by chance, as 3DGS makes
    them, cost a scene up to 7 dB at once and hundreds of steps to recover (docs/develop/engine.md).
    """
    longest = torch.zeros_like(gaussians.scales)
    longest.scatter_(1, gaussians.scales.argmax(dim=1, keepdim=True), 1.0)
    apart = math.sqrt(1 - SPLIT_FACTOR**2)  # standard deviations; keeps the variance
    offsets = rotate(gaussians.quats, longest * gaussians.scales.exp() * apart)
    shared = gaussians.opacities.sigmoid() / (2 * SPLIT_FACTOR)
    twice = _concatenate(gaussians, gaussians)
    twice.means = twice.means + torch.cat([offsets, -offsets])
    twice.scales = twice.scales + math.log(SPLIT_FACTOR) * longest.repeat(2, 1)
    twice.opacities = shared.clamp(1e-6, 1 - 1e-6).logit().repeat(2)
    return twice


def rotate(quats: Tensor, vectors: Tensor) -> Tensor:
    """`vectors` [..., N, 3] turned by `quats` [N, 4] (w, x, y, z) of any length."""
    quats = torch.nn.functional.normalize(quats, dim=-1)
    w, axis = quats[:, :1], quats[:, 1:].expand_as(vectors)
    twice = 2 * torch.linalg.cross(axis, vectors)
    return vectors + w * twice + torch.linalg.cross(axis, twice)


def apply(gaussians: Gaussians, change: Change) -> Gaussians:
    """The Gaussians after `change`."""
    survivors = replace(gaussians.detach().select(change.survivors), opacities=change.opacities)
    return _concatenate(survivors, change.added)


def _concatenate(first: Gaussians, second: Gaussians) -> Gaussians:
    pairs = zip(first.named().items(), second.named().values(), strict=True)
    return Gaussians(**{name: torch.cat([a, b]) for (name, a), b in pairs})
