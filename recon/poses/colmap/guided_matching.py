"""Guided matching: verified pairs are looked at again along the epipolar lines that were found.

Near its line a feature has few rivals, so that matches that were too doubtful among all features
become plain: three times as many in `kitchen`, where 20 photos of 20 are placed instead of 16. The
rule is COLMAP's (its `guided_matching`), and so are nearly all matches; but COLMAP takes a second
of processor time for a pair where this takes a twentieth.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from recon.poses import standing_still
from recon.poses.native import colmap, cores, run_side_by_side
from recon.reporting import Progress

if TYPE_CHECKING:
    from pycolmap import CancellationToken, Database, TwoViewGeometry

    from recon.poses.colmap.guided_kernels import Best

# COLMAP's limits.
_MAX_ERROR = 4.0  # px, from the epipolar line, or from where a plane's homography puts it
_MAX_DISTANCE = 0.7  # radians, between the descriptors of a match
_MAX_RATIO = 0.8  # of the distance to the next best

#: The scalar product of two equal SIFT descriptors, as COLMAP stores them.
_EQUAL = 512.0**2


@dataclass(frozen=True)
class _Photo:
    xy: NDArray[np.float32]  # [N, 2] px
    descriptors: NDArray[np.uint8]  # [N, 128]
    at: NDArray[np.float64]  # [N, 2], see `standing_still.normalise`


@dataclass(frozen=True)
class _VerifiedPair:
    """A pair to match again, called with a token as `native.run_side_by_side` does."""

    a: int  # image ids
    b: int
    geometry: TwoViewGeometry
    photos: tuple[_Photo, _Photo]
    still: bool

    def __call__(self, token: CancellationToken) -> NDArray[np.uint32]:
        """The matches, [M, 2] rows of the keypoints."""
        here, there = self.photos
        found = _match(here, there, self.geometry)
        if self.still:
            found = found[~standing_still.nearly_still(here.at, there.at, found)]
        return found.astype(np.uint32)


def match_again(database: Path, *, min_num_inliers: int, still: bool, report: Progress) -> None:
    """Gives the verified pairs of SIFT features in `database` the matches that their two-view
    geometries lead to, in place of those that they were found from.

    Pairs with fewer than `min_num_inliers` of them are not verified any more. Matches that move as
    little as what stands still are left out if something does (`still`). Raises what `report`
    raises, which then leaves `database` half done.
    """
    with colmap().Database.open(database) as content:
        pairs = _verified_pairs(content, min_num_inliers, still)
        done = 0

        def poll() -> None:
            number = min(done + 1, len(pairs))
            report(done / max(len(pairs), 1), "pair", number=number, total=len(pairs))

        with closing(run_side_by_side(pairs, poll, at_once=cores())) as results:
            for pair, found in zip(pairs, results, strict=True):
                content.delete_two_view_geometry(pair.a, pair.b)
                if len(found) >= min_num_inliers:
                    pair.geometry.inlier_matches = found
                    content.write_two_view_geometry(pair.a, pair.b, pair.geometry)
                done += 1


def _verified_pairs(content: Database, min_num_inliers: int, still: bool) -> list[_VerifiedPair]:
    cameras = {camera.camera_id: camera for camera in content.read_all_cameras()}
    photos: dict[int, _Photo] = {}
    for image in content.read_all_images():
        camera = cameras[image.camera_id]
        keypoints = np.array(content.read_keypoints(image.image_id), np.float32)
        xy = keypoints[:, :2] if len(keypoints) else np.zeros((0, 2), np.float32)
        descriptors = np.ascontiguousarray(content.read_descriptors(image.image_id).data)
        at = standing_still.normalise(xy, camera.width, camera.height)
        photos[image.image_id] = _Photo(xy, descriptors, at)
    found = []
    for pair_id, geometry in zip(*content.read_two_view_geometries(), strict=True):
        a, b = colmap().pair_id_to_image_pair(pair_id)
        if len(geometry.inlier_matches) >= min_num_inliers:
            found.append(_VerifiedPair(a, b, geometry, (photos[a], photos[b]), still))
    return found


def _match(a: _Photo, b: _Photo, geometry: TwoViewGeometry) -> NDArray[np.intp]:
    """The features of `a` and `b` that are each other's best near where `geometry` expects them."""
    # Here, since compiling takes a second that sets which the first rung wins need not pay.
    from recon.poses.colmap.guided_kernels import best_partners

    nearest = np.float32(_MAX_ERROR**2)
    reach, back = np.full(len(a.xy), nearest), np.zeros(len(b.xy), np.float32)
    if geometry.F is not None:
        matrix = geometry.F.astype(np.float32)
        guides, lines = _map(matrix, a.xy), _map(matrix.T, b.xy)
        # Sampson's distance, as COLMAP has it.
        reach, back = ((line[:, :2] ** 2).sum(axis=1) * nearest for line in (guides, lines))
    elif geometry.H is not None:  # a plane, or a turn of the camera
        guides = _map(geometry.H.astype(np.float32), a.xy)
        with np.errstate(divide="ignore", invalid="ignore"):
            guides /= guides[:, 2:]
    else:
        return np.asarray(geometry.inlier_matches, np.intp).reshape(-1, 2)
    xy = np.ascontiguousarray(b.xy.T)
    args = (guides, reach, xy, back, a.descriptors, b.descriptors, geometry.F is not None)
    forth, and_back = (_clear_ones(best) for best in best_partners(*args))
    found = np.flatnonzero(forth >= 0)
    mutual = found[and_back[forth[found]] == found]
    return np.column_stack([mutual, forth[mutual]])


def _map(matrix: NDArray[np.float32], xy: NDArray[np.float32]) -> NDArray[np.float32]:
    """`matrix` [3, 3] times (x, y, 1), [N, 3]; by no library whose threads round otherwise."""
    return xy[:, :1] * matrix[:, 0] + xy[:, 1:] * matrix[:, 1] + matrix[:, 2]


def _clear_ones(best: Best) -> NDArray[np.intp]:
    """The partner of each feature, -1 where it is not like it, or another is nearly as much."""
    partner, top, second = best
    nearest, next_best = (np.arccos(np.minimum(alike / _EQUAL, 1.0)) for alike in (top, second))
    clear = (nearest <= _MAX_DISTANCE) & (nearest < _MAX_RATIO * next_best)
    return np.where(clear, partner, -1).astype(np.intp)
