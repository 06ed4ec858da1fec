"""The reference that the engine is measured against: graphdeco's recipe on gsplat (GPU only).

    python benchmarks/reference.py JOB             # the stored result, or a new one
    python benchmarks/reference.py JOB --fresh     # a new one

JOB is a job's folder with work/{images,sparse,train.txt,test.txt}. The recipe and its loop are in
`benchmarks/parts/graphdeco.py`; photos, poses, split and scoring are the engine's. Prints one JSON
object, `null` if there is neither a GPU nor a stored result.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import recon  # noqa: F401  before torch: says how OpenMP's threads are to wait

# isort: split
import torch

from benchmarks.parts import references, scoring
from benchmarks.parts.graphdeco import Recipe, Training, initial, joint_points
from recon.pipeline.workspace import Workspace
from recon.splats.gaussians import Gaussians
from recon.splats.metrics import Lpips
from recon.splats.rasterizers import best_device
from recon.splats.scene import Model, load_view, read_model, scene_extent

#: A step at which it is also scored: where it is best on `fern`, before it overfits.
CHECKED_AT = 3000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("job", type=Path)
    parser.add_argument("--cache", type=Path, default=references.CACHE, help="kept results")
    parser.add_argument("--fresh", action="store_true", help="run it although a result is kept")
    parser.add_argument("--seed", type=int, default=42)
    parser.add_argument("--steps", type=int, default=Recipe().steps)
    parser.add_argument("--densify-until", type=int, default=Recipe().densify_until, metavar="STEP")
    options = parser.parse_args()
    recipe = Recipe(steps=options.steps, densify_until=options.densify_until)
    print(json.dumps(result(Workspace(options.job), recipe, options, best_device())))


def result(
    workspace: Workspace, recipe: Recipe, options: argparse.Namespace, device: torch.device
) -> references.Result | None:
    """The stored result of this device, or a fresh one; without a GPU the newest stored one or
    None."""
    cache = references.Cache(options.cache, workspace, {**asdict(recipe), "seed": options.seed})
    if device.type != "cuda":
        print("The reference needs a CUDA GPU; kept results are shown.", file=sys.stderr)
        return cache.read_any()
    earlier = cache.read(scoring.device_name(device))
    if earlier is not None and not options.fresh:
        return earlier
    fresh = cache.write(run(workspace, recipe, options.seed, device))
    if earlier is not None:
        fresh["before"] = earlier["raw"]["psnr"]
    return fresh


def run(workspace: Workspace, recipe: Recipe, seed: int, device: torch.device) -> dict[str, Any]:
    """Trains and scores the reference on the train photos of `workspace`; CUDA only."""
    import gsplat  # noqa: F401  before the clock starts

    began = time.monotonic()
    model = read_model(workspace.undistorted_sparse, workspace.train_txt, workspace.test_txt)
    views = [load_view(p, workspace.images, recipe.max_image_size).to(device) for p in model.train]
    start = initial(*joint_points(workspace.undistorted_sparse / "points3D.txt"), recipe)
    extent = scene_extent([photo.camera for photo in model.train])
    training = Training(start.to(device), views, extent, recipe, seed)
    torch.cuda.synchronize()
    seconds = {"prepare": time.monotonic() - began, "train": 0.0}
    curve = []
    for stop in sorted({min(CHECKED_AT, recipe.steps), recipe.steps}):
        began = time.monotonic()
        training.until(stop)
        torch.cuda.synchronize()
        seconds["train"] += time.monotonic() - began
        figures = score_scene(training.gaussians, model, workspace, None)
        curve.append({"step": stop, "seconds": seconds["train"], **figures})
    peaks = scoring.peak_memory(device)
    lpips, reason = scoring.lpips_or_reason(device, wanted=True)
    return {
        "device": scoring.device_name(device),
        "date": date.today().isoformat(),
        "steps": recipe.steps,
        "gaussians": len(training.gaussians),
        "opacity_resets": training.resets,
        "seconds": seconds,
        "peak_gb": peaks,
        "curve": curve,
        **score_scene(training.gaussians, model, workspace, lpips),
        "lpips_reason": reason,
    }


def score_scene(
    gaussians: Gaussians, model: Model, workspace: Workspace, lpips: Lpips | None
) -> scoring.Figures:
    return scoring.score(gaussians, model.test, workspace.images, scoring.COMPARED_AT, lpips)


if __name__ == "__main__":
    main()
