"""What stands still in a COLMAP database, and its pairs verified again without."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from recon.poses import standing_still
from recon.poses.colmap.pairs import verification_options
from recon.poses.native import colmap
from recon.poses.standing_still import NONE, StillMatches
from recon.reporting import Progress

if TYPE_CHECKING:
    from pycolmap import Camera, Database

#: Photos whose shapes differ by less than this part can have something that stands still in both.
_SAME_SHAPE = 0.01


@dataclass(frozen=True)
class _Photo:
    name: str
    camera: Camera
    xy: NDArray[np.float64]  # [N, 2] px
    at: NDArray[np.float64]  # [N, 2], see `standing_still.normalise`

    def is_shaped_like(self, other: _Photo) -> bool:
        ratio = self.camera.width * other.camera.height / (self.camera.height * other.camera.width)
        return abs(ratio - 1) < _SAME_SHAPE


def still_share(database: Path) -> float | None:
    """The part of the photos' picture in which something stands still while the rest moves, by the
    matches in `database`; None where nothing does."""
    with _open(database) as (content, photos):
        found: dict[tuple[int, int], StillMatches] = {
            (a, b): NONE
            for a, b in combinations(sorted(photos), 2)
            if photos[a].is_shaped_like(photos[b])
        }
        for a, b, matches in _matches(content):
            if (a, b) in found:
                found[a, b] = standing_still.find_still_matches(photos[a].at, photos[b].at, matches)
    return standing_still.still_share(list(found.values()))


def verify_without(database: Path, *, min_num_inliers: int, seed: int, report: Progress) -> int:
    """Verifies again, in place, the pairs with matches that stand still, by their other matches.

    The matches themselves stay: a job with more photos looks at them anew. Returns how many pairs
    are left of those. Raises what `report` raises.
    """
    options = verification_options(min_num_inliers, seed)
    left = 0
    with _open(database) as (content, photos):
        pairs = list(_matches(content))
        for number, (a, b, matches) in enumerate(pairs):
            report(number / len(pairs), "pair", number=number + 1, total=len(pairs))
            still = standing_still.nearly_still(photos[a].at, photos[b].at, matches)
            if not still.any():
                continue
            geometry = colmap().estimate_two_view_geometry(
                photos[a].camera, photos[a].xy, photos[b].camera, photos[b].xy,
                matches[~still].astype(np.uint32), options,
            )  # fmt: skip
            if content.exists_two_view_geometry(a, b):
                content.delete_two_view_geometry(a, b)
            if len(geometry.inlier_matches) >= min_num_inliers:
                content.write_two_view_geometry(a, b, geometry)
                left += 1
    return left


@contextmanager
def _open(database: Path) -> Iterator[tuple[Database, dict[int, _Photo]]]:
    """The open database and its photos by their image ids."""
    with colmap().Database.open(database) as content:
        cameras = {camera.camera_id: camera for camera in content.read_all_cameras()}
        photos = {}
        for image in content.read_all_images():
            camera = cameras[image.camera_id]
            keypoints = np.array(content.read_keypoints(image.image_id), float)
            xy = keypoints[:, :2] if len(keypoints) else np.zeros((0, 2))
            at = standing_still.normalise(xy, camera.width, camera.height)
            photos[image.image_id] = _Photo(image.name, camera, xy, at)
        yield content, photos


def _matches(content: Database) -> Iterator[tuple[int, int, NDArray[np.intp]]]:
    """The image ids of every pair with matches, and these: [M, 2] rows of the keypoints."""
    for pair_id, matches in zip(*content.read_all_matches(), strict=True):
        a, b = colmap().pair_id_to_image_pair(pair_id)
        rows = np.array(matches, dtype=np.intp).reshape(-1, 2)
        if len(rows):
            yield a, b, rows
