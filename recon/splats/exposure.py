"""Per-photo exposure: an affine change of colour between a render and its photo.

Phones expose each photo anew, so that no single scene can match all of them. As in Kerbl et al.'s
hierarchical 3DGS (2024) each train photo gets an affine map of its own, here held near
what `exposure_estimate` begins with. A photo that training never saw has none: for raw figures it
is predicted (`exposure_prediction`), for corrected ones fitted to one half of the photo and scored
on the other, so that no pixel is scored with what was fitted to it. The halves are the
black and white fields of a chessboard: left and right are often sky and wall, and what suits one
says nothing of the other (measured on sceaux: docs/develop/engine.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from recon.splats.checkpoints import State
from recon.splats.config import TrainConfig
from recon.splats.scene import View

_FIELDS = (6, 8)  # down and across: large enough that a field's border is a small part of it
_RIDGE = 1e-3  # pull of a held-out photo's fit to the identity, per pixel and squared unit
_BETAS = (0.9, 0.999)  # of Adam
_EPSILON = 1e-15
_GRADIENT_PIXELS = 20_000  # of a picture, that a map's gradient is taken from


def identities(count: int, device: torch.device) -> Tensor:
    """[count, 3, 4]: maps that change nothing."""
    return torch.eye(3, 4, device=device).repeat(count, 1, 1)


def expose(image: Tensor, exposure: Tensor) -> Tensor:
    """The colours of `image` [..., 3] after the affine map `exposure` [3, 4]."""
    return image @ exposure[:, :3].T + exposure[:, 3]


class Exposures:
    """Every train photo's map, learnt beside the scene; with a rate of 0 it stays as it starts.

    Adam (Kingma and Ba 2015) moves all maps once in every round of photos: they are twelve numbers
    each, and what a GPU's step must not wait for is Python. Photos can't tell a dark scene in
    bright exposures from a bright one in dark exposures, so the maps' mean is held where it starts.
    """

    def __init__(
        self, views: Sequence[View], config: TrainConfig, start: Tensor | None = None
    ) -> None:
        """`start` [V, 3, 4] are the views' maps as far as they are known; identities where not."""
        self._rate, self._weight = config.exposure_lr, config.exposure_weight
        is_used = self._rate > 0 or start is not None
        self._index = {view.name: index for index, view in enumerate(views) if is_used}
        device = views[0].image.device
        if start is None:
            start = identities(len(self._index), device)
        self.maps = start.to(device).clone()  # [V, 3, 4]
        self._start = start.to(device)
        self._grads = torch.zeros_like(self.maps)
        self._moments = torch.zeros_like(self.maps), torch.zeros_like(self.maps)
        self._shown = 0  # photos, over all rounds

    @property
    def by_name(self) -> dict[str, Tensor]:
        """Every photo's map [3, 4] as it is now, on the CPU; none where none are learnt."""
        return dict(zip(self._index, self.maps.cpu(), strict=True))

    def state(self) -> State:
        """For a checkpoint: the maps, their moments and how far the round of photos is."""
        changing = {"maps": self.maps, "grads": self._grads, "moments": self._moments}
        return {**changing, "shown": self._shown}

    def load(self, state: State) -> None:
        """Goes on from what `state` gave."""
        self.maps.copy_(state["maps"])
        self._grads.copy_(state["grads"])
        for moment, earlier in zip(self._moments, state["moments"], strict=True):
            moment.copy_(earlier)
        self._shown = int(state["shown"])

    def of(self, view: View, image: Tensor) -> Tensor:
        """`image` [H, W, 3] as `view` exposes it; the map's gradient is noted on the way back."""
        if not self._index:
            return image
        index = self._index[view.name]
        exposed: Tensor = _Expose.apply(image, self.maps[index], self._grads[index])
        return exposed

    @torch.no_grad()
    def step(self) -> None:
        """A photo was shown; when all were, the maps move."""
        self._shown += 1
        if self._rate == 0 or self._shown % len(self._index):
            return
        grads = self._grads + 2 * self._weight * (self.maps - self._start)
        self._grads.zero_()
        steps = self._shown // len(self._index)
        short, long = (1 - beta**steps for beta in _BETAS)
        first, second = self._moments
        first.lerp_(grads, 1 - _BETAS[0])
        second.mul_(_BETAS[1]).addcmul_(grads, grads, value=1 - _BETAS[1])
        change = first / ((second / long).sqrt() + _EPSILON)
        self.maps.sub_(change, alpha=self._rate / short)
        self.maps.add_(self._start.mean(0) - self.maps.mean(0))


class _Expose(torch.autograd.Function):
    """`expose`, whose map's gradient comes from some of the pixels and is added to `grad` [3, 4]:
    twelve numbers need no more, and a sum over all pixels costs as much as drawing them."""

    @staticmethod
    def forward(ctx: Any, image: Tensor, exposure: Tensor, grad: Tensor) -> Tensor:
        ctx.save_for_backward(image, exposure)
        ctx.grad = grad
        return torch.addmm(exposure[:, 3], image.reshape(-1, 3), exposure[:, :3].T).view_as(image)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None, None]:
        image, exposure = ctx.saved_tensors
        [outer] = grads
        stride = max(image.shape[0] * image.shape[1] // _GRADIENT_PIXELS, 1)
        some = outer.reshape(-1, 3)[::stride]  # [P, 3]
        ctx.grad[:, :3].addmm_(some.T, image.reshape(-1, 3)[::stride], alpha=stride)
        ctx.grad[:, 3].add_(some.sum(0), alpha=stride)
        return (outer.reshape(-1, 3) @ exposure[:, :3]).view_as(image), None, None


def fit_exposure(image: Tensor, truth: Tensor) -> Tensor:
    """The map [3, 4] that brings `image` [..., 3] nearest to `truth` in least squares."""
    source = image.reshape(-1, 3).double()
    source = torch.cat([source, torch.ones_like(source[:, :1])], dim=1)
    target = truth.reshape(-1, 3).double()
    pull = _RIDGE * len(source) * torch.eye(4, dtype=source.dtype, device=source.device)
    start = torch.eye(4, 3, dtype=source.dtype, device=source.device)
    solved = torch.linalg.solve(source.T @ source + pull, source.T @ target + pull @ start)
    return solved.T.float()


def expose_crosswise(image: Tensor, truth: Tensor) -> Tensor:
    """`image` [H, W, 3] with each half in the exposure that the other half of `truth` asks for."""
    corrected = torch.empty_like(image)
    white = _chessboard(image.shape[0], image.shape[1], image.device)
    for here in (white, ~white):
        exposure = fit_exposure(image[~here], truth[~here])
        corrected[here] = expose(image[here], exposure)
    return corrected.clamp(0, 1)


def _chessboard(height: int, width: int, device: torch.device) -> Tensor:
    """Half of a picture's pixels, [H, W] bool: every other of _FIELDS fields."""
    down, across = _FIELDS
    row = torch.arange(height, device=device) * down // height
    column = torch.arange(width, device=device) * across // width
    return (row[:, None] + column[None]) % 2 == 0
