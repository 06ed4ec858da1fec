"""How fast training steps are on the CPU, and how that grows with cores, pixels and Gaussians.

    python benchmarks/rasterizer.py                # about a minute on an idle machine
    python benchmarks/rasterizer.py --seconds 10   # more patience on a busy one

A step is what training does: projection, spherical harmonics of degree 3, drawing, the loss
(L1 and SSIM), everything backwards, Adam. The rows take turns, and each one's fastest step counts,
so that a busy moment of the machine hits no row alone. Prints a Markdown table.
"""

from __future__ import annotations

import argparse
import datetime
import os
import platform
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import recon  # noqa: F401  before torch: says how OpenMP's threads are to wait

# isort: split
import numba
import torch

from recon.splats.config import TrainConfig
from recon.splats.gaussians import Camera, Gaussians
from recon.splats.losses import photometric_loss
from recon.splats.rasterizers import rasterize
from recon.splats.training import make_optimizer

SPACING = 0.6  # median standard deviation of a Gaussian, in mean distances between neighbours
SH_DEGREE = 3


@dataclass
class Row:
    """One measurement: the fastest of each part so far, in seconds."""

    gaussians: int
    width: int  # px
    height: int  # px
    cores: int
    drawing: float = field(default=float("inf"))  # rasterize() and its backward
    step: float = field(default=float("inf"))  # everything
    radius: float = 0.0  # px, median of those drawn


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seconds", type=float, default=4.0, help="of measurement per row")
    seconds = parser.parse_args().seconds
    rows = plan(numba.config.NUMBA_NUM_THREADS)
    steps = [prepare(row) for row in rows]
    ends = time.monotonic() + seconds * len(rows)
    while time.monotonic() < ends:
        for step in steps:
            step()
    show(rows)


def plan(cores: int) -> list[Row]:
    """The base case first; then fewer cores, other sizes of picture, other numbers."""
    rows = [Row(20_000, 384, 288, cores)]
    rows += [Row(20_000, 384, 288, n) for n in (1, 2, 4, 8, 16, 32) if n < cores]
    rows += [Row(20_000, 192, 144, cores), Row(20_000, 768, 576, cores)]
    return rows + [Row(n, 384, 288, cores) for n in (5_000, 10_000, 40_000, 80_000)]


def prepare(row: Row) -> Callable[[], None]:
    """A function that takes three training steps and notes the fastest in `row`."""
    config = TrainConfig()
    optimizer, gaussians = make_optimizer(surface(row.gaussians), config, extent=1.0)
    view = camera(row.width, row.height)
    truth = torch.rand(row.height, row.width, 3, generator=torch.Generator().manual_seed(1))

    def measure() -> None:
        torch.set_num_threads(row.cores)
        numba.set_num_threads(row.cores)
        for _ in range(3):
            start = time.perf_counter()
            rendered = rasterize(gaussians, view, sh_degree=SH_DEGREE)
            drawn = time.perf_counter()
            image = rendered.image.detach().requires_grad_()
            photometric_loss(image, truth, config.ssim_weight).backward()
            scored = time.perf_counter()
            rendered.image.backward(image.grad)
            back = time.perf_counter()
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            row.step = min(row.step, time.perf_counter() - start)
            row.drawing = min(row.drawing, drawn - start + back - scored)
        row.radius = float(rendered.radii[rendered.radii > 0].float().median())

    measure()  # compiles, or loads from the cache
    row.drawing = row.step = float("inf")
    return measure


def surface(count: int) -> Gaussians:
    """`count` Gaussians on a wavy surface that fills the view and a little more, as dense as a
    trained scene's: the more there are, the smaller they are."""
    generator = torch.Generator().manual_seed(0)

    def normal(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=generator)

    x, y = (torch.rand(2, count, generator=generator) - 0.5) * torch.tensor([[1.2], [0.9]])
    z = 1.5 + 0.5 * torch.sin(9.0 * x) * torch.cos(7.0 * y) + 0.3 * (y + 0.4)
    distance = (1.2 * 0.9 / count) ** 0.5 * z
    return Gaussians(
        means=torch.stack([x * z, y * z, z + 0.02 * normal(count)], dim=1),
        quats=normal(count, 4),
        scales=torch.log(SPACING * distance)[:, None] + 0.6 * normal(count, 3),
        opacities=1.5 * normal(count),
        sh0=normal(count, 1, 3),
        shN=0.05 * normal(count, (SH_DEGREE + 1) ** 2 - 1, 3),
    )


def camera(width: int, height: int) -> Camera:
    K = torch.tensor([[width, 0.0, width / 2], [0.0, width, height / 2], [0.0, 0.0, 1.0]])
    return Camera(torch.eye(4), K, width, height)


def show(rows: list[Row]) -> None:
    print(f"{datetime.date.today()}, {machine()}, `python benchmarks/rasterizer.py`\n")
    print("| Gaussians | picture | cores | median radius | drawing | step | steps/s | × base |")
    print("|---:|---:|---:|---:|---:|---:|---:|---:|")
    for row in rows:
        print(
            f"| {row.gaussians:,} | {row.width}×{row.height} | {row.cores} | {row.radius:.0f} px "
            f"| {1e3 * row.drawing:.1f} ms | {1e3 * row.step:.1f} ms | {1 / row.step:.1f} "
            f"| {row.step / rows[0].step:.2f} |"
        )
    print("\nDrawing is `rasterize` and its backward pass; a step adds loss and Adam.")


def machine() -> str:
    cpu = platform.processor() or platform.machine()
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            cpu = line.split(":")[1].strip()
    name = f"{cpu}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"
    return f"{name}, torch {torch.__version__}, numba {numba.__version__}"


if __name__ == "__main__":
    main()
