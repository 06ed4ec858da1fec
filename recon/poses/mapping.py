"""Incremental mapping (Schönberger and Frahm 2016): from verified pairs to poses and points."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from recon.poses.native import Tick, colmap, run_native


def incremental(database: Path, photos: Path, scratch: Path, *, seed: int, tick: Tick) -> list[Any]:
    """The models that COLMAP's default options find, as pycolmap reconstructions, best first.

    Best is most registered photos, then most points. `scratch` is an empty folder that COLMAP
    may write to. An empty list says that no two photos could be the start of a model.
    """
    pycolmap = colmap()
    options = pycolmap.IncrementalPipelineOptions()
    options.random_seed = seed
    options.mapper.random_seed = seed
    options.triangulation.random_seed = seed
    with pycolmap.Database.open(database) as content:
        total = content.num_images()
    placed = _Counter()

    def call(token: Any) -> dict[int, Any]:
        return pycolmap.incremental_mapping(
            database,
            photos,
            scratch,
            options,
            initial_image_pair_callback=placed.start,
            next_image_callback=placed.next,
            cancellation_token=token,
        )

    def poll() -> None:
        tick(min(placed.most / max(total, 1), 1.0), f"{placed.count} of {total} photos placed")

    models = run_native(call, poll)
    return sorted(
        models.values(), key=lambda m: (m.num_reg_images(), m.num_points3D()), reverse=True
    )


class _Counter:
    """How many photos the current attempt has placed, and the most that any attempt had.

    Written by pycolmap's thread, read by ours: whole numbers, no lock needed.
    """

    def __init__(self) -> None:
        self.count = 0
        self.most = 0

    def start(self) -> None:
        self.count = 2
        self.most = max(self.most, 2)

    def next(self) -> None:
        self.count += 1
        self.most = max(self.most, self.count)
