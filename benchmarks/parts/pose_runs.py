"""One run of the stages that find poses, what COLMAP's defaults alone make of the same matches, and
how far poses are from the true ones, and those of several runs from each other."""

from __future__ import annotations

import json
import os
import resource
import shutil
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recon.pipeline.config import PipelineConfig
from recon.pipeline.photos.uploads import bring_in
from recon.pipeline.progress import ListReporter, Step
from recon.pipeline.runner import run_pipeline
from recon.pipeline.workspace import Workspace, scratch_folder
from recon.poses.colmap import mapping
from recon.poses.native import colmap
from recon.reporting import silent
from recon.samples import SamplePhoto, pose_errors

Result = dict[str, Any]


def find_poses(photos: Sequence[Path], workspace: Workspace, config: PipelineConfig) -> Result:
    """What PREFLIGHT to COLMAP_MAP make of the photos, from scratch."""
    shutil.rmtree(workspace.root, ignore_errors=True)
    bring_in(list(photos), workspace)
    report = ListReporter()
    load, began = os.getloadavg()[0], time.monotonic()
    summary = run_pipeline(workspace, config, report, until=Step.COLMAP_MAP)
    return {
        "photos": len(photos),
        "registered": summary.registered if summary.error_code is None else 0,
        "error": summary.error_code,
        "seconds": {str(step): seconds for step, seconds in summary.seconds.items()},
        "all_seconds": time.monotonic() - began,
        "load": round(load, 1),
        "warnings": [code for code, _ in report.named("warn")],
        **_graph(workspace),
    }


def with_default(result: Result, workspace: Workspace, config: PipelineConfig) -> Result:
    """`result`, with how many photos COLMAP's defaults alone place, and in what time.

    The features and matches are the same. If the first rung won, that is what the defaults placed;
    otherwise they run once more, without the checks that a rung's model has to pass.
    """
    first = result["rungs"][0] if result["rungs"] else None
    if first is not None and first["outcome"] == "won":
        return {**result, "default": {k: first[k] for k in ("registered", "seconds")}}
    if not workspace.database.is_file():
        return {**result, "default": {"registered": 0, "seconds": 0.0}}
    began = time.monotonic()
    with scratch_folder(workspace.colmap) as scratch:
        models = mapping.incremental_mapping(
            workspace.database, workspace.photos, scratch, seed=config.seed, report=silent
        )
    placed = models[0].num_reg_images() if models else 0
    return {**result, "default": {"registered": placed, "seconds": time.monotonic() - began}}


@contextmanager
def on_cores(cores: Collection[int]) -> Iterator[None]:
    """What runs within has these cores only."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def cpu_seconds() -> float:
    """Of this process and of those that it has waited for."""
    return sum(
        used.ru_utime + used.ru_stime
        for used in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    )


def spread(workspaces: Sequence[Workspace]) -> Result:
    """How far apart the runs' poses are at most: each beside the first, of the photos that both
    placed, in degrees and parts of the scene's size. Nothing where a run has fewer than three."""
    first, *others = (_poses(workspace) for workspace in workspaces)
    shared = [[name for name in first if name in other] for other in others]
    if min(map(len, shared), default=0) < 3:
        return {"rotation": None, "position": None}
    errors = [
        pose_errors({n: other[n] for n in names}, {n: first[n] for n in names})
        for other, names in zip(others, shared, strict=True)
    ]
    return {
        "rotation": max(float(error.rotations.max()) for error in errors),
        "position": max(float(error.positions.max()) for error in errors),
    }


def accuracy(workspace: Workspace, truth: Sequence[SamplePhoto]) -> Result:
    """Rotation errors in degrees, position errors as fractions of the scene's size, camera
    models."""
    model = colmap().Reconstruction(workspace.sparse)
    errors = pose_errors(_poses(workspace), {photo.name: photo.cam_from_world for photo in truth})
    return {
        "models": sorted({camera.model_name for camera in model.cameras.values()}),
        "rotation": errors.median_rotation,
        "rotation_max": float(errors.rotations.max()),
        "position": errors.median_position,
        "position_max": float(errors.positions.max()),
    }


def _graph(workspace: Workspace) -> Result:
    """The pair graph's rungs and groups; empty if no graph was written."""
    graph: Result = {}
    if workspace.pairs_json.is_file():
        graph = json.loads(workspace.pairs_json.read_text())
    placed = [photo["name"] for photo in graph.get("photos", []) if photo["registered"]]
    return {
        "rung": graph.get("rung"),
        "rungs": graph.get("rungs", []),
        "groups": graph.get("groups", []),
        "model": graph.get("model"),
        "placed": placed or _placed(workspace),
    }


def _poses(workspace: Workspace) -> dict[str, NDArray[np.float64]]:
    """cam_from_world by the photo's name; none without a model."""
    if not workspace.sparse.is_dir():
        return {}
    model = colmap().Reconstruction(workspace.sparse)
    images = [model.images[i] for i in sorted(model.reg_image_ids())]
    return {image.name: image.cam_from_world().matrix() for image in images}


def _placed(workspace: Workspace) -> list[str]:
    return sorted(_poses(workspace))
