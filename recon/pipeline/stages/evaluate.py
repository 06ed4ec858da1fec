"""EVALUATION: how well the scene predicts the photos that training never saw.

work/images, work/test.txt, the trained PLY -> output/results.json, output/test/ours_N/{renders,gt}.
Scores the model with and without the outlier filter, and so decides which of them is the scene.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from PIL import Image

from recon.pipeline.config import PipelineConfig
from recon.pipeline.errors import Cancelled
from recon.pipeline.progress import Reporter
from recon.pipeline.trained import settings_used, steps_trained
from recon.pipeline.workspace import Workspace, digest_files, replacing_folder, write_json
from recon.splats.evaluation import METRICS, Scores, draw, score, to_bytes
from recon.splats.formats import read_ply
from recon.splats.gaussians import Gaussians
from recon.splats.metrics import Lpips, LpipsUnavailable, load_lpips
from recon.splats.outliers import keep_mask
from recon.splats.rasterizers import best_device
from recon.splats.scene import Model, View, load_view, read_model


def settings(config: PipelineConfig) -> dict[str, Any]:
    return {**asdict(config.evaluate), "filter": config.export.filter_arguments()}


def inputs(workspace: Workspace, config: PipelineConfig) -> dict[str, str]:
    model = workspace.held_out_iteration(steps_trained(workspace)) / "point_cloud.ply"
    scene = [workspace.images, workspace.undistorted_sparse, workspace.train_txt]
    return {
        "model": digest_files(workspace.root, [model, workspace.training_json]),
        "scene": digest_files(workspace.root, [*scene, workspace.test_txt]),
    }


def outputs(workspace: Workspace, config: PipelineConfig) -> dict[str, str]:
    files = [workspace.results_json, _pictures(workspace)]
    return {"results": digest_files(workspace.root, files)}


def run(workspace: Workspace, config: PipelineConfig, report: Reporter) -> dict[str, Any]:
    """Never fails the job for want of a score: the scene is there, and the reason is told."""
    try:
        results = _measure(workspace, config, report)
    except Cancelled:
        raise
    except Exception as error:
        results = _nothing(f"{type(error).__name__}: {error}")
        report.log(f"Evaluation failed: {results['reason']}")
        report.warn("metrics_absent", reason=results["reason"])
    write_json(workspace.results_json, results)
    return {name: results.get(name) for name in (*METRICS, "lpips_reason", "scene", "reason")}


def _nothing(reason: str) -> dict[str, Any]:
    """The results where nothing could be measured. The filter is not used on trust."""
    absent = dict.fromkeys(METRICS)
    return {**absent, "reason": reason, "lpips_reason": reason, "scene": "unfiltered"}


def _measure(workspace: Workspace, config: PipelineConfig, report: Reporter) -> dict[str, Any]:
    device = best_device()
    model = read_model(workspace.undistorted_sparse, workspace.train_txt, workspace.test_txt)
    if not model.test:
        raise ValueError("no photo was held out")
    tick = _Ticker(report, expected=4 * len(model.test) + 1)
    models = _models(workspace, config, device, tick)
    lpips, lpips_reason = _lpips(config, device, tick)
    trained_size = settings_used(workspace, config.train).max_image_size

    def scores(max_image_size: int | None) -> dict[str, Scores]:
        return {
            which: score(gaussians, _views(workspace, model, max_image_size), lpips, tick.done)
            for which, gaussians in models.items()
        }

    at_training, at_photo = scores(trained_size), scores(None)
    psnrs = {which: at_training[which].means["psnr"] or 0.0 for which in models}
    loss = psnrs["unfiltered"] - psnrs["filtered"]
    chosen = "filtered" if loss <= config.evaluate.max_filter_loss_db else "unfiltered"
    with replacing_folder(_pictures(workspace)) as folder:
        _save_pictures(models[chosen], _views(workspace, model, trained_size), folder, tick)
    report.log(
        f"Held out: {psnrs[chosen]:.2f} dB. The outlier filter leaves {len(models['filtered'])} "
        f"of {len(models['unfiltered'])} Gaussians and costs {loss:.2f} dB: scene {chosen}."
    )
    both = {
        which: {**at_training[which].graphdeco(), "at_photo_size": at_photo[which].graphdeco()}
        for which in models
    }
    return {
        f"ours_{steps_trained(workspace)}": both[chosen],
        **both,
        **at_training[chosen].means,
        "lpips_reason": lpips_reason,
        "scene": chosen,
        "filter_loss_db": loss,
        "gaussian_counts": {which: len(gaussians) for which, gaussians in models.items()},
        "protocol": "held-out",
        "max_image_size": trained_size,  # px; None is the photos' own
        "split": {
            "train": [photo.name for photo in model.train],
            "test": [photo.name for photo in model.test],
        },
    }


def _models(
    workspace: Workspace, config: PipelineConfig, device: torch.device, tick: _Ticker
) -> dict[str, Gaussians]:
    """The trained model, and what the outlier filter leaves of it."""
    tick("looking for outliers")
    folder = workspace.held_out_iteration(steps_trained(workspace))
    trained = read_ply(folder / "point_cloud.ply")
    means, scales = trained.means.numpy(), trained.scales.exp().numpy()
    keep = keep_mask(means, scales, **config.export.filter_arguments(), tick=tick)
    tick.done()
    filtered = trained.select(torch.from_numpy(keep))
    return {"unfiltered": trained.to(device), "filtered": filtered.to(device)}


def _lpips(
    config: PipelineConfig, device: torch.device, tick: Callable[[], None]
) -> tuple[Lpips | None, str | None]:
    """LPIPS, or why there is none."""
    if not config.evaluate.lpips:
        return None, "LPIPS is switched off in the settings."
    try:
        return load_lpips(device, tick=tick), None
    except LpipsUnavailable as reason:
        return None, f"LPIPS was not measured: {reason}."


def _views(workspace: Workspace, model: Model, max_image_size: int | None) -> Iterator[View]:
    """The held-out photos, one in memory at a time."""
    return (load_view(photo, workspace.images, max_image_size) for photo in model.test)


def _pictures(workspace: Workspace) -> Path:
    return workspace.output / "test" / f"ours_{steps_trained(workspace)}"


def _save_pictures(
    gaussians: Gaussians, views: Iterator[View], folder: Path, tick: Callable[[], None]
) -> None:
    """Each held-out photo beside its render, at the size trained at, in graphdeco's layout."""
    for name in ("renders", "gt"):
        (folder / name).mkdir()
    for index, view in enumerate(views):
        render = to_bytes(draw(gaussians, view.camera))
        Image.fromarray(render).save(folder / "renders" / f"{index:05d}.png")
        Image.fromarray(view.image.numpy()).save(folder / "gt" / f"{index:05d}.png")
        tick()


class _Ticker:
    """Reports progress in equal parts; called without one being done, it only shows life."""

    def __init__(self, report: Reporter, expected: int) -> None:
        self._report, self._expected, self._finished = report, expected, 0

    def __call__(self, message: str = "comparing with the held-out photos") -> None:
        self._report.progress(self._finished / self._expected, message)

    def done(self) -> None:
        self._finished += 1
        self()
