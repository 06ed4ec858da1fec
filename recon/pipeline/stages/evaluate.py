"""EVALUATION: how well the scene predicts the photos that training never saw.

output/held_out, work/images, work/test.txt -> output/results.json, output/test/ours_N/{renders,gt}
in graphdeco's layout, output/test/folds/{renders,gt} by the photos' names.
Scores the model with and without the outlier filter, and so decides which of them is the scene.
With few photos, and where asked for, every photo is then held out once (`cross_validation`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from recon.pipeline.config import PipelineConfig
from recon.pipeline.cross_validation import CrossValidation, applies
from recon.pipeline.errors import Cancelled
from recon.pipeline.progress import Part, Reporter
from recon.pipeline.scoring import Scored, Scorer, without_outliers
from recon.pipeline.texts import N_
from recon.pipeline.trained import settings_used, steps_trained
from recon.pipeline.workspace import Workspace, digest_files, replacing_folder, write_json
from recon.splats.evaluation import CORRECTED, METRICS
from recon.splats.formats import read_ply
from recon.splats.gaussians import Gaussians
from recon.splats.metrics import Lpips, LpipsUnavailable, load_lpips
from recon.splats.rasterizers import best_device
from recon.splats.scene import Model, read_model

_HELD_OUT = 0.1  # of the step, where folds follow


def settings(config: PipelineConfig) -> dict[str, Any]:
    return {
        **asdict(config.evaluate),
        "filter": config.export.filter_arguments(),
        # Only folds are trained here.
        "cross_validate": {"seed": config.seed} if config.may_cross_validate else False,
    }


def inputs(workspace: Workspace, config: PipelineConfig) -> dict[str, str]:
    model = workspace.held_out_iteration(steps_trained(workspace)) / "point_cloud.ply"
    scene = [workspace.images, workspace.undistorted_sparse, workspace.train_txt]
    split = [workspace.test_txt, workspace.together_json]
    return {
        "model": digest_files(workspace.root, [model, workspace.training_json]),
        "scene": digest_files(workspace.root, [*scene, *split]),
    }


def outputs(workspace: Workspace, config: PipelineConfig) -> dict[str, str]:
    files = [workspace.results_json, _pictures(workspace), workspace.fold_pictures]
    return {"results": digest_files(workspace.root, files)}


def run(workspace: Workspace, config: PipelineConfig, report: Reporter) -> dict[str, Any]:
    """Never fails the job for want of a score: the scene is there, and the reason is told."""
    try:
        results = _measure(workspace, config, report)
    except Cancelled:
        raise
    except Exception as error:
        results = _nothing(f"{type(error).__name__}: {error}", config)
        report.log(f"Evaluation failed: {results['reason']}")
        report.warn("metrics_absent", reason=results["reason"])
    write_json(workspace.results_json, results)
    told = (*METRICS, *CORRECTED, "protocol", "spread", "lpips_reason", "scene", "reason")
    return {name: results.get(name) for name in told}


def _nothing(reason: str, config: PipelineConfig) -> dict[str, Any]:
    """The results where nothing could be measured. The filter is not used on trust."""
    absent = dict.fromkeys(METRICS + CORRECTED)
    scene = "filtered" if config.evaluate.outlier_filter == "always" else "unfiltered"
    return {**absent, "reason": reason, "lpips_reason": reason, "scene": scene}


def _measure(workspace: Workspace, config: PipelineConfig, report: Reporter) -> dict[str, Any]:
    model = read_model(workspace.undistorted_sparse, workspace.train_txt, workspace.test_txt)
    if not model.test:
        raise ValueError("no photo was held out")
    folds = applies(config, len(model.photos), report.log)
    part = Part(report, 0.0, _HELD_OUT if folds else 1.0)
    lpips, lpips_reason = _lpips(config, best_device(), lambda: part.progress(0.0))
    trained_size = settings_used(workspace, config.train).max_image_size
    scorer = Scorer(workspace.images, trained_size, lpips)
    scored, results = _held_out(workspace, config, model, scorer, part)
    results |= {
        "lpips_reason": lpips_reason,
        "max_image_size": trained_size,  # px; None is the photos' own
        "split": {
            "train": [photo.name for photo in model.train],
            "test": [photo.name for photo in model.test],
        },
    }
    if folds:
        results |= CrossValidation(
            workspace=workspace,
            config=config,
            model=model,
            scorer=scorer,
            filtered=results["scene"] == "filtered",
            decided_by={**inputs(workspace, config), **settings(config)},
        ).results(scored, Part(report, _HELD_OUT, 1.0))
    return results


def _held_out(
    workspace: Workspace, config: PipelineConfig, model: Model, scorer: Scorer, report: Reporter
) -> tuple[Scored, dict[str, Any]]:
    """The figures of the scene that is chosen, and the results that speak of the job's split."""
    tick = _Ticker(report, expected=5 * len(model.test) + 1)
    models = _models(workspace, config, tick)
    scored = {which: scorer.scored(one, model.test, tick.done) for which, one in models.items()}
    psnrs = {which: one.at_training.means["psnr"] or 0.0 for which, one in scored.items()}
    loss = psnrs["unfiltered"] - psnrs["filtered"]
    chosen = _chosen(config, loss)
    numbered = {f"{index:05d}": photo for index, photo in enumerate(model.test)}
    with replacing_folder(_pictures(workspace)) as folder:
        scorer.save_pictures(models[chosen], numbered, folder, tick.done)
    report.log(
        f"Held out: {psnrs[chosen]:.2f} dB. The outlier filter leaves {len(models['filtered'])} "
        f"of {len(models['unfiltered'])} Gaussians and costs {loss:.2f} dB: scene {chosen}."
    )
    return scored[chosen], {
        f"ours_{steps_trained(workspace)}": scored[chosen].to_dict(),
        **{which: one.to_dict() for which, one in scored.items()},
        **scored[chosen].at_training.means,
        "protocol": "held-out",
        "scene": chosen,
        "filter_loss_db": loss,
        "gaussian_counts": {which: len(gaussians) for which, gaussians in models.items()},
    }


def _chosen(config: PipelineConfig, loss: float) -> str:
    """Which of the two is the scene, where the outlier filter costs `loss` dB."""
    if config.evaluate.outlier_filter != "auto":
        return "filtered" if config.evaluate.outlier_filter == "always" else "unfiltered"
    return "filtered" if loss <= config.evaluate.max_filter_loss_db else "unfiltered"


def _models(workspace: Workspace, config: PipelineConfig, tick: _Ticker) -> dict[str, Gaussians]:
    """The trained model, and what the outlier filter leaves of it."""
    tick("looking for stray spots")
    folder = workspace.held_out_iteration(steps_trained(workspace))
    trained = read_ply(folder / "point_cloud.ply")
    filtered = without_outliers(trained, config.export, tick)
    tick.done()
    device = best_device()
    return {"unfiltered": trained.to(device), "filtered": filtered.to(device)}


def _lpips(
    config: PipelineConfig, device: torch.device, tick: Callable[[], None]
) -> tuple[Lpips | None, str | None]:
    """LPIPS, or why there is none."""
    if not config.evaluate.lpips:
        return None, N_("LPIPS is switched off in the settings.")
    try:
        return load_lpips(device, tick=tick), None
    except LpipsUnavailable as reason:
        return None, f"LPIPS was not measured: {reason}."


def _pictures(workspace: Workspace) -> Path:
    return workspace.output / "test" / f"ours_{steps_trained(workspace)}"


class _Ticker:
    """Reports progress in equal parts; called without one being done, it only shows life."""

    def __init__(self, report: Reporter, expected: int) -> None:
        self._report, self._expected, self._finished = report, expected, 0

    def __call__(self, message: str = "comparing with the held-out photos") -> None:
        self._report.progress(self._finished / self._expected, message)

    def done(self) -> None:
        self._finished += 1
        self()
