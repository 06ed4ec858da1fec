"""How fast training steps are on the CPU, and how that grows with cores, pixels and Gaussians.

    python benchmarks/rasterizer.py                # about a minute on an idle machine
    python benchmarks/rasterizer.py --seconds 10   # more patience on a busy one
    git worktree add /tmp/before COMMIT            # another version, side by side with this one:
    python benchmarks/rasterizer.py --before /tmp/before

A step is what training does: projection, spherical harmonics, drawing, the loss (L1 and SSIM),
everything backwards, Adam. The rows take turns, and so do the versions, each in its own process;
each row's fastest step counts, so that a busy moment of the machine affects no single row. Prints a
Markdown table.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

# a measuring process gets the folder of its version: --serve TREE
sys.path.insert(0, sys.argv[2] if "--serve" in sys.argv else str(Path(__file__).parents[1]))

import recon  # noqa: F401  before torch: says how OpenMP's threads are to wait

# isort: split
import numba
import torch

from recon.splats.config import TrainConfig
from recon.splats.gaussians import Camera, Gaussians
from recon.splats.learner import rates
from recon.splats.losses.photometric import photometric_loss
from recon.splats.optimizer import Adam
from recon.splats.rasterizers import rasterize

HERE = Path(__file__).resolve().parents[1]
SPACING = 0.6  # median standard deviation of a Gaussian, in mean distances between neighbours
SSIM_WEIGHT = 0.2

Times = dict[str, float]  # the fastest so far of each part, in seconds; "radius" is in px


@dataclass(frozen=True)
class Row:
    """One case."""

    gaussians: int
    width: int  # px
    height: int  # px
    sh_degree: int
    cores: int


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seconds", type=float, default=4.0, help="per row and version")
    parser.add_argument("--before", type=Path, help="folder of another version to compare with")
    options = parser.parse_args()
    rows = plan(numba.config.NUMBA_NUM_THREADS)
    trees = [HERE] if options.before is None else [options.before, HERE]
    workers = [start(tree) for tree in trees]
    best: list[list[Times]] = [[{} for _ in rows] for _ in trees]
    ends = None
    while ends is None or time.monotonic() < ends:
        for at in range(len(rows)):
            for worker, times in zip(workers, best, strict=True):
                times[at] = fastest(times[at], ask(worker, at))
        # the first round compiles
        ends = ends or time.monotonic() + options.seconds * len(rows) * len(trees)
    for worker in workers:
        worker.terminate()
    show(rows, best)


def plan(cores: int) -> list[Row]:
    """The base case first; then the quick preset's, fewer cores, other picture sizes and
    numbers."""
    rows = [Row(20_000, 384, 288, 3, cores)]
    rows += [Row(20_000, 384, 288, 1, cores)]
    rows += [Row(40_000, 400, 300, degree, cores) for degree in (0, 1)]
    rows += [Row(40_000, 400, 300, 1, n) for n in (1, 2, 4, 8, 16, 32) if n < cores]
    rows += [Row(20_000, 192, 144, 3, cores), Row(20_000, 768, 576, 3, cores)]
    return rows + [Row(n, 384, 288, 3, cores) for n in (5_000, 10_000, 40_000, 80_000)]


def start(tree: Path) -> subprocess.Popen[str]:
    command = [sys.executable, __file__, "--serve", str(tree.resolve())]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def ask(worker: subprocess.Popen[str], row: int) -> Times:
    assert worker.stdin is not None
    assert worker.stdout is not None
    worker.stdin.write(f"{row}\n")
    worker.stdin.flush()
    times: Times = json.loads(worker.stdout.readline())
    return times


def fastest(times: Times, more: Times) -> Times:
    return {part: min(times.get(part, value), value) for part, value in more.items()}


def serve() -> None:
    """Measures the rows whose numbers come in and answers each with a line of JSON."""
    rows = plan(numba.config.NUMBA_NUM_THREADS)
    steps: dict[int, Callable[[], Times]] = {}
    for line in sys.stdin:
        at = int(line)
        if at not in steps:
            steps[at] = prepare(rows[at])
            steps[at]()  # compiles, or loads from the cache
        print(json.dumps(steps[at]()), flush=True)


def prepare(row: Row) -> Callable[[], Times]:
    """A function that does three training steps and returns each part's fastest time."""
    start = surface(row.gaussians, row.sh_degree)
    optimizer = Adam(start, rates(TrainConfig(), extent=1.0))
    gaussians = optimizer.gaussians
    view = camera(row.width, row.height)
    truth = torch.rand(row.height, row.width, 3, generator=torch.Generator().manual_seed(1))

    def measure() -> Times:
        torch.set_num_threads(row.cores)
        numba.set_num_threads(row.cores)
        times: Times = {}
        for _ in range(3):
            start = time.perf_counter()
            rendered = rasterize(gaussians, view, sh_degree=row.sh_degree)
            drawn = time.perf_counter()
            image = rendered.image.detach().requires_grad_()
            photometric_loss(image, truth, SSIM_WEIGHT).backward()
            scored = time.perf_counter()
            rendered.image.backward(image.grad)
            back = time.perf_counter()
            optimizer.step()
            end = time.perf_counter()
            drawing = drawn - start + back - scored
            parts = {"drawing": drawing, "loss": scored - drawn, "step": end - start}
            times = fastest(times, parts)
        return times | {"radius": float(rendered.radii[rendered.radii > 0].float().median())}

    return measure


def surface(count: int, sh_degree: int) -> Gaussians:
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
        shN=0.05 * normal(count, (sh_degree + 1) ** 2 - 1, 3),
    )


def camera(width: int, height: int) -> Camera:
    K = torch.tensor([[width, 0.0, width / 2], [0.0, width, height / 2], [0.0, 0.0, 1.0]])
    return Camera(torch.eye(4), K, width, height)


def show(rows: list[Row], best: list[list[Times]]) -> None:
    """Prints the table: for one version, or for two with what the newer one gains."""
    titles = ["Gaussians", "picture", "SH", "cores", "median radius", "drawing", "loss", "step"]
    titles += ["steps/s"] + (["× faster"] if len(best) > 1 else [])
    print(f"{datetime.date.today()}, {machine()}, `python benchmarks/rasterizer.py`\n")
    print(f"| {' | '.join(titles)} |\n|{'---:|' * len(titles)}")
    for row, *versions in zip(rows, *best, strict=True):

        def both(part: str, versions: list[Times] = versions) -> str:
            return " → ".join(f"{1e3 * times[part]:.1f}" for times in versions) + " ms"

        cells = [f"{row.gaussians:,}", f"{row.width}×{row.height}", f"{row.sh_degree}"]
        cells += [f"{row.cores}", f"{versions[-1]['radius']:.0f} px"]
        cells += [both("drawing"), both("loss"), both("step")]
        cells += [" → ".join(f"{1 / times['step']:.1f}" for times in versions)]
        if len(versions) > 1:
            cells += [f"{versions[0]['step'] / versions[-1]['step']:.1f}"]
        print(f"| {' | '.join(cells)} |")
    print("\nDrawing is `rasterize` and its backward pass; a step adds loss and Adam.")


def machine() -> str:
    cpu = platform.processor() or platform.machine()
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            cpu = line.split(":")[1].strip()
    name = f"{cpu}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"
    return f"{name}, torch {torch.__version__}, numba {numba.__version__}"


if __name__ == "__main__":
    serve() if "--serve" in sys.argv else main()
