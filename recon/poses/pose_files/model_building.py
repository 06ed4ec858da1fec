"""A reconstruction from a placement: with the file's own points, or with points triangulated from
matches at the file's poses."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from recon.poses.native import colmap, run_native
from recon.poses.pose_files.contents import NO_POINT, FileCamera, FilePhoto
from recon.poses.pose_files.placing import Placement
from recon.reporting import Progress

if TYPE_CHECKING:
    from pycolmap import (
        Camera,
        CancellationToken,
        IncrementalPipelineOptions,
        Reconstruction,
        Rigid3d,
    )

#: World units. A world whose things are nearer, or further, than this is scaled: what is drawn has
#: a near plane, and single precision.
_NEAREST, _FURTHEST = 0.1, 1000.0
_MOST_OFFSET = 1000.0  # of the scene's depth: so far from the origin single precision is lost


@dataclass(frozen=True)
class WorldMove:
    """x in the file's world is `scale * (x - origin)` in the scene's."""

    scale: float
    origin: tuple[float, float, float]


def model_from_file(placement: Placement) -> Reconstruction:
    """The photos and points of the file, those points that two of the photos see or more."""
    model = colmap().Reconstruction()
    cameras: dict[FileCamera, int] = {}
    for number, photo in enumerate(placement.photos, start=1):
        if photo.camera not in cameras:
            cameras[photo.camera] = len(cameras) + 1
            model.add_camera_with_trivial_rig(_camera(photo.camera, cameras[photo.camera]))
        image = colmap().Image(
            name=photo.name,
            keypoints=photo.xys.reshape(-1, 2),
            camera_id=cameras[photo.camera],
            image_id=number,
        )
        model.add_image_with_trivial_frame(image, _pose(photo))
    _add_points(model, placement)
    model.update_point_3d_errors()
    return model


def _add_points(model: Reconstruction, placement: Placement) -> None:
    tracks: dict[int, list[tuple[int, int]]] = {}
    for number, photo in enumerate(placement.photos, start=1):
        for keypoint, point in enumerate(photo.point_ids.tolist()):
            tracks.setdefault(point, []).append((number, keypoint))
    tracks.pop(NO_POINT, None)
    points = placement.points
    for point, xyz, rgb in zip(points.ids.tolist(), points.xyz, points.rgb, strict=True):
        seen = tracks.pop(point, [])
        if len({image for image, _ in seen}) < 2 or not np.isfinite(xyz).all():
            continue
        track = colmap().Track()
        for image, keypoint in seen:
            track.add_element(image, keypoint)
        model.add_point3D(xyz, track, rgb)


def triangulate(
    placement: Placement, database: Path, photos: Path, scratch: Path, *, seed: int,
    report: Progress,
) -> Reconstruction:  # fmt: skip
    """The photos of the file where it has them, and points from the matches in `database`, which
    has the placement's cameras for them; then the photos that the file lacks, each where it fits
    to these, if it does.

    `photos` is the folder of the prepared ones, `scratch` an empty one.
    """
    pycolmap = colmap()
    with pycolmap.Database.open(database) as content:
        cache = pycolmap.DatabaseCache.create(content, pycolmap.DatabaseCacheOptions())
    model = pycolmap.Reconstruction()
    model.load(cache)
    _give_poses(model, {photo.name: photo for photo in placement.photos})
    options = _options(model, placement, seed)
    found, more = scratch / "found", scratch / "more"

    def call(token: CancellationToken) -> Reconstruction:
        return pycolmap.triangulate_points(
            model, database, photos, found, options=options, cancellation_token=token
        )

    def call_for_others(token: CancellationToken) -> dict[int, Reconstruction]:
        return pycolmap.incremental_mapping(
            database, photos, more, options, input_path=found, cancellation_token=token
        )

    for folder in (found, more):
        folder.mkdir()
    made = run_native(call, lambda: report(0.0, "triangulating"))
    if placement.lacking and made.num_points3D():
        made.write(found)
        largest = run_native(call_for_others, lambda: report(0.5, "placing_others")).values()
        made = max([made, *largest], key=lambda one: one.num_reg_images())
    return made


def _give_poses(model: Reconstruction, photos: Mapping[str, FilePhoto]) -> None:
    """The file's poses and cameras for the model's images, which have none so far. In the database
    photos of one camera of the file have one camera, so it may be given more than once."""
    for image_id in sorted(model.images):
        image = model.image(image_id)
        photo = photos.get(image.name)
        if photo is None:
            continue
        model.camera(image.camera_id).params = photo.camera.params
        model.frame(image.frame_id).rig_from_world = _pose(photo)
        model.register_frame(image.frame_id)


def _options(model: Reconstruction, placement: Placement, seed: int) -> IncrementalPipelineOptions:
    """The file's poses and cameras stay as they are, whatever is placed beside them."""
    options = colmap().IncrementalPipelineOptions()
    options.num_threads = options.mapper.num_threads = 1  # so that sums are rounded alike
    options.random_seed = options.mapper.random_seed = seed
    options.triangulation.random_seed = seed
    options.fix_existing_frames = True
    options.multiple_models = False
    options.constant_cameras = {model.image(i).camera_id for i in model.reg_image_ids()}
    return options


def bring_near(model: Reconstruction) -> WorldMove | None:
    """Moves and scales the world of `model`, which has points, in place, where it could not be
    drawn exactly: far from its origin, tiny or huge. None where it stays as it is."""
    centres = np.array([model.image(i).projection_center() for i in model.reg_image_ids()])
    depth = _median_depth(model)
    middle = centres.mean(axis=0)
    near = _NEAREST <= depth <= _FURTHEST
    if near and np.linalg.norm(middle) <= _MOST_OFFSET * depth:
        return None
    scale = 1.0 if near else 10.0 ** -round(math.log10(depth))
    x, y, z = (float(value) for value in middle)
    move = WorldMove(scale, (x, y, z))
    pycolmap = colmap()
    model.transform(pycolmap.Sim3d(scale, pycolmap.Rotation3d(), -scale * middle))
    return move


def _median_depth(model: Reconstruction) -> float:
    """How far points are from the first photo that sees each, in the median."""
    centres = {i: model.image(i).projection_center() for i in model.reg_image_ids()}
    away = [
        np.linalg.norm(point.xyz - centres[point.track.elements[0].image_id])
        for point in model.points3D.values()
    ]
    return float(np.median(away))


def _camera(given: FileCamera, number: int) -> Camera:
    return colmap().Camera(
        model=given.model, width=given.width, height=given.height, params=given.params,
        camera_id=number,
    )  # fmt: skip


def _pose(photo: FilePhoto) -> Rigid3d:
    return colmap().Rigid3d(photo.cam_from_world)
