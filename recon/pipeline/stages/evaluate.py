"""EVALUATION: how well the scene predicts the photos that training never saw.

output/held_out, work/images, work/test.txt -> output/results.json, output/test/ours_N/{renders,gt}
in graphdeco's layout, output/test/folds/{renders,gt} by the photos' names.
Scores the model with and without the outlier filter, and so decides which of them is the scene.
With few photos, and where asked for, every photo is then held out once (`cross_validation`).
"""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path

import torch

from recon.pipeline.after_training.cross_validation import CrossValidation, applies
from recon.pipeline.after_training.evidence import gather_evidence
from recon.pipeline.after_training.optional_work import attempt
from recon.pipeline.after_training.scoring import Scorer, predicted_exposures, without_outliers
from recon.pipeline.config import PipelineConfig
from recon.pipeline.outcome import photos_left_out, settings_used, steps_trained
from recon.pipeline.quality import Evidence
from recon.pipeline.results import FILTERED, UNFILTERED, Measured, Results, Which
from recon.pipeline.words.reasons import Reason
from recon.pipeline.workspace import Workspace, digest_files, replacing_folder
from recon.reporting import Part, Progress, Report, part, within
from recon.splats.formats import read_ply
from recon.splats.gaussians import Gaussians
from recon.splats.metrics import Lpips, LpipsUnavailable, load_lpips
from recon.splats.rasterizers import best_device
from recon.splats.scene import Model, read_model

_HELD_OUT = 0.1  # of the step, where folds follow


def settings(config: PipelineConfig) -> dict[str, object]:
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
    known = [workspace.photos_json]  # what the metadata say of exposures
    return {
        "model": digest_files(workspace.root, [model, workspace.training_json]),
        "scene": digest_files(workspace.root, [*scene, *split, *known]),
    }


def outputs(workspace: Workspace, config: PipelineConfig) -> dict[str, str]:
    files = [workspace.results_json, _pictures(workspace), workspace.fold_pictures]
    return {"results": digest_files(workspace.root, files)}


def run(workspace: Workspace, config: PipelineConfig, report: Report) -> dict[str, object]:
    """Never fails the job for lack of a score: the scene is there, and a warning gives the
    reason."""
    found = attempt(lambda: _measure(workspace, config, report), report, "metrics_absent")
    results = _without_figures(found, config) if isinstance(found, Reason) else found
    results.write(workspace)
    told = ("protocol", "spread", "lpips_reason", "scene", "reason")
    content = results.to_dict()
    gathered = attempt(lambda: gather_evidence(workspace, results), report, "metrics_absent")
    evidence = Evidence() if isinstance(gathered, Reason) else gathered
    return {
        **results.means,
        **{name: content.get(name) for name in told},
        "small_psnr": evidence.psnr,
        "small_ssim": evidence.ssim,
        "held_out": evidence.held_out,
        "confirmed": evidence.confirmed,
    }


def _without_figures(reason: Reason, config: PipelineConfig) -> Results:
    """The results where nothing could be measured. The filter is not used on trust."""
    always = config.evaluate.outlier_filter == "always"
    return Results(scene=FILTERED if always else UNFILTERED, reason=reason, lpips_reason=reason)


def _measure(workspace: Workspace, config: PipelineConfig, report: Report) -> Results:
    model = read_model(workspace.undistorted_sparse, workspace.train_txt, workspace.test_txt)
    if not model.test:
        reason = Reason("nothing_held_out")
        report.warn("metrics_absent", reason=reason.to_dict())
        return _without_figures(reason, config)
    folds = applies(config, len(model.photos), report.log)
    own_split = Part(report, 0.0, _HELD_OUT if folds else 1.0)
    lpips, lpips_reason = _lpips(config, best_device(), own_split)
    trained_size = settings_used(workspace, config.train).max_image_size
    scorer = Scorer(workspace.images, trained_size, lpips)
    scene, measured = _held_out(workspace, config, model, scorer, own_split)
    if folds:
        validation = CrossValidation(
            workspace=workspace,
            config=config,
            model=model,
            scorer=scorer,
            filtered=scene == FILTERED,
            decided_by={**inputs(workspace, config), **settings(config)},
        )
        tried = validation.run(measured.scored[scene], Part(report, _HELD_OUT, 1.0))
        measured = replace(measured, folds=tried)
    return Results(scene=scene, measured=measured, lpips_reason=lpips_reason)


def _held_out(
    workspace: Workspace, config: PipelineConfig, model: Model, scorer: Scorer, report: Report
) -> tuple[Which, Measured]:
    """Which scene is chosen, and the figures of the job's split."""
    share = 1 / (5 * len(model.test) + 1)  # of the time, for the filter: as much as one picture
    models = _models(workspace, config, part(report, 0.0, share))
    exposures = predicted_exposures(workspace, model)
    comparison = within(part(report, share, 1.0), "comparing_held_out")
    scored = {
        which: scorer.score(
            models[which], model.test, part(comparison, start, start + 0.4), exposures
        )
        for which, start in ((UNFILTERED, 0.0), (FILTERED, 0.4))
    }
    psnrs = {which: one.at_training.means["psnr"] or 0.0 for which, one in scored.items()}
    loss = psnrs[UNFILTERED] - psnrs[FILTERED]
    chosen = _chosen(config, loss)
    numbered = {f"{index:05d}": photo for index, photo in enumerate(model.test)}
    with replacing_folder(_pictures(workspace)) as folder:
        scorer.save_pictures(
            models[chosen], numbered, folder, part(comparison, 0.8, 1.0), exposures
        )
    report.log(
        f"Held out: {psnrs[chosen]:.2f} dB. The outlier filter leaves {len(models[FILTERED])} "
        f"of {len(models[UNFILTERED])} Gaussians and costs {loss:.2f} dB: scene {chosen}."
    )
    left_out = photos_left_out(workspace)
    return chosen, Measured(
        iterations=steps_trained(workspace),
        scored=scored,
        filter_loss_db=loss,
        gaussian_counts={which: len(gaussians) for which, gaussians in models.items()},
        max_image_size=scorer.trained_size,
        photo_size=max(max(p.camera.width, p.camera.height) for p in model.photos),
        train=tuple(photo.name for photo in model.train if photo.name not in left_out),
        left_out=tuple(sorted(left_out)),
        test=tuple(photo.name for photo in model.test),
    )


def _chosen(config: PipelineConfig, loss: float) -> Which:
    """Which of the two is the scene, where the outlier filter costs `loss` dB."""
    if config.evaluate.outlier_filter != "auto":
        return FILTERED if config.evaluate.outlier_filter == "always" else UNFILTERED
    return FILTERED if loss <= config.evaluate.max_filter_loss_db else UNFILTERED


def _models(
    workspace: Workspace, config: PipelineConfig, report: Progress
) -> dict[Which, Gaussians]:
    """The trained model, and what the outlier filter leaves of it."""
    search = within(report, "looking_for_stray_spots")
    search(0.0)
    folder = workspace.held_out_iteration(steps_trained(workspace))
    unfiltered = read_ply(folder / "point_cloud.ply")
    filtered = without_outliers(unfiltered, config.export, search)
    device = best_device()
    return {UNFILTERED: unfiltered.to(device), FILTERED: filtered.to(device)}


def _lpips(
    config: PipelineConfig, device: torch.device, report: Progress
) -> tuple[Lpips | None, Reason | None]:
    """LPIPS, or why there is none."""
    if not config.evaluate.lpips:
        return None, Reason("lpips_off")
    try:
        return load_lpips(device, report=report), None
    except LpipsUnavailable as error:
        return None, Reason(error.code, str(error))


def _pictures(workspace: Workspace) -> Path:
    return workspace.split_pictures(steps_trained(workspace))
