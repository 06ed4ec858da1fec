"""EXPORT_PLY: the files that people take away, and where the viewer starts.

The trained PLY and output/results.json -> point_cloud_filtered.ply and scene.splat beside it,
output/poster.jpg, output/viewer.json.
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from PIL import Image

from recon.pipeline.config import PipelineConfig
from recon.pipeline.progress import Reporter
from recon.pipeline.stages.evaluate import filter_settings
from recon.pipeline.workspace import Workspace, digest_files, replacing, write_json
from recon.splats.evaluation import draw, to_bytes
from recon.splats.formats import read_ply, write_ply, write_splat
from recon.splats.gaussians import Camera, Gaussians
from recon.splats.outliers import keep_mask
from recon.splats.rasterizers import Rendered, best_device, rasterize
from recon.splats.scene import fitted_size, read_model

_LOOK_SIZE = 160  # px, longest side of the pictures that choose the pose


def settings(config: PipelineConfig) -> dict[str, Any]:
    return asdict(config.export)


def inputs(workspace: Workspace, config: PipelineConfig) -> dict[str, str]:
    model = workspace.iteration(config.train.iterations) / "point_cloud.ply"
    return {
        "model": digest_files(workspace.root, [model]),
        "results": digest_files(workspace.root, [workspace.results_json, workspace.training_json]),
        "poses": digest_files(workspace.root, [workspace.undistorted_sparse]),
    }


def outputs(workspace: Workspace, config: PipelineConfig) -> dict[str, str]:
    folder = workspace.iteration(config.train.iterations)
    files = [folder / "point_cloud_filtered.ply", folder / "scene.splat"]
    files += [workspace.poster, workspace.viewer_json]
    return {"files": digest_files(workspace.root, files)}


def run(workspace: Workspace, config: PipelineConfig, report: Reporter) -> dict[str, Any]:
    folder = workspace.iteration(config.train.iterations)
    trained = read_ply(folder / "point_cloud.ply")
    report.progress(0.1, "filtering outliers")
    keep = keep_mask(
        trained.means.numpy(),
        trained.scales.exp().numpy(),
        **filter_settings(config.export),
        tick=lambda: report.progress(0.1, "filtering outliers"),
    )
    filtered = trained.select(torch.from_numpy(keep))
    with replacing(folder / "point_cloud_filtered.ply") as temporary:
        write_ply(filtered, temporary)
    which = json.loads(workspace.results_json.read_text())["scene"]
    scene, scene_ply = {
        "filtered": (filtered, folder / "point_cloud_filtered.ply"),
        "unfiltered": (trained, folder / "point_cloud.ply"),
    }[which]
    report.progress(0.5, "writing the scene")
    with replacing(folder / "scene.splat") as temporary:
        count = write_splat(scene, temporary)
    report.progress(0.7, "taking its picture")
    view = _poster(workspace, config, scene.to(best_device()), report)
    write_json(workspace.viewer_json, view)
    artifacts = _artifacts(workspace, folder, scene_ply)
    return {"gaussian_count": count, "artifacts": artifacts, "view": view, "scene": which}


def _artifacts(workspace: Workspace, folder: Path, scene_ply: Path) -> dict[str, str]:
    """Every file that a finished job offers, by kind, relative to the workspace."""
    files = {
        "ply": folder / "point_cloud.ply",
        "filtered_ply": folder / "point_cloud_filtered.ply",
        "scene_ply": scene_ply,
        "splat": folder / "scene.splat",
        "poster": workspace.poster,
        "results": workspace.results_json,
        "cameras": workspace.cameras_json,
    }
    return {kind: path.relative_to(workspace.root).as_posix() for kind, path in files.items()}


def _poster(
    workspace: Workspace, config: PipelineConfig, scene: Gaussians, report: Reporter
) -> dict[str, Any]:
    """Takes the scene's picture and returns the viewer's start, which is the same pose."""
    model = read_model(workspace.undistorted_sparse, workspace.train_txt, workspace.test_txt)
    camera = _best_pose(scene, [photo.camera for photo in model.photos], report)
    size = fitted_size(camera.width, camera.height, config.export.poster_size)
    picture = to_bytes(draw(scene, camera.resized(*size)))
    with replacing(workspace.poster) as temporary:
        Image.fromarray(picture).save(temporary, "JPEG", quality=90, optimize=True)
    trained_at = json.loads(workspace.training_json.read_text())["max_image_size"]
    return starting_view(camera, _look(scene, camera), trained_at)


def _best_pose(scene: Gaussians, cameras: list[Camera], report: Reporter) -> Camera:
    """Of the half of the photos nearest to the middle, the pose whose picture has least void."""
    positions = torch.stack([camera.position for camera in cameras])
    distances = (positions - positions.median(dim=0).values).norm(dim=1)
    central = torch.sort(distances, stable=True).indices[: max(len(cameras) // 2, 1)].tolist()
    covered = []
    for index in central:
        alpha = _look(scene, cameras[index]).alpha
        # The mean falls with every hole; the lowest twentieth finds black corners.
        covered.append(float(alpha.mean() + alpha.flatten().quantile(0.05)))
        report.progress(0.7, "taking its picture")
    return cameras[central[covered.index(max(covered))]]


@torch.no_grad()
def _look(scene: Gaussians, camera: Camera) -> Rendered:
    """A small picture of what `camera` sees."""
    size = fitted_size(camera.width, camera.height, _LOOK_SIZE)
    return rasterize(scene, camera.resized(*size).to(scene.device))


def starting_view(camera: Camera, seen: Rendered, trained_at: int | None) -> dict[str, Any]:
    """Where the viewer starts: `camera`'s place, looking at the middle depth along its axis.

    World units and axes are the SfM model's. `target` is what an orbit turns around.
    `trained_height` is the photo's height in px as trained on (longest side `trained_at`): on a
    larger screen the viewer widens the splats as much as the trainer did, or they turn to needles.
    """
    height, width = seen.depth.shape
    middle = (slice(height // 4, -(height // 4) or None), slice(width // 4, -(width // 4) or None))
    solid = seen.depth[middle][seen.alpha[middle] > 0.5]
    depth = float(solid.median()) if solid.numel() else 1.0
    right_down_forward = camera.viewmat[:3, :3]
    position = camera.position
    return {
        "position": position.tolist(),
        "target": (position + depth * right_down_forward[2]).tolist(),
        "up": (-right_down_forward[1]).tolist(),
        "fov_y_degrees": math.degrees(2 * math.atan(camera.height / (2 * float(camera.K[1, 1])))),
        "trained_height": fitted_size(camera.width, camera.height, trained_at)[1],
    }
