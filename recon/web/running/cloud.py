"""The points and cameras of the model that COLMAP made, as the page's drawing wants them.

Numbers are whole, in thousandths of the cloud's size around its middle: some 100 kB for 4,000
points. Cameras, and three quarters of the points, lie within 1,000 of it. No names of photos: a
shared page also draws it.
"""

from __future__ import annotations

import json
import math
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from recon.jobs.folder import mirror
from recon.models import Job
from recon.picture_size import fitted_size
from recon.pipeline.start_view import StartView
from recon.pipeline.workspace import Workspace
from recon.poses.colmap.sparse_model import RegisteredPhoto, SparseModel, read_sparse
from recon.web import files_on_demand

MOST_POINTS = 4000
_FAR = 0.95  # of the points; those beyond are left out, they are mostly wrong
_NEAR = 0.75  # of the points lie within the cloud's size; the others only a little outside


def is_ready(job: Job) -> bool:
    """Whether the cameras have been placed. The stage puts the model's folder in place at once."""
    return mirror.has(job, f"{mirror.path_of(job, job.workspace.sparse)}/points3D.bin")


def cloud_of(job: Job) -> Path | None:
    """The drawing's numbers as a JSON file, kept in the job's folder. None where there are none."""
    mirror.pull(job, mirror.path_of(job, job.workspace.sparse))
    try:
        return files_on_demand.made_from(
            job.workspace.sparse / "points3D.bin",
            job.folder / "thumbs" / "cloud.json",
            lambda place: _write_cloud(read_sparse(job.workspace.sparse), place),
        )
    except (OSError, ValueError):
        return None


def view_from(workspace: Workspace, photo: str, trained_size: int | None) -> StartView | None:
    """Where the viewer starts for a scene in training: the place that `photo` was taken from.

    `trained_size` is the longest side trained at, px.
    None where the model or the photo is not there.
    """
    try:
        made = (workspace.sparse / "points3D.bin").stat().st_mtime_ns
        model = _model(workspace.sparse, made)
    except (OSError, ValueError):
        return None
    placed = next((p for p in model.photos if p.name == photo), None)
    if placed is None:
        return None
    trained_height = fitted_size(placed.width, placed.height, trained_size)[1]
    return _view(placed, _depth(placed, model.points), trained_height=trained_height)


@lru_cache(maxsize=4)
def _model(folder: Path, made: int) -> SparseModel:
    """The model in `folder`, which was `made` at that time. Polls ask for it again and again."""
    return read_sparse(folder)


def _write_cloud(model: SparseModel, place: Path) -> None:
    place.write_text(json.dumps(_cloud(model), separators=(",", ":")))


def _cloud(model: SparseModel) -> dict[str, object]:
    """Raises ValueError for a model without points or photos."""
    if len(model.points) < 3 or not model.photos:
        raise ValueError("nothing to draw")
    chosen = np.argsort(-model.seen, kind="stable")
    middle = np.median(model.points, axis=0)
    distances = np.linalg.norm(model.points - middle, axis=1)
    chosen = chosen[distances[chosen] <= np.quantile(distances, _FAR)][:MOST_POINTS]
    cameras = np.array([photo.position for photo in model.photos])
    size = float(max(np.quantile(distances, _NEAR), np.linalg.norm(cameras - middle, axis=1).max()))

    def whole(values: NDArray[np.float64]) -> object:  # numbers, in lists as the values are
        return np.rint(1000 * values).astype(int).tolist()

    return {
        "points": whole((model.points[chosen] - middle) / size),
        "colours": model.colours[chosen].tolist(),
        "cameras": [
            {
                "position": whole((photo.position - middle) / size),
                "axes": whole(photo.rotation),  # right, down, forward
                "half": [
                    round(photo.width / (2 * photo.fy), 3), round(photo.height / (2 * photo.fy), 3)
                ],
            }
            for photo in model.photos
        ],
        "up": whole(-np.mean([photo.rotation[1] for photo in model.photos], axis=0)),
    }  # fmt: skip


def _depth(photo: RegisteredPhoto, points: NDArray[np.float64]) -> float:
    """The middle depth of the points before the camera, in world units."""
    depths = (points - photo.position) @ photo.rotation[2]
    before = depths[depths > 0]
    return float(np.median(before)) if len(before) else 1.0


def _view(photo: RegisteredPhoto, depth: float, *, trained_height: int) -> StartView:
    return StartView(
        position=_vector(photo.position),
        target=_vector(photo.position + depth * photo.rotation[2]),
        up=_vector(-photo.rotation[1]),
        fov_y_degrees=math.degrees(2 * math.atan(photo.height / (2 * photo.fy))),
        aspect=photo.width / photo.height,
        trained_height=trained_height,
    )


def _vector(values: NDArray[np.float64]) -> tuple[float, float, float]:
    x, y, z = values.tolist()
    return x, y, z
