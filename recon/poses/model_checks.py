"""Is a model one? Structure from motion can always make something up from chance matches.

Thresholds come from the caller; this module measures and compares.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: Points looked at for triangulation angles; a median needs no more.
MAX_ANGLE_POINTS = 2000


@dataclass(frozen=True)
class ModelFacts:
    """What a reconstruction looks like in numbers."""

    registered: int  # photos
    points: int
    points_per_photo: float  # mean observations per registered photo
    fewest_points: int  # observations in the registered photo that has the fewest
    mean_reprojection_error: float  # px
    median_triangulation_angle: float  # degrees, each point's widest

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def measure(model: Any) -> ModelFacts:
    """The facts of the pycolmap reconstruction `model`."""
    images = [model.images[i] for i in model.reg_image_ids()]
    observations = [int(image.num_points3D) for image in images]
    return ModelFacts(
        registered=len(images),
        points=int(model.num_points3D()),
        points_per_photo=float(np.mean(observations)) if observations else 0.0,
        fewest_points=min(observations, default=0),
        mean_reprojection_error=float(model.compute_mean_reprojection_error()),
        median_triangulation_angle=_median_angle(model),
    )


def drop_weak_photos(model: Any, min_points: float) -> list[str]:
    """Takes photos that see fewer than `min_points` points out of `model`; returns their names.

    Without this, a photo of another place could ride along on a handful of chance matches.
    """
    weak = [model.images[i] for i in model.reg_image_ids()]
    weak = [image for image in weak if image.num_points3D < min_points]
    names = sorted(image.name for image in weak)
    for frame_id in {image.frame_id for image in weak}:
        model.deregister_frame(frame_id)
    return names


def problems(
    facts: ModelFacts,
    *,
    min_registered: int,
    max_reprojection_error: float,
    min_triangulation_angle: float,
) -> list[str]:
    """Why the model is none, one clause each; empty for a model that can be trusted."""
    found = []
    if facts.registered < min_registered:
        found.append(f"{facts.registered} photos registered, {min_registered} needed")
    if not facts.mean_reprojection_error <= max_reprojection_error:
        found.append(
            f"reprojection error {facts.mean_reprojection_error:.2f} px, "
            f"{max_reprojection_error:.2f} px allowed"
        )
    if not facts.median_triangulation_angle >= min_triangulation_angle:
        found.append(
            f"triangulation angle {facts.median_triangulation_angle:.1f}°, "
            f"{min_triangulation_angle:.1f}° needed"
        )
    return found


def _median_angle(model: Any) -> float:
    """Median over points of the widest angle between two of a point's viewing rays, degrees."""
    centres = {i: model.images[i].projection_center() for i in model.reg_image_ids()}
    points = list(model.points3D.values())
    chosen = points[:: max(1, len(points) // MAX_ANGLE_POINTS)]
    angles = [
        _widest_angle(np.array([centres[e.image_id] for e in point.track.elements]) - point.xyz)
        for point in chosen
    ]
    return float(np.median(angles)) if angles else 0.0


def _widest_angle(rays: NDArray[np.float64]) -> float:
    """The widest angle in degrees between two of `rays` [R, 3]."""
    units = rays / np.linalg.norm(rays, axis=1, keepdims=True)
    return float(np.degrees(np.arccos(np.clip((units @ units.T).min(), -1.0, 1.0))))
