"""One run of the stages that find poses, what COLMAP's defaults alone make of the same matches, and
how far poses are from the true ones."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

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


def accuracy(workspace: Workspace, truth: Sequence[SamplePhoto]) -> Result:
    """Rotation errors in degrees, position errors as fractions of the scene's size, camera
    models."""
    model = colmap().Reconstruction(workspace.sparse)
    found = {
        model.images[i].name: model.images[i].cam_from_world().matrix()
        for i in model.reg_image_ids()
    }
    errors = pose_errors(found, {photo.name: photo.cam_from_world for photo in truth})
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


def _placed(workspace: Workspace) -> list[str]:
    if not workspace.sparse.is_dir():
        return []
    model = colmap().Reconstruction(workspace.sparse)
    return sorted(model.images[i].name for i in model.reg_image_ids())
