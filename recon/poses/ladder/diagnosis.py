"""Why photos make no model: the reasons that their matches alone can show.

Copies of one photo match perfectly and in place. Photos taken turning on the spot match well, and
a turn of the camera explains all that moved: nothing is nearer than anything else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from recon.poses.colmap.pairs import Pair
from recon.poses.groups import groups_by_any_pair
from recon.poses.native import colmap

if TYPE_CHECKING:
    from pycolmap import Camera

#: Verified matches of two copies move by less than this part of the longest side, in the median.
_SAME_PLACE = 0.002
#: A turn explains a pair whose matches it misses by less than this part of the longest side.
#: It misses those of a rendered panorama by 0.0014 at most, and in five real sets the median pair
#: by 0.009 or more.
_TURN_MISSES = 0.0025
#: So large a part of the pairs must be explained by turns.
_MOST = 0.9
#: Focal lengths tried, as parts of the longest side: the metadata may say nothing.
_FOCALS = np.geomspace(0.5, 1.6, 12)
_MOST_PAIRS = 30  # looked at: enough to tell 90% of them from none
_MOST_MATCHES = 200  # of a pair, looked at
_ENOUGH_MATCHES = 15
_ROUNDS = 2  # of fitting a turn anew to the matches that fit best


@dataclass(frozen=True)
class Diagnosis:
    """A reason with the code of its error and that error's facts."""

    code: str  # "photos_identical" or "no_baseline"
    facts: dict[str, int]
    why: str  # a sentence, for the log


@dataclass(frozen=True)
class _Matches:
    """The verified matches of a pair, from the photos' centres, in parts of the longest side."""

    a: str
    b: str
    here: NDArray[np.float64]  # [M, 2] in a
    there: NDArray[np.float64]  # [M, 2] in b


def diagnose(database: Path, names: Sequence[str], min_distinct: int) -> Diagnosis | None:
    """What the verified pairs between `names` in `database` say; None if they allow a model.

    Fewer than `min_distinct` different photos are too few.
    """
    pairs = _read(database, set(names))
    copies = [p for p in pairs if _median_movement(p) < _SAME_PLACE]
    distinct = groups_by_any_pair(names, (Pair(p.a, p.b, len(p.here)) for p in copies))
    if len(distinct) < min_distinct:
        facts = {"total": len(names), "distinct": len(distinct)}
        return Diagnosis("photos_identical", facts, f"{len(names)} photos, of which only "
                         f"{len(distinct)} are different")  # fmt: skip
    telling = [p for p in pairs if _median_movement(p) >= _SAME_PLACE]
    telling = telling[:: -(-len(telling) // _MOST_PAIRS) or 1]
    turned = _count_turns(telling)
    if len(telling) >= min_distinct - 1 and turned >= _MOST * len(telling):
        why = f"a turn of the camera explains {turned} of {len(telling)} pairs"
        return Diagnosis("no_baseline", {"turned": turned, "pairs": len(telling)}, why)
    return None


def _read(database: Path, names: set[str]) -> list[_Matches]:
    with colmap().Database.open(database) as content:
        images = {i.image_id: i for i in content.read_all_images() if i.name in names}
        cameras = {camera.camera_id: camera for camera in content.read_all_cameras()}
        places = {
            i: _centre(content.read_keypoints(i), cameras[image.camera_id])
            for i, image in images.items()
        }
        pairs = []
        for pair_id, geometry in zip(*content.read_two_view_geometries(), strict=True):
            a, b = colmap().pair_id_to_image_pair(pair_id)
            inliers = np.array(geometry.inlier_matches, dtype=np.intp).reshape(-1, 2)
            if a in images and b in images and len(inliers) >= _ENOUGH_MATCHES:
                some = inliers[:: max(1, len(inliers) // _MOST_MATCHES)]
                pairs.append(_Matches(images[a].name, images[b].name,
                                      places[a][some[:, 0]], places[b][some[:, 1]]))  # fmt: skip
    return pairs


def _centre(keypoints: NDArray[np.floating], camera: Camera) -> NDArray[np.float64]:
    xy = np.array(keypoints, dtype=float)[:, :2]
    return (xy - [camera.width / 2, camera.height / 2]) / max(camera.width, camera.height)


def _median_movement(pair: _Matches) -> float:
    return float(np.median(np.linalg.norm(pair.here - pair.there, axis=1)))


def _count_turns(pairs: list[_Matches]) -> int:
    """How many pairs a turn explains, at the one focal length where it explains most."""
    if not pairs:
        return 0
    misses = np.array([[_turn_misses(pair, focal) for pair in pairs] for focal in _FOCALS])
    return int((misses < _TURN_MISSES).sum(axis=1).max())


def _turn_misses(pair: _Matches, focal: float) -> float:
    """How far from its matches the best turn comes in the median, in parts of the longest side."""
    here, there = (_rays(xy, focal) for xy in (pair.here, pair.there))
    fitted = np.ones(len(here), dtype=bool)
    misses = np.zeros(len(here))
    for _ in range(_ROUNDS):
        # The rotation that brings `here` closest to `there` (Kabsch 1976).
        u, _, vt = np.linalg.svd(there[fitted].T @ here[fitted])
        rotation = u @ np.diag([1.0, 1.0, np.sign(np.linalg.det(u @ vt))]) @ vt
        seen = here @ rotation.T
        ahead = np.maximum(seen[:, 2:], 1e-6)
        misses = np.linalg.norm(seen[:, :2] / ahead * focal - pair.there, axis=1)
        fitted = misses <= np.quantile(misses, 0.8)
    return float(np.median(misses))


def _rays(xy: NDArray[np.float64], focal: float) -> NDArray[np.float64]:
    rays = np.concatenate([xy, np.full((len(xy), 1), focal)], axis=1)
    return rays / np.linalg.norm(rays, axis=1, keepdims=True)
