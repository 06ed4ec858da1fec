"""What training starts from: which photos, and dense points, or the SfM points where stereo finds
too little.

Among few photos, one in the wrong place spoils a scene: every step towards it teaches what no other
photo shows. It gives itself away, since what stereo sees in it no neighbour has in the same place.
Such photos are left out (`unconfirmed_photos`), and the start is made once more without them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

import torch

from recon.reporting import Part, Report
from recon.splats.checkpoints import State
from recon.splats.config import TrainConfig
from recon.splats.dense_init import dense_points
from recon.splats.scene import PosedPhoto, View
from recon.splats.starting_points import (
    Points,
    SparsePoints,
    points_from,
    sparse_points,
    starting_points,
)

#: Of the median photo's confirmed share. Measured: photos turned by 10 degrees and moved have 0 to
#: 0.08, the least of five sound sets 0.28 (docs/develop/engine.md).
_FAR_BELOW = 0.15
#: Photos to train on. Among more, one in the wrong place has few of the steps, and leaving it out
#: gained nothing (docs/measurements/recipe.md).
_FEW = 10
#: Confirmed share of the median photo; below it stereo says little of any photo.
_TELLING = 0.1
_MOST = 1 / 3  # of the photos may be left out,
_FEWEST = 3  # and so many stay


@dataclass(frozen=True)
class Start:
    """What is made before the first step, and does not change any more."""

    points: Points
    #: Share of each photo's pixels whose depth others confirm; empty where none were looked for.
    confirmed: dict[str, float]
    left_out: tuple[str, ...] = ()  # photos not to train on

    def state(self) -> State:
        """For a checkpoint, which `start_from` reads."""
        return {
            "points": self.points.tensors(),
            "confirmed": self.confirmed,
            "left_out": self.left_out,
        }


def start_from(state: State) -> Start:
    """The start that gave `state`."""
    return Start(points_from(state["points"]), state["confirmed"], tuple(state["left_out"]))


def unconfirmed_photos(confirmed: Mapping[str, float]) -> tuple[str, ...]:
    """The photos, sorted, of whose depths the others confirm next to nothing.

    `confirmed` are the photos' shares. A third of them at most, the least confirmed, and three
    photos stay. None where there are more than a few, and where even the median photo is hardly
    confirmed.
    """
    if len(confirmed) > _FEW:
        return ()
    most = min(int(_MOST * len(confirmed)), len(confirmed) - _FEWEST)
    if most < 1 or (middle := median(confirmed.values())) < _TELLING:
        return ()
    worst = sorted(confirmed, key=lambda name: (confirmed[name], name))[:most]
    return tuple(sorted(name for name in worst if confirmed[name] < _FAR_BELOW * middle))


def without(
    names: Sequence[str], photos: Sequence[PosedPhoto], views: Sequence[View]
) -> tuple[list[PosedPhoto], list[View]]:
    """The `photos` and their `views`, but for those of these names."""
    pairs = [pair for pair in zip(photos, views, strict=True) if pair[0].name not in names]
    return [photo for photo, _ in pairs], [view for _, view in pairs]


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
    """The start of those `photos` that others confirm."""
    start = _start_of(photos, views, sparse, config, device=device, seed=seed, report=report)
    left_out = unconfirmed_photos(start.confirmed)
    if not left_out:
        return start
    report.log(f"Left out, since no other photo confirms their depths: {', '.join(left_out)}.")
    # Its observations contradicted the others', so that points were given up, and its picture was
    # compared with theirs.
    photos, views = without(left_out, photos, views)
    sparse = sparse_points(photos)
    done = Part(report, 1.0, 1.0)
    again = _start_of(photos, views, sparse, config, device=device, seed=seed, report=done)
    return Start(again.points, {**start.confirmed, **again.confirmed}, left_out)


def _start_of(
    photos: Sequence[PosedPhoto],
    views: Sequence[View],
    sparse: SparsePoints,
    config: TrainConfig,
    *,
    device: torch.device,
    seed: int,
    report: Report,
) -> Start:
    """The start of all `photos`."""
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
