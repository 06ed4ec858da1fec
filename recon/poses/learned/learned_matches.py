"""The learned rung's matches: ALIKED keypoints and LightGlue matches in a COLMAP database.

They join photos that SIFT can't: wide baselines, other light, little texture. They cost more, so a
quick look first leaves out pairs that share nothing (`retrieval`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from recon.poses.cameras import CameraGroup
from recon.poses.colmap.features import import_photos
from recon.poses.learned import networks, retrieval, weight_files
from recon.poses.learned.networks import Features, Networks
from recon.poses.native import colmap
from recon.reporting import Progress

if TYPE_CHECKING:
    from pycolmap import Database, TwoViewGeometryOptions

#: Up to so many photos every pair is looked at closely; of more, so many partners for each photo.
PARTNERS = 10

#: px in a photo of 1600 px: how far from its epipolar line a match may be. Larger photos are
#: looked at in a smaller size, so that their keypoints are less exact.
MAX_ERROR, MAX_ERROR_SIZE = 4.0, 1600

#: Verified matches of a pair, at least. Of 240 pairs of photos of different places the best has 34
#: by chance (docs/develop/learned-features.md).
MIN_INLIERS = 40

#: Of the work: finding keypoints, then looking for likely pairs.
_FINDING, _LOOKING = 0.2, 0.02


def available() -> str | None:
    """None where `build` can be used here, else why not, in plain words. Never downloads."""
    for library in ("torch", "kornia"):
        if find_spec(library) is None:
            return f"{library} is not installed"
    try:
        for weights in (weight_files.ALIKED, weight_files.LIGHTGLUE):
            weight_files.read(weights)
    except weight_files.MissingWeights as missing:
        return str(missing)
    return None


def build(
    database: Path,
    photos: Path,
    groups: Sequence[CameraGroup],
    *,
    seed: int,
    min_num_inliers: int,
    report: Progress,
    candidates: Sequence[tuple[str, str]] | None = None,
) -> None:
    """Writes cameras, images, keypoints, matches and verified pairs to the new file `database`.

    `photos` is the folder that the groups' names lie in. Of the pairs that `candidates` names, in
    either order, or else that look likely, two-view geometries are estimated by RANSAC, seeded by
    `seed`; pairs with fewer inliers than `min_num_inliers` or MIN_INLIERS have none. On a CPU the
    same photos and seed give the same database. Raises weight_files.MissingWeights, and what
    `report` raises, which is called for every photo and pair.
    """
    report(0.0, "loading_networks")
    ready = networks.load()
    names = sorted(name for group in groups for name in group.names)
    features: dict[str, Features] = {}
    for name in names:
        done = len(features)
        report(_FINDING * done / len(names), "photo", number=done + 1, total=len(names))
        features[name] = networks.detect(ready, photos / name)
    pairs = _chosen(names, features, candidates, report)
    colmap().Database.open(database).close()
    for group in groups:
        import_photos(database, photos, group)
    with colmap().Database.open(database) as content:
        ids = {image.name: image.image_id for image in content.read_all_images()}
        for name in names:
            content.write_keypoints(ids[name], features[name].xy)
        options = _verification(seed, min_num_inliers)
        for number, (a, b) in enumerate(pairs):
            reached = _FINDING + _LOOKING + (1 - _FINDING - _LOOKING) * number / len(pairs)
            report(reached, "pair", number=number + 1, total=len(pairs))
            _match(content, ready, options, {ids[a]: features[a], ids[b]: features[b]})
    report(1.0, "pairs_compared", count=len(pairs))


def _chosen(
    names: Sequence[str],
    features: Mapping[str, Features],
    candidates: Sequence[tuple[str, str]] | None,
    report: Progress,
) -> list[tuple[str, str]]:
    """The pairs to look at closely, in order of name."""
    everything = list(combinations(names, 2))
    if candidates is not None:
        asked = {tuple(sorted(pair)) for pair in candidates}
        return [pair for pair in everything if pair in asked]
    if len(names) <= PARTNERS + 1:
        return everything
    scores: dict[tuple[str, str], float] = {}
    for pair, score in retrieval.look(names, features):
        done = len(scores) / len(everything)
        report(_FINDING + _LOOKING * done, "looking_for_pairs")
        scores[pair] = score
    return retrieval.likely_pairs(names, scores, PARTNERS)


def _verification(seed: int, min_num_inliers: int) -> TwoViewGeometryOptions:
    options = colmap().TwoViewGeometryOptions()
    options.min_num_inliers = max(min_num_inliers, MIN_INLIERS)
    options.ransac.random_seed = seed
    return options


def _match(
    content: Database,
    ready: Networks,
    options: TwoViewGeometryOptions,
    pair: Mapping[int, Features],
) -> None:
    """Matches the two photos of `pair`, features by image id, and writes what fits."""
    (id_a, a), (id_b, b) = pair.items()
    matches = networks.match(ready, a, b)
    content.write_matches(id_a, id_b, matches)
    cameras = [content.read_camera(content.read_image(i).camera_id) for i in (id_a, id_b)]
    longest = max(*a.size, *b.size)
    options.ransac.max_error = MAX_ERROR * max(1.0, longest / MAX_ERROR_SIZE)
    geometry = colmap().estimate_two_view_geometry(
        cameras[0], a.xy.astype(np.float64), cameras[1], b.xy.astype(np.float64), matches, options
    )
    content.write_two_view_geometry(id_a, id_b, geometry)
