"""What training starts from: dense points, or the SfM points where stereo finds too little."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from recon.reporting import Report
from recon.splats.checkpoints import State
from recon.splats.config import TrainConfig
from recon.splats.dense_init import dense_points
from recon.splats.scene import PosedPhoto, View
from recon.splats.starting_points import Points, SparsePoints, points_from, starting_points


@dataclass(frozen=True)
class Start:
    """What is made before the first step, and does not change any more."""

    points: Points
    #: Share of each photo's pixels whose depth others confirm; empty where none were looked for.
    confirmed: dict[str, float]

    def state(self) -> State:
        """For a checkpoint, which `start_from` reads."""
        return {"points": self.points.tensors(), "confirmed": self.confirmed}


def start_from(state: State) -> Start:
    """The start that gave `state`."""
    return Start(points_from(state["points"]), state["confirmed"])


def find_start(
    photos: Sequence[PosedPhoto],
    views: Sequence[View],
    sparse: SparsePoints,
    config: TrainConfig,
    *,
    device: torch.device,
    seed: int,
    report: Report,
) -> Start:
    """Dense points, or the SfM points where stereo finds too little."""
    points: Points | None = None
    confirmed: dict[str, float] = {}
    if config.dense.enabled:
        points, maps = dense_points(
            views,
            sparse,
            config.dense,
            budget=round(config.dense.share * config.max_gaussians),
            device=device,
            seed=seed,
            report=report,
        )
        known = {name: float((depth > 0).float().mean()) for name, depth in maps.items()}
        confirmed = {photo.name: known.get(photo.name, 0.0) for photo in photos}
        if points is None:
            report.log("Stereo found too little: training starts from the SfM points.")
    return Start(points or starting_points(sparse, photos, views, seed), confirmed)
