"""Can a model be trusted? Structure from motion can always make something up from chance matches.

Thresholds come from the caller (`MappingConfig`); this module measures and compares. `halves`
asks whether the model is one piece.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from recon.poses.config import MappingConfig
from recon.poses.groups import SOLID_INLIERS
from recon.poses.models.agreement import Agreement
from recon.poses.native import camera_of

if TYPE_CHECKING:
    from pycolmap import Camera, Image, Reconstruction

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
    median_reprojection_error: float  # px
    median_triangulation_angle: float  # degrees, each point's widest
    spread: float  # distance of the cameras furthest apart, over the median depth of the points
    behind: float  # part of the observations whose point lies behind the camera
    shortest_focal: float  # of the photo's longest side
    longest_focal: float  # of the photo's longest side
    focal_change: float  # the largest factor, either way, between a focal length and its prior
    agreeing: float  # part of the verified matches that fit the model

    def to_dict(self) -> dict[str, object]:
        return asdict(self)

    @property
    def in_words(self) -> str:
        return (
            f"{self.points} points, {self.points_per_photo:.0f} a photo, reprojection error "
            f"{self.median_reprojection_error:.2f} px, triangulation angle "
            f"{self.median_triangulation_angle:.1f}°"
        )


def measure(
    model: Reconstruction,
    agreements: Sequence[Agreement],
    priors: Mapping[str, float] | None = None,
) -> ModelFacts:
    """The facts of the pycolmap reconstruction `model`.

    `agreements` may be of photos that are no longer in it. `priors` are the focal lengths in px
    that the metadata of photos say, by name.
    """
    images = [model.images[i] for i in model.reg_image_ids()]
    observations = [int(image.num_points3D) for image in images]
    depths = _depths(model, images)
    focals = [_relative_focal(camera_of(image)) for image in images]
    errors = [point.error for point in model.points3D.values()]
    matches, fitting = _matches(agreements, set(model.reg_image_ids()))
    return ModelFacts(
        registered=len(images),
        points=int(model.num_points3D()),
        points_per_photo=float(np.mean(observations)) if observations else 0.0,
        fewest_points=min(observations, default=0),
        mean_reprojection_error=float(model.compute_mean_reprojection_error()),
        median_reprojection_error=float(np.median(errors)) if errors else 0.0,
        median_triangulation_angle=_median_angle(model),
        spread=_spread(images, depths),
        behind=float((depths <= 0).mean()) if depths.size else 0.0,
        shortest_focal=min(focals, default=0.0),
        longest_focal=max(focals, default=0.0),
        focal_change=_focal_change(images, priors or {}),
        agreeing=fitting / matches if matches else 0.0,
    )


def measure_again(
    model: Reconstruction, before: ModelFacts, priors: Mapping[str, float] | None = None
) -> ModelFacts:
    """The facts of `model` after its cameras were refined; the matches fit it as before."""
    return replace(measure(model, (), priors), agreeing=before.agreeing)


def drop_weak_photos(
    model: Reconstruction, agreements: Sequence[Agreement], limits: MappingConfig
) -> list[str]:
    """Removes photos with too weak a link from `model`; returns their names.

    Too little are fewer than `min_points_per_photo` points, or fewer than `solid_points_per_photo`
    where no pair with another placed photo has so many fitting matches that they can't be chance.
    Without this, a photo of another place could ride along on a handful of chance matches.
    """
    placed = set(model.reg_image_ids())
    firmest = dict.fromkeys(placed, 0)
    for pair in agreements:
        if pair.image_a in placed and pair.image_b in placed:
            for image_id in (pair.image_a, pair.image_b):
                firmest[image_id] = max(firmest[image_id], pair.fitting)
    weak = []
    for image in (model.images[i] for i in placed):
        by_chance = firmest[image.image_id] < SOLID_INLIERS
        needed = limits.solid_points_per_photo if by_chance else limits.min_points_per_photo
        if image.num_points3D < max(needed, limits.min_points_per_photo):
            weak.append(image)
    return take_out(model, weak)


def take_out(model: Reconstruction, images: Iterable[Image]) -> list[str]:
    """Removes the pycolmap `images` and what only they see from `model`; returns their names."""
    gone = list(images)
    names = sorted(image.name for image in gone)
    for frame_id in {image.frame_id for image in gone}:
        model.deregister_frame(frame_id)
    return names


def problems(facts: ModelFacts, limits: MappingConfig) -> list[str]:
    """Why the model can't be trusted, one clause each; empty if it can."""
    error, angle = facts.mean_reprojection_error, facts.median_triangulation_angle
    low, high = facts.shortest_focal, facts.longest_focal
    checks = [
        (facts.registered >= limits.min_registered,
         f"{facts.registered} photos registered, {limits.min_registered} needed"),
        (error <= limits.max_reprojection_error,
         f"reprojection error {error:.2f} px, {limits.max_reprojection_error:.2f} px allowed"),
        (angle >= limits.min_triangulation_angle,
         f"triangulation angle {angle:.1f}°, {limits.min_triangulation_angle:.1f}° needed"),
        (facts.spread >= limits.min_spread,
         f"all cameras within {facts.spread:.1%} of the scene's depth, "
         f"{limits.min_spread:.1%} needed"),
        (facts.behind <= limits.max_behind,
         f"{facts.behind:.1%} of the points lie behind the camera, "
         f"{limits.max_behind:.1%} allowed"),
        (limits.min_focal <= low and high <= limits.max_focal,
         f"focal lengths of {low:.2f} to {high:.2f} times the photo's longest side"),
        (facts.agreeing >= limits.min_agreeing,
         f"only {facts.agreeing:.0%} of the verified matches fit it, "
         f"{limits.min_agreeing:.0%} needed"),
    ]  # fmt: skip
    return [clause for passed, clause in checks if not passed]


def contradiction(facts: ModelFacts, limits: MappingConfig) -> str | None:
    """How the model contradicts the metadata, a clause; None where it doesn't.

    Apart from `problems`, since it may be the metadata that are wrong (`focal_retry`).
    """
    if facts.focal_change <= limits.max_focal_change:
        return None
    return f"a focal length {facts.focal_change:.2f} times off what the metadata say"


def _matches(agreements: Sequence[Agreement], placed: set[int]) -> tuple[int, int]:
    """(verified matches, those that fit) between photos in the model."""
    inside = [a for a in agreements if a.image_a in placed and a.image_b in placed]
    return sum(a.matches for a in inside), sum(a.fitting for a in inside)


def _relative_focal(camera: Camera) -> float:
    return float(camera.mean_focal_length()) / max(camera.width, camera.height)


def _focal_change(images: list[Image], priors: Mapping[str, float]) -> float:
    ratios = [
        camera_of(image).mean_focal_length() / priors[image.name]
        for image in images
        if image.name in priors
    ]
    return float(max((max(r, 1 / r) for r in ratios), default=1.0))


def _depths(model: Reconstruction, images: list[Image]) -> NDArray[np.float64]:
    """z in its photo's camera of every observation: [O]."""
    depths = []
    for image in images:
        ids = [p.point3D_id for p in image.get_observation_points2D()]
        if ids:
            xyz = np.array([model.points3D[i].xyz for i in ids])
            depths.append((xyz @ image.cam_from_world().matrix()[:, :3].T
                           + image.cam_from_world().translation)[:, 2])  # fmt: skip
    return np.concatenate(depths) if depths else np.zeros(0)


def _spread(images: list[Image], depths: NDArray[np.float64]) -> float:
    if not depths.size:
        return 0.0
    centres = np.array([image.projection_center() for image in images])
    apart = np.linalg.norm(centres[:, None] - centres[None], axis=-1).max()
    return float(apart / max(float(np.median(np.abs(depths))), 1e-12))


def _median_angle(model: Reconstruction) -> float:
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
