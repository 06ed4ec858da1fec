"""The scene's parameters and the cameras that look at it.

Names and layouts are gsplat's. World units are the SfM model's; camera axes are OpenCV's and
COLMAP's: x right, y down, z forward. The centre of the top-left pixel is at (0.5, 0.5).
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Self

import torch
from torch import Tensor


@dataclass
class Gaussians:
    """N anisotropic Gaussians before activation, as they are optimised and stored.

    The activated values are `exp(scales)`, `sigmoid(opacities)` and `quats / |quats|`.
    """

    means: Tensor  # [N, 3] world units
    quats: Tensor  # [N, 4] (w, x, y, z), world-from-Gaussian, not normalised
    scales: Tensor  # [N, 3] natural log of the standard deviations in world units
    opacities: Tensor  # [N] logits
    sh0: Tensor  # [N, 1, 3] degree-0 spherical harmonics; RGB = 0.5 + 0.28209 * sh0
    shN: Tensor  # [N, (D + 1)^2 - 1, 3] higher degrees, gsplat's order

    def __len__(self) -> int:
        return self.means.shape[0]

    @property
    def sh_degree(self) -> int:
        """The largest SH degree that `shN` has room for."""
        return round((self.shN.shape[1] + 1) ** 0.5) - 1

    @property
    def device(self) -> torch.device:
        return self.means.device

    def named(self) -> dict[str, Tensor]:
        """The tensors by name, in field order."""
        return {f.name: getattr(self, f.name) for f in fields(self)}

    def to(self, device: torch.device | str) -> Self:
        return type(self)(**{name: t.to(device) for name, t in self.named().items()})

    def detach(self) -> Self:
        return type(self)(**{name: t.detach() for name, t in self.named().items()})

    def clone(self) -> Self:
        return type(self)(**{name: t.clone() for name, t in self.named().items()})

    def select(self, keep: Tensor) -> Self:
        """The Gaussians of the boolean mask or index tensor `keep` ([N] or [M])."""
        return type(self)(**{name: t[keep] for name, t in self.named().items()})


@dataclass(frozen=True)
class Camera:
    """A pinhole camera without distortion."""

    viewmat: Tensor  # [4, 4] float32, camera-from-world
    K: Tensor  # [3, 3] float32, pixels
    width: int  # px
    height: int  # px

    def to(self, device: torch.device | str) -> Camera:
        return Camera(self.viewmat.to(device), self.K.to(device), self.width, self.height)

    def resized(self, width: int, height: int) -> Camera:
        """The same camera with a picture of `width` x `height` px."""
        factors = torch.tensor(
            [[width / self.width], [height / self.height], [1.0]], device=self.K.device
        )
        return Camera(self.viewmat, self.K * factors, width, height)

    @property
    def position(self) -> Tensor:
        """The camera's centre in the world, [3]."""
        rotation, translation = self.viewmat[:3, :3], self.viewmat[:3, 3]
        return -rotation.T @ translation
