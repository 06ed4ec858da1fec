"""Compiles the CPU rasteriser's kernels, which numba keeps on disk, by training a tiny scene.

Otherwise every process that meets them first compiles them for itself: 20 seconds each.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import recon  # noqa: F401  before torch: says where compiled kernels are kept

# isort: split
import torch

from recon.pipeline.progress import ListReporter
from recon.splats.config import TrainConfig
from recon.splats.gaussians import Camera, Gaussians
from recon.splats.rasterizers import rasterize
from recon.splats.scene import View
from recon.splats.training import fit

SIZE = 32  # px


def main() -> None:
    camera = Camera(torch.eye(4), torch.tensor([[30.0, 0, 16], [0, 30, 16], [0, 0, 1]]), SIZE, SIZE)
    view = View("grey.jpg", camera, torch.full((SIZE, SIZE, 3), 128, dtype=torch.uint8))
    count = 8
    scene = Gaussians(
        means=torch.tensor([[0.0, 0.0, 2.0]]).repeat(count, 1) + 0.1 * torch.rand(count, 3),
        quats=torch.tensor([[1.0, 0.0, 0.0, 0.0]]).repeat(count, 1),
        scales=torch.full((count, 3), -3.0),
        opacities=torch.zeros(count),
        sh0=torch.zeros(count, 1, 3),
        shN=torch.zeros(count, 3, 3),
    )
    config = TrainConfig(iterations=2, sh_degree=1)
    learnt = fit(scene, [view], config, extent=1.0, seed=0, report=ListReporter())
    rasterize(learnt, camera, with_depth=True)


if __name__ == "__main__":
    main()
