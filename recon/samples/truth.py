"""The true poses as a file, and how far found poses are from them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from recon.geometry import quaternion, rotation_matrix
from recon.samples.photos import SamplePhoto

Poses = Mapping[str, NDArray[np.float64]]  # cam_from_world [3, 4] by photo name

_ABOUT = (
    "cam_from_world: rotation as a quaternion (w, x, y, z) and translation in metres; camera axes "
    "x right, y down, z forward. Pixels: the centre of the top-left one is at (0.5, 0.5). Models "
    "and distortion are COLMAP's."
)


def write_truth(truth: Sequence[SamplePhoto], path: Path) -> None:
    """Writes what is known of the photos as JSON."""
    entries = [_entry(photo) for photo in truth]
    path.write_text(json.dumps({"about": _ABOUT, "photos": entries}, indent=1) + "\n")


def read_poses(path: Path) -> dict[str, NDArray[np.float64]]:
    """The poses that `write_truth` wrote, by photo name."""
    entries = json.loads(path.read_text())["photos"]
    return {
        entry["name"]: np.hstack([
            rotation_matrix(entry["cam_from_world"]["rotation"]),
            np.array(entry["cam_from_world"]["translation"])[:, None],
        ])
        for entry in entries
    }  # fmt: skip


def _entry(photo: SamplePhoto) -> dict[str, object]:
    K = photo.K
    return {
        "name": photo.name,
        "width": round(2 * K[0, 2]),  # the principal point is the middle
        "height": round(2 * K[1, 2]),
        "cam_from_world": {
            "rotation": quaternion(photo.cam_from_world[:, :3]).tolist(),
            "translation": photo.cam_from_world[:, 3].tolist(),
        },
        "camera": {
            "model": photo.lens.model,
            "fx": K[0, 0],
            "fy": K[1, 1],
            "cx": K[0, 2],
            "cy": K[1, 2],
            "distortion": list(photo.lens.distortion),
        },
    }


@dataclass(frozen=True)
class PoseErrors:
    """How far found cameras are from the true ones, brought as close as a similarity can."""

    rotations: NDArray[np.float64]  # [P] degrees
    positions: NDArray[np.float64]  # [P] parts of the scene's size

    @property
    def median_rotation(self) -> float:
        return float(np.median(self.rotations))

    @property
    def median_position(self) -> float:
        return float(np.median(self.positions))


def pose_errors(found: Poses, truth: Poses) -> PoseErrors:
    """The errors of the found poses, three at least; photos that were not placed do not count.

    The scene's size is the diagonal of the box around all true camera centres: strict, since what
    the cameras look at is larger.
    """
    names = sorted(found)
    true_centres = centres([truth[name] for name in names])
    scale, rotation, translation = umeyama(centres([found[name] for name in names]), true_centres)
    moved = scale * centres([found[name] for name in names]) @ rotation.T + translation
    size = np.linalg.norm(np.ptp(centres(list(truth.values())), axis=0))
    turns = [found[name][:, :3] @ rotation.T @ truth[name][:, :3].T for name in names]
    return PoseErrors(
        rotations=np.array([angle_of(turn) for turn in turns]),
        positions=np.linalg.norm(moved - true_centres, axis=1) / size,
    )


def centres(poses: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Camera centres [P, 3] of cam_from_world matrices [3, 4]."""
    return np.stack([-pose[:, :3].T @ pose[:, 3] for pose in poses])


def angle_of(rotation: NDArray[np.float64]) -> float:
    """Degrees of the turn that a rotation matrix [3, 3] makes; exact for small ones, too."""
    sine = np.linalg.norm(rotation - rotation.T) / (2 * np.sqrt(2))
    return float(np.degrees(np.arctan2(sine, (np.trace(rotation) - 1) / 2)))


def umeyama(
    source: NDArray[np.float64], target: NDArray[np.float64]
) -> tuple[float, NDArray[np.float64], NDArray[np.float64]]:
    """Scale, rotation, translation that carry `source` [P, 3] onto `target` (Umeyama 1991)."""
    a, b = source - source.mean(0), target - target.mean(0)
    u, singular, vt = np.linalg.svd(b.T @ a / len(a))
    sign = np.diag([1, 1, np.sign(np.linalg.det(u @ vt))])
    rotation = u @ sign @ vt
    scale = float(np.trace(np.diag(singular) @ sign) / a.var(0).sum())
    return scale, rotation, target.mean(0) - scale * rotation @ source.mean(0)
