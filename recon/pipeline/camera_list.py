"""output/cameras.json: the registered photos' cameras, as graphdeco's viewers read them.

One entry a photo, sorted by name. The one that the scene starts from says `"start": true`; lists
that were written before that was chosen have none, and graphdeco's viewers don't mind it.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from recon.pipeline.workspace import Workspace, write_json
from recon.poses.start_photo import PlacedPhoto, choose
from recon.splats.scene import Model, Points, Posed, read_points


def write_cameras(workspace: Workspace, model: Model) -> None:
    start = _choose(model, read_points(workspace.undistorted_sparse))
    entries = [_graphdeco(i, photo, is_start=i == start) for i, photo in enumerate(model.photos)]
    write_json(workspace.cameras_json, entries)


def start_photo(workspace: Workspace, model: Model) -> Posed:
    """The photo that the scene starts from: the one that the list names, if it does."""
    named = _named_start(workspace.cameras_json)
    found = next((photo for photo in model.photos if photo.name == named), None)
    return found or model.photos[_choose(model, read_points(workspace.undistorted_sparse))]


def _named_start(path: Path) -> str | None:
    """None for a list that names none, or is none."""
    try:
        entries = json.loads(path.read_text())
        return next((str(one["img_name"]) for one in entries if one.get("start") is True), None)
    except (FileNotFoundError, ValueError, TypeError, KeyError, AttributeError):
        return None


def _choose(model: Model, points: Points) -> int:
    return choose([_placed(photo, points) for photo in model.photos], points.xyz)


def _placed(photo: Posed, points: Points) -> PlacedPhoto:
    camera = photo.camera
    viewmat, K = camera.viewmat.double().numpy(), camera.K.double().numpy()
    return PlacedPhoto(
        rotation=viewmat[:3, :3],
        position=-viewmat[:3, :3].T @ viewmat[:3, 3],
        half=(camera.width / 2 / K[0, 0], camera.height / 2 / K[1, 1]),
        seen=np.flatnonzero(np.isin(points.ids, photo.point_ids)),
    )


def _graphdeco(index: int, photo: Posed, *, is_start: bool) -> dict[str, Any]:
    """World-from-camera, pixels. graphdeco takes the principal point for the middle; cx and cy are
    ours, as `start` is."""
    camera = photo.camera
    entry = {
        "id": index,
        "img_name": photo.name,
        "width": camera.width,
        "height": camera.height,
        "position": camera.position.tolist(),
        "rotation": camera.viewmat[:3, :3].T.tolist(),
        "fy": float(camera.K[1, 1]),
        "fx": float(camera.K[0, 0]),
        "cx": float(camera.K[0, 2]),
        "cy": float(camera.K[1, 2]),
    }
    return entry | ({"start": True} if is_start else {})
