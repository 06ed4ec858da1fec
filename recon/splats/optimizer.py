"""Adam (Kingma and Ba 2015) over a scene's parameters, each with a learning rate of its own."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor
from torch.optim.adam import adam

from recon.splats import growth, gsplat_kernels
from recon.splats.checkpoints import State
from recon.splats.gaussians import Gaussians

_BETAS = (0.9, 0.999)
_EPSILON = 1e-15  # 3DGS's: gradients of a picture's mean are tiny


class Adam:
    """Adam that follows the scene when Gaussians come and go.

    Fused kernels: torch's on a CPU, by its functional interface (its class would import
    `torch._dynamo` at the first use, two to four seconds of every job), gsplat's on a GPU.
    """

    def __init__(self, gaussians: Gaussians, rates: Mapping[str, float]) -> None:
        """Starts from a copy of `gaussians`; `rates` has the learning rate of every parameter."""
        copies = {name: tensor.detach().clone() for name, tensor in gaussians.named().items()}
        self.rates = dict(rates)
        self.gaussians = _learnable(copies)
        #: Per parameter, the running means of the gradient and of its square.
        self.moments = {
            name: (torch.zeros_like(tensor), torch.zeros_like(tensor))
            for name, tensor in copies.items()
        }
        #: Steps so far. Tensors on the CPU, as torch's kernel wants them.
        self._steps: dict[str, Any] = dict.fromkeys(copies, 0)
        self._update = self._update_on_gpu
        if gaussians.device.type != "cuda":
            self._steps = {name: torch.zeros(()) for name in copies}
            self._update = self._update_on_cpu

    @torch.no_grad()
    def step(self) -> None:
        """One step along the gradients, which are cleared. Parameters without one stay."""
        for name, parameter in self.gaussians.named().items():
            if parameter.grad is None:
                continue
            if parameter.numel():
                self._update(parameter, parameter.grad, *self.moments[name], name)
            parameter.grad = None

    def _update_on_cpu(
        self, parameter: Tensor, grad: Tensor, first: Tensor, second: Tensor, name: str
    ) -> None:
        adam(
            [parameter],
            [grad],
            [first],
            [second],
            [],
            [self._steps[name]],
            fused=True,
            amsgrad=False,
            beta1=_BETAS[0],
            beta2=_BETAS[1],
            lr=self.rates[name],
            weight_decay=0.0,
            eps=_EPSILON,
            maximize=False,
        )

    def _update_on_gpu(
        self, parameter: Tensor, grad: Tensor, first: Tensor, second: Tensor, name: str
    ) -> None:
        """By gsplat's kernel: torch's gives a few hundred thousand numbers to a dozen of the GPU's
        processors. It leaves the correction of the young means to the rate."""
        self._steps[name] += 1
        short, long = (1 - beta ** self._steps[name] for beta in _BETAS)
        rate = self.rates[name] * math.sqrt(long) / short
        gsplat_kernels.adam()(
            parameter, grad.contiguous(), first, second, None, rate, *_BETAS, _EPSILON
        )

    def state(self) -> State:
        """For a checkpoint: the scene, its moments and the steps so far."""
        scene = self.gaussians.named()
        return {"gaussians": scene, "moments": self.moments, "steps": self._steps}

    def load(self, state: State) -> None:
        """Goes on from what `state` gave, on any device."""
        device = self.gaussians.device
        moments = state["moments"].items()
        self.gaussians = _learnable({n: t.to(device) for n, t in state["gaussians"].items()})
        self.moments = {n: (first.to(device), second.to(device)) for n, (first, second) in moments}
        self._steps = dict(state["steps"])

    def change(self, change: growth.Change) -> None:
        """Lets Gaussians go and come; those that stay keep their moments."""
        after = growth.apply(self.gaussians, change)
        for name, moments in self.moments.items():
            fresh = torch.zeros_like(getattr(change.added, name))
            first, second = (torch.cat([moment[change.survivors], fresh]) for moment in moments)
            self.moments[name] = first, second
        self.gaussians = _learnable(after.named())


def _learnable(tensors: Mapping[str, Tensor]) -> Gaussians:
    return Gaussians(**{name: tensor.requires_grad_() for name, tensor in tensors.items()})
