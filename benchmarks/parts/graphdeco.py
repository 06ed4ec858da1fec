"""graphdeco's 3DGS (Kerbl et al. 2023) on gsplat, as few-photo papers run it; CUDA only.

The hyper-parameters of its `arguments/__init__.py` and the loop of its `train.py`, for 10,000
steps, with gsplat's `rasterization` and `DefaultStrategy`. No code of the engine's recipe is here.

- It starts from the joint SfM points, which the held-out photos helped to place, like graphdeco.
- Growth goes on until step 15,000, graphdeco's own number, which a run of 10,000 never reaches.
  To halve it with the run would be a tuned recipe.
- The means' learning rate falls to its last value over the 10,000 steps.
- Opacities are never reset, although every 3,000 steps is configured: in gsplat 1.5.3 the condition
  is `step % self.reset_every == 0 & step > 0`, where `&` binds first and the comparisons chain, so
  that its last part is `0 > 0`. The resets that happen are counted in `Training.resets`.
"""

from __future__ import annotations

import math
import random
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from sklearn.neighbors import NearestNeighbors
from torch import Tensor

from recon.splats.gaussians import Gaussians
from recon.splats.scene import View

_SH_C0 = 0.28209479177387814


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """graphdeco's numbers."""

    steps: int = 10_000
    max_image_size: int = 1600  # px, longest side
    sh_degree: int = 3
    sh_degree_interval: int = 1000  # steps
    means_lr: float = 1.6e-4  # times the scene's extent
    means_lr_final: float = 1.6e-6  # times the scene's extent
    sh0_lr: float = 2.5e-3
    shN_lr: float = 2.5e-3 / 20
    opacities_lr: float = 0.05
    scales_lr: float = 0.005
    quats_lr: float = 0.001
    lambda_dssim: float = 0.2
    initial_opacity: float = 0.1
    densify_from: int = 500  # step
    densify_until: int = 15_000  # step
    densify_every: int = 100  # steps
    densify_grad: float = 2e-4
    percent_dense: float = 0.01  # of the extent; larger ones are split, smaller ones doubled
    reset_every: int = 3000  # steps
    prune_opacity: float = 0.005


class Training:
    """The loop of graphdeco's `train.py`, with gsplat in place of its rasteriser."""

    def __init__(
        self, start: Gaussians, views: list[View], extent: float, recipe: Recipe, seed: int
    ) -> None:
        from gsplat import DefaultStrategy

        torch.manual_seed(seed)  # for gsplat's splits
        self._order = random.Random(seed)  # noqa: S311 (no secret)
        self._views, self._extent, self._recipe = views, extent, recipe
        self._params = torch.nn.ParameterDict(start.named())
        rates = {**asdict(recipe), "means_lr": recipe.means_lr * extent}
        self._optimizers = {
            name: torch.optim.Adam([param], lr=rates[f"{name}_lr"], eps=1e-15)
            for name, param in self._params.items()
        }
        self._strategy = DefaultStrategy(
            prune_opa=recipe.prune_opacity,
            grow_grad2d=recipe.densify_grad,
            grow_scale3d=recipe.percent_dense,
            refine_start_iter=recipe.densify_from,
            refine_stop_iter=recipe.densify_until,
            refine_every=recipe.densify_every,
            reset_every=recipe.reset_every,
        )
        self._strategy.check_sanity(self._params, self._optimizers)
        self._state = self._strategy.initialize_state(scene_scale=extent)
        self._stack: list[View] = []
        self._step = 0
        self.resets = 0

    @property
    def gaussians(self) -> Gaussians:
        return Gaussians(**{name: param.detach() for name, param in self._params.items()})

    def until(self, stop: int) -> None:
        """Continues until `stop` steps are done."""
        while self._step < stop:
            self._one(self._step)
            self._step += 1

    def _one(self, step: int) -> None:
        recipe, params = self._recipe, self._params
        if not self._stack:
            self._stack = self._order.sample(self._views, len(self._views))
        view = self._stack.pop()
        rate = means_lr(recipe, step) * self._extent
        self._optimizers["means"].param_groups[0]["lr"] = rate

        image, info = self._draw(view, min(step // recipe.sh_degree_interval, recipe.sh_degree))
        self._strategy.step_pre_backward(params, self._optimizers, self._state, step, info)
        truth = view.colours
        loss = (1 - recipe.lambda_dssim) * (image - truth).abs().mean()
        loss = loss + recipe.lambda_dssim * (1 - ssim(image, truth))
        loss.backward()
        for optimizer in self._optimizers.values():
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        self._strategy.step_post_backward(params, self._optimizers, self._state, step, info)
        if step > 0 and step % recipe.reset_every == 0:
            # A reset leaves no opacity above twice the pruning threshold.
            largest = float(params["opacities"].detach().sigmoid().max())
            self.resets += largest < 2.1 * recipe.prune_opacity

    def _draw(self, view: View, sh_degree: int) -> tuple[Tensor, dict[str, Any]]:
        from gsplat import rasterization

        params = self._params
        images, _, info = rasterization(
            means=params["means"],
            quats=params["quats"],
            scales=params["scales"].exp(),
            opacities=params["opacities"].sigmoid(),
            colors=torch.cat([params["sh0"], params["shN"]], dim=1),
            viewmats=view.camera.viewmat[None],
            Ks=view.camera.K[None],
            width=view.camera.width,
            height=view.camera.height,
            sh_degree=sh_degree,
            packed=False,
        )
        return images[0], info


def means_lr(recipe: Recipe, step: int) -> float:
    """The means' learning rate per extent: log-linear from the first to the last value."""
    fraction = min(step / recipe.steps, 1.0)
    first, last = math.log(recipe.means_lr), math.log(recipe.means_lr_final)
    return math.exp(first + fraction * (last - first))


def ssim(image: Tensor, truth: Tensor) -> Tensor:
    """graphdeco's `utils/loss_utils.py`: an 11 x 11 window of sigma 1.5 px, zeros at the border."""
    offsets = torch.arange(11, device=image.device) - 5
    line = torch.exp(-(offsets**2) / (2 * 1.5**2))
    window = (line[:, None] * line / line.sum() ** 2).expand(3, 1, 11, 11).contiguous()

    def blurred(maps: Tensor) -> Tensor:
        return torch.nn.functional.conv2d(maps, window, padding=5, groups=3)

    x, y = image.permute(2, 0, 1)[None], truth.permute(2, 0, 1)[None]
    mean_x, mean_y = blurred(x), blurred(y)
    variance_x, variance_y = blurred(x * x) - mean_x**2, blurred(y * y) - mean_y**2
    covariance = blurred(x * y) - mean_x * mean_y
    c1, c2 = 0.01**2, 0.03**2
    above = (2 * mean_x * mean_y + c1) * (2 * covariance + c2)
    return (above / ((mean_x**2 + mean_y**2 + c1) * (variance_x + variance_y + c2))).mean()


def joint_points(path: Path) -> tuple[Tensor, Tensor]:
    """xyz [M, 3] in world units and rgb [M, 3] between 0 and 1 of every point of points3D.txt."""
    lines = path.read_text().splitlines()
    rows = [line.split()[1:7] for line in lines if line and not line.startswith("#")]
    table = torch.tensor([[float(value) for value in row] for row in rows])
    return table[:, :3], table[:, 3:] / 255


def initial(xyz: Tensor, rgb: Tensor, recipe: Recipe) -> Gaussians:
    """Round Gaussians as wide as the root mean square distance to the three nearest points."""
    distances, _ = NearestNeighbors(n_neighbors=4).fit(xyz.numpy()).kneighbors(xyz.numpy())
    squared = torch.from_numpy((distances[:, 1:] ** 2).mean(axis=1)).float().clamp(min=1e-7)
    count = len(xyz)
    return Gaussians(
        means=xyz,
        quats=torch.tensor([1.0, 0.0, 0.0, 0.0]).repeat(count, 1),
        scales=squared.sqrt().log()[:, None].repeat(1, 3),
        opacities=torch.full((count,), recipe.initial_opacity).logit(),
        sh0=((rgb - 0.5) / _SH_C0)[:, None],
        shN=torch.zeros(count, (recipe.sh_degree + 1) ** 2 - 1, 3),
    )
