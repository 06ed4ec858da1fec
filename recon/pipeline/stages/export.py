"""EXPORT_PLY: the scene that people get, and where the viewer starts.

output/held_out, output/results.json, work/images, work/sparse/0 -> output/point_cloud/iteration_N/
{point_cloud.ply,point_cloud_filtered.ply,scene.splat,scene.spz,other.spz,first.spz},
output/poster.jpg, output/viewer.json, output/turntable.mp4; and of colmap/sparse/0,
output/colmap_model.zip.
The model that was measured stays in output/held_out; the one here was finished with all photos.
"""

from __future__ import annotations

import math
from dataclasses import asdict, replace

import torch
from PIL import Image

from recon.picture_size import fitted_size
from recon.pipeline.after_training.final_refine import refine_with_all_photos
from recon.pipeline.after_training.model_archive import write_model_archive
from recon.pipeline.after_training.scoring import without_outliers
from recon.pipeline.after_training.turntable_video import film
from recon.pipeline.camera_list import start_photo
from recon.pipeline.config import PipelineConfig
from recon.pipeline.outcome import photos_left_out, settings_used, steps_trained
from recon.pipeline.progress import Within
from recon.pipeline.results import FILTERED, UNFILTERED, Results, Which
from recon.pipeline.start_view import StartView
from recon.pipeline.workspace import Workspace, digest_files, replacing, replacing_folder
from recon.reporting import Part, Report, part, within
from recon.splats.evaluation import draw, to_bytes
from recon.splats.formats import write_ply, write_splat
from recon.splats.gaussians import Camera, Gaussians
from recon.splats.importance import first_part
from recon.splats.rasterizers import Render, best_device, rasterize
from recon.splats.scene import read_model
from recon.splats.snapshots import remove_snapshots
from recon.splats.spz import SpzUnavailable, write_spz

_LOOK_SIZE = 160  # px, longest side of the picture that tells how far away the scene is
# Parts of the step at whose end:
_FINISHED = 0.6  # the Gaussians are final
_FILTERED = 0.68
_WRITTEN = 0.72
_PICTURED = 0.75
_MAY_BE_ABSENT = ("spz", "other_spz", "first", "turntable", "colmap")
_PLY = {UNFILTERED: "point_cloud.ply", FILTERED: "point_cloud_filtered.ply"}


def settings(config: PipelineConfig) -> dict[str, object]:
    return {**asdict(config.export), "seed": config.seed}


def inputs(workspace: Workspace, config: PipelineConfig) -> dict[str, str]:
    model = workspace.held_out_iteration(steps_trained(workspace)) / "point_cloud.ply"
    scene = [workspace.images, workspace.undistorted_sparse, workspace.train_txt]
    return {
        "model": digest_files(workspace.root, [model, workspace.training_json]),
        "results": digest_files(workspace.root, [workspace.results_json]),
        "scene": digest_files(workspace.root, [*scene, workspace.test_txt, workspace.cameras_json]),
        "sfm": digest_files(workspace.root, [workspace.sparse]),
    }


def outputs(workspace: Workspace, config: PipelineConfig) -> dict[str, str]:
    files = [workspace.point_cloud, workspace.poster, workspace.viewer_json]
    files += [workspace.turntable, workspace.model_archive]
    return {"files": digest_files(workspace.root, files)}


def run(workspace: Workspace, config: PipelineConfig, report: Report) -> dict[str, object]:
    model = read_model(workspace.undistorted_sparse, workspace.train_txt, workspace.test_txt)
    count = len(model.photos) - len(photos_left_out(workspace))
    refinement = Within(Part(report, 0.0, _FINISHED), "finishing", count=count)
    gaussians, refined = refine_with_all_photos(workspace, config, model, refinement)
    removal = within(part(report, _FINISHED, _FILTERED), "removing_stray_spots")
    removal(0.0)
    filtered = without_outliers(gaussians, config.export, removal)
    scenes = {UNFILTERED: gaussians, FILTERED: filtered}
    # Decided on the measured model: this one has seen every photo and can't be asked.
    which = Results.read(workspace).scene
    save = within(part(report, _FILTERED, _WRITTEN), "saving_scene")
    save(0.0)
    scene = scenes[which].to(best_device())
    cameras = [photo.camera for photo in model.photos]
    first = first_part(scene, cameras, save)
    count = _write(workspace, scenes, which, first, report)
    _pack_model(workspace, report)
    report(_WRITTEN, "taking_picture")
    start = _centre(start_photo(workspace, model).camera)
    view = _poster(workspace, config, scene, start)
    view.write(workspace)
    film_report = Within(Part(report, _PICTURED, 1.0), "filming")
    film(workspace, config, scene, cameras, start, view.target, film_report)
    remove_snapshots(workspace.snapshot)  # what they promised is there
    return {
        "gaussian_count": count,
        "refined": refined,
        "artifacts": _artifacts(workspace, which),
        "view": view.to_dict(),
        "scene": which,
    }


def _write(
    workspace: Workspace,
    scenes: dict[Which, Gaussians],
    which: Which,
    first: Gaussians | None,
    report: Report,
) -> int:
    """The delivered files, all at once: nobody finds half a scene. How many Gaussians it has."""
    with replacing_folder(workspace.point_cloud) as point_cloud:
        folder = point_cloud / f"iteration_{steps_trained(workspace)}"
        folder.mkdir()
        for name, gaussians in scenes.items():
            write_ply(gaussians, folder / _PLY[name])
        (other,) = scenes.keys() - {which}
        spz = {"scene.spz": scenes[which]}
        if len(scenes[other]) != len(scenes[which]):
            spz["other.spz"] = scenes[other]
        if first is not None:
            spz["first.spz"] = first
        for file, scene in spz.items():
            try:
                write_spz(scene, folder / file)
            except SpzUnavailable as reason:
                report.log(f"no {file}: {reason}")
                break  # the others would mostly fail for the same reason
        return write_splat(scenes[which], folder / "scene.splat")


def _pack_model(workspace: Workspace, report: Report) -> None:
    """The zip of the COLMAP model; without one, as in a folder that was tidied, there is none."""
    workspace.model_archive.unlink(missing_ok=True)
    try:
        with replacing(workspace.model_archive) as temporary:
            write_model_archive(workspace.sparse, workspace.photos, temporary)
    except FileNotFoundError:
        report.log("no COLMAP model to pack")


def _artifacts(workspace: Workspace, which: Which) -> dict[str, str]:
    """Every file that a finished job offers, by kind, relative to the workspace.

    SPZ, video and COLMAP model are left out where there are none. `other_spz` is of the scene that
    is not delivered, for the viewer: filtered where the other is not, and the other way round.
    `first` is what the viewer shows of a large scene while the whole is on its way.
    """
    steps = steps_trained(workspace)
    folder = workspace.iteration(steps)
    files = {
        "ply": folder / _PLY[UNFILTERED],
        "filtered_ply": folder / _PLY[FILTERED],
        "scene_ply": folder / _PLY[which],
        "held_out_ply": workspace.held_out_iteration(steps) / _PLY[UNFILTERED],
        "splat": folder / "scene.splat",
        "spz": folder / "scene.spz",
        "other_spz": folder / "other.spz",
        "first": folder / "first.spz",
        "poster": workspace.poster,
        "turntable": workspace.turntable,
        "colmap": workspace.model_archive,
        "results": workspace.results_json,
        "cameras": workspace.cameras_json,
    }
    absent = {kind for kind in _MAY_BE_ABSENT if not files[kind].is_file()}
    return {
        kind: path.relative_to(workspace.root).as_posix()
        for kind, path in files.items()
        if kind not in absent
    }


def _poster(
    workspace: Workspace, config: PipelineConfig, scene: Gaussians, camera: Camera
) -> StartView:
    """Takes the scene's picture and returns the viewer's start, which is the same pose."""
    size = fitted_size(camera.width, camera.height, config.export.poster_size)
    picture = to_bytes(draw(scene, camera.resized(*size)))
    with replacing(workspace.poster) as temporary:
        Image.fromarray(picture).save(temporary, "JPEG", quality=90, optimize=True)
    trained_at = settings_used(workspace, config.train).max_image_size
    return starting_view(camera, _look(scene, camera), trained_at)


def _centre(camera: Camera) -> Camera:
    """With its principal point in the middle, as the viewer's camera: so the poster is what it
    starts with, and nothing jumps when one gives way to the other."""
    K = camera.K.clone()
    K[0, 2], K[1, 2] = camera.width / 2, camera.height / 2
    return replace(camera, K=K)


@torch.no_grad()
def _look(scene: Gaussians, camera: Camera) -> Render:
    """A small picture of what `camera` sees."""
    size = fitted_size(camera.width, camera.height, _LOOK_SIZE)
    return rasterize(scene, camera.resized(*size).to(scene.device), with_depth=True)


def starting_view(camera: Camera, seen: Render, trained_at: int | None) -> StartView:
    """Where the viewer starts: `camera`'s place, looking at the middle depth along its axis.

    `aspect` is the photo's, by its angles: all of it is shown in a window of any shape.
    `trained_height` is by the longest side trained at, `trained_at` px.
    """
    if seen.depth is None:
        raise ValueError("a view needs the depth of what is seen")
    height, width = seen.depth.shape
    middle = (slice(height // 4, -(height // 4) or None), slice(width // 4, -(width // 4) or None))
    solid = seen.depth[middle][seen.alpha[middle] > 0.5]
    depth = float(solid.median()) if solid.numel() else 1.0
    right_down_forward = camera.viewmat[:3, :3]
    position = camera.position
    return StartView(
        position=tuple(position.tolist()),
        target=tuple((position + depth * right_down_forward[2]).tolist()),
        up=tuple((-right_down_forward[1]).tolist()),
        fov_y_degrees=math.degrees(2 * math.atan(camera.height / (2 * float(camera.K[1, 1])))),
        aspect=(camera.width / float(camera.K[0, 0])) / (camera.height / float(camera.K[1, 1])),
        trained_height=fitted_size(camera.width, camera.height, trained_at)[1],
    )
