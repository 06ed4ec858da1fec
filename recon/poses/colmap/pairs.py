"""Matching every photo with every other, geometric verification, and the pair graph."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from recon.poses.native import colmap, count_while_writing, run_native
from recon.reporting import Progress

if TYPE_CHECKING:
    from pycolmap import CancellationToken, TwoViewGeometryOptions


@dataclass(frozen=True)
class Pair:
    """Two photos that verifiably show something in common."""

    a: str  # photo name, a < b
    b: str
    inliers: int  # matches that fit the two-view geometry

    def to_dict(self) -> dict[str, object]:
        return asdict(self)


def match_exhaustively(
    database: Path, *, min_num_inliers: int, seed: int, report: Progress
) -> None:
    """Matches all pairs in `database` that have no matches yet and verifies them, in place.

    Two-view geometries are estimated by RANSAC, seeded for each pair by `seed`.
    """
    pycolmap = colmap()
    with pycolmap.Database.open(database) as content:
        photos = content.num_images()
    total = max(photos * (photos - 1) // 2, 1)

    def call(token: CancellationToken) -> None:
        pycolmap.match_exhaustive(
            database,
            verification_options=verification_options(min_num_inliers, seed),
            cancellation_token=token,
        )

    with count_while_writing(database, lambda content: content.num_matched_image_pairs()) as count:

        def poll() -> None:
            done = count()
            report(min(done / total, 1.0), "pair", number=min(done + 1, total), total=total)

        run_native(call, poll)


def verification_options(min_num_inliers: int, seed: int) -> TwoViewGeometryOptions:
    """pycolmap's options for verifying a pair."""
    options = colmap().TwoViewGeometryOptions()
    options.min_num_inliers = min_num_inliers
    options.ransac.random_seed = seed
    return options


def read_verified_pairs(database: Path) -> list[Pair]:
    """The verified pairs, by name."""
    pycolmap = colmap()
    with pycolmap.Database.open(database) as content:
        names = {image.image_id: image.name for image in content.read_all_images()}
        pair_ids, counts = content.read_two_view_geometry_num_inliers()
    pairs = []
    for pair_id, inliers in zip(pair_ids, counts, strict=True):
        a, b = sorted(names[i] for i in pycolmap.pair_id_to_image_pair(pair_id))
        if inliers > 0:
            pairs.append(Pair(a, b, int(inliers)))
    return sorted(pairs, key=lambda p: (p.a, p.b))
