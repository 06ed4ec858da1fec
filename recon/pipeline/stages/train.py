"""GS_TRAIN: the train photos' Gaussians.

work/images, work/sparse/0, work/train.txt, work/test.txt ->
output/held_out/point_cloud/iteration_N/point_cloud.ply, output/input.ply, output/cameras.json,
output/cfg_args, work/training.json.
"""

from __future__ import annotations

import gc
from collections.abc import Sequence
from dataclasses import asdict, replace

import torch

from recon.picture_size import fitted_size
from recon.pipeline.camera_list import write_cameras
from recon.pipeline.checkpoint_folder import checkpoints_of
from recon.pipeline.config import PipelineConfig
from recon.pipeline.errors import PipelineError
from recon.pipeline.machine.gpu_memory import memory_of
from recon.pipeline.outcome import (
    PreparedPhotos,
    TrainingRecord,
    settings_that_decide,
    steps_trained,
)
from recon.pipeline.workspace import (
    Workspace,
    digest_files,
    replacing,
    replacing_folder,
    write_json,
)
from recon.reporting import Part, Report
from recon.splats import engine
from recon.splats.checkpoints import Checkpoints
from recon.splats.config import TrainConfig
from recon.splats.engine import TrainedScene
from recon.splats.formats import write_ply, write_points_ply
from recon.splats.live import live_snapshots
from recon.splats.rasterizers import best_device
from recon.splats.scene import Model, read_model

_REDUCED_RESOLUTION = 0.75  # after the GPU ran out of memory once
_REDUCED_CAP = 0.5


def settings(config: PipelineConfig) -> dict[str, object]:
    return {**settings_that_decide(config.train), "seed": config.seed}


def inputs(workspace: Workspace, config: PipelineConfig) -> dict[str, str]:
    return {
        "images": digest_files(workspace.root, [workspace.images]),
        "sparse": digest_files(workspace.root, [workspace.undistorted_sparse]),
        "split": digest_files(workspace.root, [workspace.train_txt, workspace.test_txt]),
    }


def outputs(workspace: Workspace, config: PipelineConfig) -> dict[str, str]:
    files = [
        workspace.held_out_iteration(steps_trained(workspace)) / "point_cloud.ply",
        workspace.input_ply,
        workspace.cameras_json,
        workspace.cfg_args,
        workspace.training_json,
    ]
    return {"model": digest_files(workspace.root, files)}


def run(workspace: Workspace, config: PipelineConfig, report: Report) -> dict[str, object]:
    model = read_model(workspace.undistorted_sparse, workspace.train_txt, workspace.test_txt)
    write_cameras(workspace, model)
    write_json(workspace.cfg_args, config.to_dict())
    device = best_device()
    # A second try after a full GPU counts on from where the first one was.
    result, used = _train_in_memory(workspace, config, model, device, Part(report, 0.0, 1.0))
    with replacing(workspace.input_ply) as temporary:
        write_points_ply(result.points, temporary)
    with replacing_folder(workspace.held_out) as folder:
        model_folder = folder / "point_cloud" / f"iteration_{used.iterations}"
        model_folder.mkdir(parents=True)
        count = write_ply(result.gaussians, model_folder / "point_cloud.ply")
    record = TrainingRecord(
        iterations=used.iterations,
        gaussian_count=count,
        training_size=result.size,
        max_image_size=used.max_image_size,
        max_gaussians=used.max_gaussians,
        settings=used,
        exposures={name: map_.tolist() for name, map_ in result.exposures.items()},
        confirmed={name: round(share, 4) for name, share in result.confirmed.items()},
        left_out=result.left_out,
    )
    record.write(workspace)
    if result.left_out:
        warn_of_unconfirmed(workspace, result.left_out, len(model.photos), report)
    facts = asdict(record) | {"training_size": list(record.training_size), "device": device.type}
    for only_in_the_file in ("settings", "exposures", "confirmed", "left_out"):
        del facts[only_in_the_file]
    return facts


def warn_of_unconfirmed(
    workspace: Workspace, left_out: Sequence[str], total: int, report: Report
) -> None:
    """Warns by the photos' names in upload/."""
    stored_names = PreparedPhotos.read(workspace).stored_names
    photos = [stored_names[name] for name in left_out]
    report.warn("photos_unconfirmed", count=len(photos), total=total, photos=photos)


def _train_in_memory(
    workspace: Workspace,
    config: PipelineConfig,
    model: Model,
    device: torch.device,
    report: Report,
) -> tuple[TrainedScene, TrainConfig]:
    """The trained scene and the settings used, smaller ones if the GPU ran out of memory.

    Where an interrupted run had come to the smaller ones, it goes on with these.
    """
    decided_by = {"training": "held out", **inputs(workspace, config), "seed": config.seed}

    def checkpoints(settings: TrainConfig) -> Checkpoints:
        return checkpoints_of(workspace, settings, decided_by, device=device, report=report)

    def attempt(settings: TrainConfig) -> TrainedScene:
        return engine.train(
            model.train,
            workspace.images,
            settings,
            device=device,
            seed=config.seed,
            report=report,
            memory=memory_of(device),
            observe=live_snapshots(
                workspace.snapshot,
                model,
                workspace.images,
                settings.max_image_size,
                log=report.log,
            ),
            checkpoints=checkpoints(settings),
        )

    decided = engine.fit_to_photos(config.train, model.train)
    used = with_less_memory(decided, model)
    if not checkpoints(used).exist():
        try:
            return attempt(decided), decided
        except torch.OutOfMemoryError:
            report.log("The GPU ran out of memory. Once more at three quarters of the resolution.")
        # Outside of the `except`, whose traceback keeps the first try's tensors alive.
        gc.collect()
        torch.cuda.empty_cache()
    try:
        result = attempt(used)
    except torch.OutOfMemoryError as error:
        raise PipelineError("gpu_out_of_memory") from error
    report.warn("reduced_after_out_of_memory", percent=round(100 * _REDUCED_RESOLUTION))
    return result, used


def with_less_memory(train: TrainConfig, model: Model) -> TrainConfig:
    """The same settings at three quarters of the resolution and half the cap."""
    sizes = [
        fitted_size(photo.camera.width, photo.camera.height, train.max_image_size)
        for photo in model.train
    ]
    longest = max(max(size) for size in sizes)
    return replace(
        train,
        max_image_size=round(longest * _REDUCED_RESOLUTION),
        max_gaussians=round(train.max_gaussians * _REDUCED_CAP),
    )
