"""What two small photos have in common, in milliseconds: SIFT in memory, no database.

A quick look that advises a person while photos still arrive. It is not what reconstructs: the
stages look closer, and harder. Pixels here are those of the small photo (`LONGEST`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from math import hypot, lgamma, log
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from recon.poses import standing_still
from recon.poses.native import colmap
from recon.poses.standing_still import StillMatches

if TYPE_CHECKING:
    from pycolmap import FeatureExtractionOptions, RANSACOptions

LONGEST = 800  # px, of the photo that features are found in
MAX_FEATURES = 1500  # a photo
FIRST_OCTAVE = 0  # no enlarged octave: it costs most of the time and adds little here

MAX_RATIO = 0.8  # of the angles to the nearest and second nearest descriptor (Lowe 2004)
MAX_ANGLE = 0.7  # radians between two descriptors

EPIPOLAR_ERROR = 3.0  # px
FLAT_ERROR = 1.5  # px, from where a homography puts a point
SEED = 42

#: With fewer matches no fundamental matrix says anything: it fits seven points exactly.
_MINIMAL = 7
_MIN_MATCHES = 10

#: Points along each side of the grid that measures the overlap of two photos.
_GRID = 16


@dataclass(frozen=True)
class QuickFeatures:
    """What is kept of a photo to compare it with others."""

    width: int  # px, of the small photo
    height: int  # px
    points: NDArray[np.float32]  # [N, 2] px, top-left pixel's centre at (0.5, 0.5)
    descriptors: NDArray[np.uint8]  # [N, 128]
    detail: NDArray[np.float32]  # [N, 4], log2, see `sharpness.at`; of the larger photo


@dataclass(frozen=True)
class PairFacts:
    """What two photos, a and b, have in common."""

    matches: int  # mutual nearest neighbours that pass the ratio test
    inliers: int  # of them, those that fit one epipolar geometry
    log_chance: float  # log10 of how many such fits chance alone would give; below 0 is unlikely
    flat: float  # share of the inliers that one homography explains
    overlap: float  # share of each photo that the homography finds in the other, the smaller
    homography: tuple[float, ...] | None  # row by row, px of a -> px of b; with enough inliers
    detail_change: tuple[float, ...] | None  # [4], log2, a -> b, median at the common points
    still: StillMatches  # of all matches


#: What is known of two photos that can't be compared.
NOTHING = PairFacts(0, 0, 0.0, 0.0, 0.0, None, None, standing_still.NONE)


def extract(luminance: NDArray[np.uint8]) -> QuickFeatures:
    """SIFT features of the small photo `luminance` [H, W]; their detail is not known yet."""
    height, width = luminance.shape
    pycolmap = colmap()
    extractor = pycolmap.FeatureExtractor.create(_extraction_options(), pycolmap.Device.cpu)
    keypoints, descriptors = extractor.extract_from_uint8_array(luminance)
    points = np.array([(point.x, point.y) for point in keypoints], np.float32).reshape(-1, 2)
    unknown = np.zeros((len(points), 4), np.float32)
    return QuickFeatures(width, height, points, np.asarray(descriptors.data, np.uint8), unknown)


def compare(a: QuickFeatures, b: QuickFeatures) -> PairFacts:
    """What the photos with features `a` and `b` have in common."""
    matches = _match(a.descriptors, b.descriptors)
    still = _still(a, b, matches)
    if len(matches) < _MIN_MATCHES:
        return _nothing(matches, still)
    points_a = a.points[matches[:, 0]].astype(np.float64)
    points_b = b.points[matches[:, 1]].astype(np.float64)
    pycolmap = colmap()
    found = pycolmap.estimate_fundamental_matrix(points_a, points_b, _ransac(EPIPOLAR_ERROR))
    if not found:
        return _nothing(matches, still)
    fits = np.asarray(found["inlier_mask"], bool)
    inliers = int(fits.sum())
    chance = _log_chance(len(matches), inliers, _strip_area(a, b))
    flat, overlap, homography = _flat_part(a, b, points_a[fits], points_b[fits])
    change = np.median(b.detail[matches[fits, 1]] - a.detail[matches[fits, 0]], axis=0)
    return PairFacts(
        len(matches), inliers, chance, flat, overlap, homography, tuple(map(float, change)), still
    )


def _nothing(matches: NDArray[np.intp], still: StillMatches) -> PairFacts:
    return PairFacts(len(matches), 0, 0.0, 0.0, 0.0, None, None, still)


def _still(a: QuickFeatures, b: QuickFeatures, matches: NDArray[np.intp]) -> StillMatches:
    here, there = (standing_still.normalise(f.points, f.width, f.height) for f in (a, b))
    return standing_still.find_still_matches(here, there, matches)


def reversed_pair(facts: PairFacts) -> PairFacts:
    """The same facts of photos b and a."""
    homography, change = facts.homography, facts.detail_change
    if homography is not None:
        inverse = np.linalg.inv(np.reshape(homography, (3, 3)))
        homography = tuple(map(float, inverse.ravel()))
    if change is not None:
        change = tuple(-part for part in change)
    return replace(facts, homography=homography, detail_change=change)


def _match(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> NDArray[np.intp]:
    """Rows of `a` and `b` that are each other's nearest, and clearly so from both sides: [M, 2]."""
    if len(a) < 2 or len(b) < 2:
        return np.empty((0, 2), np.intp)
    cosines = _units(a) @ _units(b).T
    best_b, clear_a = _nearest(cosines)
    best_a, clear_b = _nearest(cosines.T)
    mutual = best_a[best_b] == np.arange(len(a))
    matches = np.flatnonzero(mutual & clear_a & clear_b[best_b])
    return np.stack([matches, best_b[matches]], axis=1)


def _nearest(cosines: NDArray[np.float32]) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """For each row its nearest column, and whether that is near, and clearly the nearest."""
    rows = np.arange(len(cosines))
    best = cosines.argmax(axis=1)
    highest = cosines[rows, best]
    cosines[rows, best] = -1.0
    second = cosines.max(axis=1)
    cosines[rows, best] = highest
    nearest, next_one = (np.arccos(np.clip(c, -1.0, 1.0)) for c in (highest, second))
    return best, (nearest < MAX_RATIO * next_one) & (nearest < MAX_ANGLE)


def _units(descriptors: NDArray[np.uint8]) -> NDArray[np.float32]:
    vectors = descriptors.astype(np.float32)
    return vectors / (np.linalg.norm(vectors, axis=1, keepdims=True) + np.float32(1e-6))


def _log_chance(matches: int, inliers: int, strip: float) -> float:
    """log10 of the expected number of fundamental matrices that as many of `matches` random point
    pairs would fit: Moisan and Stival (2004), "A probabilistic criterion to detect rigid point
    matches between two images and estimate the fundamental matrix".

    `strip` is the part of a photo within `EPIPOLAR_ERROR` of an epipolar line.
    """
    if inliers <= _MINIMAL:
        return 0.0
    ways = log(matches - _MINIMAL) + _log_choose(matches, inliers) + _log_choose(inliers, _MINIMAL)
    return min(0.0, (ways + (inliers - _MINIMAL) * log(strip)) / log(10))


def _log_choose(n: int, k: int) -> float:
    return lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1)


def _strip_area(a: QuickFeatures, b: QuickFeatures) -> float:
    return max(2 * EPIPOLAR_ERROR * hypot(f.width, f.height) / (f.width * f.height) for f in (a, b))


def _flat_part(
    a: QuickFeatures, b: QuickFeatures, points_a: NDArray[np.generic], points_b: NDArray[np.generic]
) -> tuple[float, float, tuple[float, ...] | None]:
    """How far one homography explains the pair: its share of inliers, the overlap, its entries."""
    if len(points_a) < _MIN_MATCHES:
        return 0.0, 0.0, None
    found = colmap().estimate_homography_matrix(points_a, points_b, _ransac(FLAT_ERROR))
    if not found or abs(np.linalg.det(found["H"])) < 1e-12:
        return 0.0, 0.0, None
    matrix = np.asarray(found["H"], np.float64)
    overlap = min(_lands_inside(matrix, a, b), _lands_inside(np.linalg.inv(matrix), b, a))
    return found["num_inliers"] / len(points_a), overlap, tuple(map(float, matrix.ravel()))


def _lands_inside(matrix: NDArray[np.generic], a: QuickFeatures, b: QuickFeatures) -> float:
    """The share of photo `a` that `matrix` puts inside photo `b`."""
    parts = (np.arange(_GRID) + 0.5) / _GRID
    x, y = (grid.ravel() for grid in np.meshgrid(parts * a.width, parts * a.height))
    there = matrix @ np.stack([x, y, np.ones_like(x)])
    with np.errstate(divide="ignore", invalid="ignore"):
        x, y = there[:2] / there[2]
    return float(((x >= 0) & (x <= b.width) & (y >= 0) & (y <= b.height)).mean())


def _ransac(max_error: float) -> RANSACOptions:
    options = colmap().RANSACOptions()
    options.max_error = max_error
    options.random_seed = SEED
    options.min_num_trials, options.max_num_trials = 200, 2000
    return options


@cache
def _extraction_options() -> FeatureExtractionOptions:
    options = colmap().FeatureExtractionOptions()
    options.use_gpu = False
    options.num_threads = 1
    options.sift.max_num_features = MAX_FEATURES
    options.sift.first_octave = FIRST_OCTAVE
    return options
