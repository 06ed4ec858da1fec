"""Makes output/cameras.json: the registered photos' cameras, and which of them the scene starts
from."""

from __future__ import annotations

import numpy as np

from recon.pipeline.outcome import Cameras, PlacedCamera
from recon.pipeline.workspace import Workspace
from recon.poses.start_photo import PlacedPhoto, choose
from recon.splats.scene import Model, Points, PosedPhoto, read_points


def write_cameras(workspace: Workspace, model: Model) -> None:
    start = _choose(model, read_points(workspace.undistorted_sparse))
    cameras = (_camera(i, photo, is_start=i == start) for i, photo in enumerate(model.photos))
    Cameras(tuple(cameras)).write(workspace)


def start_photo(workspace: Workspace, model: Model) -> PosedPhoto:
    """The photo that the scene starts from. Raises as `Cameras.read`."""
    start = Cameras.read(workspace).start
    found = next((photo for photo in model.photos if start and photo.name == start.img_name), None)
    return found or model.photos[_choose(model, read_points(workspace.undistorted_sparse))]


def _choose(model: Model, points: Points) -> int:
    return choose([_place_photo(photo, points) for photo in model.photos], points.xyz)


def _place_photo(photo: PosedPhoto, points: Points) -> PlacedPhoto:
    camera = photo.camera
    viewmat, K = camera.viewmat.double().numpy(), camera.K.double().numpy()
    return PlacedPhoto(
        rotation=viewmat[:3, :3],
        position=-viewmat[:3, :3].T @ viewmat[:3, 3],
        half=(camera.width / 2 / K[0, 0], camera.height / 2 / K[1, 1]),
        seen=np.flatnonzero(np.isin(points.ids, photo.point_ids)),
    )


def _camera(index: int, photo: PosedPhoto, *, is_start: bool) -> PlacedCamera:
    camera = photo.camera
    x, y, z = camera.viewmat[:3, :3].T.tolist()  # rows of world-from-camera
    return PlacedCamera(
        id=index,
        img_name=photo.name,
        width=camera.width,
        height=camera.height,
        position=tuple(camera.position.tolist()),
        rotation=(tuple(x), tuple(y), tuple(z)),
        fy=float(camera.K[1, 1]),
        fx=float(camera.K[0, 0]),
        cx=float(camera.K[0, 2]),
        cy=float(camera.K[1, 2]),
        start=is_start,
    )
