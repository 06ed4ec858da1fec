"""From verified pairs to poses and points: COLMAP's two mappers.

Incremental mapping (Schönberger and Frahm 2016) adds one photo after the other; the global mapper
(GLOMAP, Pan et al. 2024) places all at once, from the pairs' relative poses.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from recon.poses.colmap.databases import copy_with_journal, count_photos
from recon.poses.native import POLL_SECONDS, colmap, run_native
from recon.reporting import Progress

if TYPE_CHECKING:
    from pycolmap import CancellationToken, IncrementalPipelineOptions, Reconstruction

#: What the relaxed mapper requires where COLMAP's defaults are stricter. Small baselines, short
#: overlaps and three photos are enough to begin with; the model checks see to the rest.
RELAXED = {
    "init_min_tri_angle": 4.0,  # degrees, between the first two photos; default 16
    "init_min_num_inliers": 30,  # between the first two photos; default 100
    "init_max_forward_motion": 1.0,  # a walk down a street may start a model; default 0.95
    "abs_pose_min_num_inliers": 15,  # of a photo that is added; default 30
    "abs_pose_min_inlier_ratio": 0.15,  # default 0.25
}
RELAXED_MIN_MODEL_SIZE = 3  # photos; default 10

_GLOBAL_SECONDS = 20.0  # that the global mapper may well take; its progress can't be asked for


class MapperFailed(Exception):
    """The global mapper ended without a result; the message is its last words."""


@dataclass(frozen=True)
class MapperVariant:
    """How the incremental mapper goes about it; COLMAP's way unless stated otherwise."""

    relaxed: bool = False
    hold_focal: bool = False  # keep focal lengths as they are in the database
    start: tuple[int, int] | None = None  # image ids of the first two photos; None: its choice
    reseed: int = 0  # added to the seed


class IncrementalRun:
    """One run of the incremental mapper, to be called with a token that can stop it.

    The models come as pycolmap reconstructions, best first: most registered photos, then most
    points. An empty list says that no two photos could be the start of a model. `scratch` is an
    empty folder, and is gone afterwards. Runs of one `database` may go side by side: each has a
    copy, since pycolmap writes even where it only reads, and a lock that it meets ends the process.
    So nobody may have that file open, and nothing of it may lie in a journal.

    It computes in one thread. In several, the order in which they end would decide how sums are
    rounded, and on doubtful matches that decides what is placed where.
    """

    def __init__(
        self, database: Path, photos: Path, scratch: Path, *, seed: int,
        variant: MapperVariant = MapperVariant(),
    ) -> None:  # fmt: skip
        self._database, self._photos, self._scratch = database, photos, scratch
        self._options = _options(variant, seed + variant.reseed)
        self._total = count_photos(database)
        self._placed = _Counter()

    def __call__(self, token: CancellationToken) -> list[Reconstruction]:
        copied, models = self._scratch / "database.db", self._scratch / "models"
        try:
            models.mkdir()
            shutil.copyfile(self._database, copied)
            found = colmap().incremental_mapping(
                copied,
                self._photos,
                models,
                self._options,
                initial_image_pair_callback=self._placed.start,
                next_image_callback=self._placed.next,
                cancellation_token=token,
            )
        finally:
            shutil.rmtree(self._scratch, ignore_errors=True)
        return _best_first(found.values())

    def tell(self, report: Progress) -> None:
        """Reports how far it has come."""
        reached = min(self._placed.most / max(self._total, 1), 1.0)
        report(reached, "photos_placed", placed=self._placed.count, total=self._total)


def incremental_mapping(
    database: Path, photos: Path, scratch: Path, *, seed: int, report: Progress,
    variant: MapperVariant = MapperVariant(),
) -> list[Reconstruction]:  # fmt: skip
    """The models of one `IncrementalRun`. `scratch` is an empty folder."""
    settled, folder = scratch / "settled.db", scratch / "run"
    folder.mkdir()
    copy_with_journal(database, settled)
    run = IncrementalRun(settled, photos, folder, seed=seed, variant=variant)
    return run_native(run, lambda: run.tell(report))


def _options(variant: MapperVariant, seed: int) -> IncrementalPipelineOptions:
    options = colmap().IncrementalPipelineOptions()
    options.num_threads = options.mapper.num_threads = 1
    options.random_seed = options.mapper.random_seed = seed
    options.triangulation.random_seed = seed
    if variant.relaxed:
        options.min_model_size = RELAXED_MIN_MODEL_SIZE
        for name, value in RELAXED.items():
            setattr(options.mapper, name, value)
    if variant.hold_focal:
        options.ba_refine_focal_length = False
        options.mapper.abs_pose_refine_focal_length = False
    if variant.start is not None:
        options.init_image_id1, options.init_image_id2 = variant.start
        options.multiple_models = False
        options.init_num_trials = 1  # others would try the same pair with the same seed
    return options


def global_mapping(
    database: Path, photos: Path, scratch: Path, *, seed: int, report: Progress
) -> list[Reconstruction]:
    """The models that the global mapper finds, as `incremental_mapping` gives them.

    It can't be stopped from outside, so it runs in a process of its own (`global_child`) that can.
    Raises MapperFailed where that process dies.
    """
    script = Path(__file__).with_name("global_child.py")
    child = subprocess.Popen(
        [sys.executable, "-P", script, database, photos, scratch, str(seed)],
        stdin=subprocess.PIPE,  # it ends when this closes, also where we are killed
        stdout=subprocess.DEVNULL,
        stderr=(scratch / "errors").open("wb"),
    )
    began = time.monotonic()
    try:
        while child.poll() is None:
            elapsed = time.monotonic() - began
            report(elapsed / (elapsed + _GLOBAL_SECONDS), "placing_all_photos")
            time.sleep(POLL_SECONDS)
    finally:
        child.kill()
        child.communicate()
    if child.returncode != 0:
        raise MapperFailed(_last_words(scratch / "errors", child.returncode))
    found = [p for p in scratch.iterdir() if p.is_dir()]
    return _best_first([colmap().Reconstruction(path) for path in found])


def _last_words(errors: Path, code: int) -> str:
    lines = errors.read_text(errors="replace").strip().splitlines()
    return lines[-1] if lines else f"it ended with {code}"


def _best_first(models: Iterable[Reconstruction]) -> list[Reconstruction]:
    return sorted(models, key=lambda m: (m.num_reg_images(), m.num_points3D()), reverse=True)


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
