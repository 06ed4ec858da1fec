"""From photos with poses to a trained scene: loading, starting points, training.

The job, the folds of a cross-validation and the final refinement all go through here, so that what
is scored is made in the same way as what is delivered.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from recon.picture_size import fitted_size
from recon.reporting import Part, Progress, Report
from recon.splats.checkpoints import Checkpoints
from recon.splats.config import TrainConfig
from recon.splats.exposure import Exposures
from recon.splats.exposure_estimate import estimate_exposures
from recon.splats.gaussians import Gaussians
from recon.splats.losses import photometric
from recon.splats.scene import PosedPhoto, View, load_view, scene_extent
from recon.splats.start import Start, find_start, start_from, without
from recon.splats.starting_points import Points, SparsePoints, gaussians_from_points, sparse_points
from recon.splats.training import Observer, fit, observe_nothing

_MIN_CAP = 20_000  # Gaussians: small photos of a large place
_DENSE_SHARE = 0.1  # of the progress of training, for the dense start


@dataclass(frozen=True)
class TrainedScene:
    """A scene and what it grew from."""

    gaussians: Gaussians  # on the device trained on
    points: Points  # that it started from
    size: tuple[int, int]  # px, width and height of the largest photo as trained on
    exposures: dict[str, Tensor]  # each photo's map [3, 4] from the scene's colours to its own
    confirmed: dict[str, float]  # share of each photo's pixels whose depth other photos confirm
    left_out: tuple[str, ...] = ()  # photos that were not trained on: others contradict their poses


def fit_to_photos(config: TrainConfig, photos: Sequence[PosedPhoto]) -> TrainConfig:
    """`config` with the steps and the cap that suit these photos to train on.

    Each photo is worth so many steps: on fewer photos the scene fits them sooner and everything
    else no better. Each pixel is worth so many Gaussians. Both were measured on photos held out of
    train sets (docs/develop/engine.md). `config` gives the most of either.
    """
    cap = config.max_gaussians
    if config.gaussians_per_pixel:
        sizes = [
            fitted_size(photo.camera.width, photo.camera.height, config.max_image_size)
            for photo in photos
        ]
        pixels = sum(width * height for width, height in sizes)
        cap = min(cap, max(round(config.gaussians_per_pixel * pixels), _MIN_CAP))
    return replace(config, iterations=config.steps_for(len(photos)), max_gaussians=cap)


def train(
    photos: Sequence[PosedPhoto],
    images: Path,
    config: TrainConfig,
    *,
    device: torch.device,
    seed: int,
    report: Report,
    memory: Callable[[], str | None] = lambda: None,
    observe: Observer = observe_nothing,
    checkpoints: Checkpoints | None = None,
) -> TrainedScene:
    """A scene from `photos` alone, whose pictures are in the folder `images`.

    `config` is taken as it is: what suits the photos was `fit_to_photos` before.

    Progress runs from 0 to 1. `memory`, `observe` and `checkpoints` are those of `training.fit`.
    """
    checkpoints = checkpoints or Checkpoints(None)
    kernels_compiled = photometric.compile_kernels(device)
    views = _load(photos, images, config, report)
    sparse = sparse_points(photos)
    start = _start(photos, views, sparse, config, device, seed, report, checkpoints)
    if start.left_out:
        photos, views = without(start.left_out, photos, views)
        sparse = sparse_points(photos)
    points = start.points
    size = max(((v.camera.width, v.camera.height) for v in views), key=max)
    report.log(
        f"Training on {device.type}: {len(views)} photos of {size[0]}x{size[1]} px, "
        f"{len(points)} starting points, at most {config.max_gaussians} Gaussians."
    )
    dense = points.normals is not None
    kernels_compiled()
    first = gaussians_from_points(
        points.at_most(config.max_gaussians, seed),
        sh_degree=config.sh_degree,
        initial_opacity=config.dense.initial_opacity if dense else config.initial_opacity,
        initial_scale=config.initial_scale,
    )
    on_device = [view.to(device) for view in views]
    estimated = _estimated_exposures(sparse, photos, views, config)
    exposures = Exposures(on_device, config, estimated)
    gaussians = fit(
        first.to(device),
        on_device,
        config,
        extent=scene_extent([photo.camera for photo in photos]),
        seed=seed,
        exposures=exposures,
        report=Part(report, _DENSE_SHARE, 1.0),
        memory=memory,
        observe=observe,
        checkpoints=checkpoints,
    )
    return TrainedScene(gaussians, points, size, exposures.by_name, start.confirmed, start.left_out)


def _start(
    photos: Sequence[PosedPhoto],
    views: Sequence[View],
    sparse: SparsePoints,
    config: TrainConfig,
    device: torch.device,
    seed: int,
    report: Report,
    checkpoints: Checkpoints,
) -> Start:
    """That of the interrupted training, if there was one; else a new one, which is kept."""
    earlier = checkpoints.start()
    if earlier is not None:
        report.taken_over(_DENSE_SHARE)
        return start_from(earlier)
    start = find_start(
        photos,
        views,
        sparse,
        config,
        device=device,
        seed=seed,
        report=Part(report, 0.0, _DENSE_SHARE),
    )
    checkpoints.keep_start(start.state())
    return start


def _estimated_exposures(
    sparse: SparsePoints, photos: Sequence[PosedPhoto], views: Sequence[View], config: TrainConfig
) -> Tensor | None:
    """The maps [V, 3, 4] of `photos` before training; None where the config wants none."""
    if not config.exposure_estimate:
        return None
    sizes = np.array([[photo.camera.width, photo.camera.height] for photo in photos], float)
    return estimate_exposures(sparse, views, sizes)


def refine(
    gaussians: Gaussians,
    photos: Sequence[PosedPhoto],
    images: Path,
    config: TrainConfig,
    *,
    seed: int,
    report: Report,
    memory: Callable[[], str | None] = lambda: None,
    observe: Observer = observe_nothing,
    checkpoints: Checkpoints | None = None,
) -> Gaussians:
    """`gaussians`, trained on some of `photos`, trained on with all of them.

    A warm start: `config.final_refine` of the steps, at the rates that training ended with, on
    the device of `gaussians`.
    """
    views = _load(photos, images, config, report)
    on_device = [view.to(gaussians.device) for view in views]
    exposures = _estimated_exposures(sparse_points(photos), photos, views, config)
    return fit(
        gaussians,
        on_device,
        replace(config, iterations=max(round(config.final_refine * config.iterations), 1)),
        extent=scene_extent([photo.camera for photo in photos]),
        seed=seed,
        report=report,
        warm=True,
        exposures=Exposures(on_device, config, exposures),
        memory=memory,
        observe=observe,
        checkpoints=checkpoints,
    )


def _load(
    photos: Sequence[PosedPhoto], images: Path, config: TrainConfig, report: Progress
) -> list[View]:
    views = []
    for photo in photos:
        views.append(load_view(photo, images, config.max_image_size))
        report(0.0, "photo_loaded", name=photo.name)
    return views
