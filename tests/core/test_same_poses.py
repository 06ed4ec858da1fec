"""The same photos give the same poses, on one core and on all of them."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pycolmap
import pytest

from recon.pipeline.config import PipelineConfig
from recon.pipeline.outcome import read_pair_graph
from recon.pipeline.presets import PRESETS
from recon.pipeline.progress import ListReporter
from recon.pipeline.stages import features, mapping, matching, preflight
from recon.pipeline.workspace import Workspace
from recon.poses.colmap.databases import copy_with_journal
from recon.poses.colmap.mapping import IncrementalRun, MapperVariant
from recon.poses.native import run_side_by_side
from recon.samples import pose_errors, write_photos
from tests.core.walls import write_wall
from tests.photos import PROJECT, real_photos

pytestmark = pytest.mark.slow

#: Degrees, and part of the scene's size: the most that two runs may be apart.
TURN, SHIFT = 0.01, 0.0001

PROGRAM = """
import os, sys
os.sched_setaffinity(0, [int(core) for core in sys.argv[3].split(",")])
from pathlib import Path
from tests.core import test_same_poses
test_same_poses.place(Path(sys.argv[1]), getattr(test_same_poses, sys.argv[2]))
"""

QUICK = PRESETS["quick"]
#: So many points a photo that no model is firm: every rung up to strong SIFT is climbed.
CLIMB = replace(
    QUICK,
    mapping=replace(
        QUICK.mapping, last_rung="strong_sift", solid_points_per_photo=1e5,
        strong_max_image_size=300, strong_max_num_features=1000,
    ),
)  # fmt: skip
#: No model is convincing either, and the focal lengths in the files are looked at again.
RELAXED = replace(
    PRESETS["standard"],
    mapping=replace(PRESETS["standard"].mapping, last_rung="relaxed", solid_points_per_photo=1e5),
)


def place(root: Path, config: PipelineConfig) -> None:
    """PREFLIGHT to COLMAP_MAP, in this process, for the photos that are there."""
    for stage in (preflight, features, matching, mapping):
        stage.run(Workspace(root), config, ListReporter())


def placed_on(cores: set[int], threads: int, root: Path, config: str) -> Workspace:
    """`place` in a process that has these cores only, and starts so many threads by itself."""
    subprocess.run(
        [sys.executable, "-c", PROGRAM, root, config, ",".join(map(str, cores))],
        env={**os.environ, "OMP_NUM_THREADS": str(threads)}, cwd=PROJECT, check=True,
    )  # fmt: skip
    return Workspace(root)


def poses(workspace: Workspace) -> dict[str, np.ndarray]:
    model = pycolmap.Reconstruction(workspace.sparse)
    images = [model.images[i] for i in model.reg_image_ids()]
    return {image.name: image.cam_from_world().matrix() for image in images}


def assert_same(one: Workspace, other: Workspace) -> None:
    """The same rungs with the same results, and the same poses."""
    graphs = [read_pair_graph(workspace) for workspace in (one, other)]
    told = [[(r.name, r.outcome, r.why, r.registered) for r in g.rungs] for g in graphs]
    assert told[0] == told[1]
    found = [poses(workspace) for workspace in (one, other)]
    assert found[0].keys() == found[1].keys()
    errors = pose_errors(*found)
    assert errors.rotations.max() <= TURN
    assert errors.positions.max() <= SHIFT


def twice(tmp_path: Path, config: str) -> tuple[Workspace, Workspace]:
    """What one core and one thread make of `tmp_path`'s "all", and what all cores do."""
    one, every = Workspace(tmp_path / "one"), Workspace(tmp_path / "all")
    one.upload.parent.mkdir(parents=True)
    one.upload.symlink_to(every.upload)
    cores = sorted(os.sched_getaffinity(0))
    return (
        placed_on({cores[-1]}, 1, one.root, config),
        placed_on(set(cores), max(4, len(cores)), every.root, config),
    )


def test_sample_photos_are_placed_alike_on_one_core_and_on_all(tmp_path: Path) -> None:
    write_photos(Workspace(tmp_path / "all").upload, 6, (480, 360), "corner")
    assert_same(*twice(tmp_path, "QUICK"))


def test_every_rung_ends_alike_on_one_core_and_on_all(tmp_path: Path) -> None:
    upload = Workspace(tmp_path / "all").upload
    upload.mkdir(parents=True)
    write_wall(upload, seed=1, count=5, size=(400, 300))
    one, every = twice(tmp_path, "CLIMB")
    assert_same(one, every)
    names = [rung.name for rung in read_pair_graph(one).rungs]
    assert names == ["incremental", "relaxed", "global", "guided", "strong_sift"]


@pytest.mark.reconstruction
@pytest.mark.real_photos("museum")
def test_photos_that_fall_apart_into_other_models_on_many_threads_are_placed_alike(
    tmp_path: Path,
) -> None:
    """In threads the relaxed mapper made two models of `museum` 0.79° and 3.6% apart."""
    upload = Workspace(tmp_path / "all").upload
    upload.mkdir(parents=True)
    for photo in real_photos("museum"):
        (upload / photo.name).symlink_to(photo)
    assert_same(*twice(tmp_path, "RELAXED"))


def test_runs_side_by_side_give_the_same_bits_as_one_by_one(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "job")
    workspace.upload.mkdir(parents=True)
    write_wall(workspace.upload, seed=2, count=5, size=(400, 300))
    for stage in (preflight, features, matching):
        stage.run(workspace, QUICK, ListReporter())

    settled = tmp_path / "settled.db"
    copy_with_journal(workspace.database, settled)

    def models(at_once: int) -> list[bytes]:
        runs = []
        for number in range(5):
            folder = tmp_path / f"{at_once}-{number}"
            folder.mkdir()
            variant = MapperVariant(relaxed=number > 0, reseed=number)
            runs.append(IncrementalRun(settled, workspace.photos, folder,
                                       seed=7, variant=variant))  # fmt: skip
        with closing(run_side_by_side(runs, lambda: None, at_once=at_once)) as results:
            return [content(model) for [model] in results]

    one_by_one = models(1)
    assert models(5) == one_by_one
    assert len(set(one_by_one)) > 1, "other seeds give other models"


def content(model: pycolmap.Reconstruction) -> bytes:
    """All poses and points, to the bit."""
    images = [model.images[i].cam_from_world().matrix() for i in sorted(model.reg_image_ids())]
    points = [model.points3D[i].xyz for i in sorted(model.points3D)]
    return np.concatenate([np.ravel(images), np.ravel(points)]).tobytes()
