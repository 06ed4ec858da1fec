"""The relaxed incremental mapper, from several starts.

With looser limits, the mapper takes more chances, and where it starts decides how they turn out:
with few and doubtful matches all eight photos of `cake` were placed from most starts, but the
matches that fitted were 78% from one and 87% from another. So several are tried, and the checks and
`candidates` see which model is best.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

from recon.poses.colmap.mapping import MapperVariant, incremental_mapping
from recon.poses.ladder.candidates import CONVINCING
from recon.poses.models.agreement import agreements
from recon.poses.native import colmap
from recon.reporting import Progress, part, within

if TYPE_CHECKING:
    from pycolmap import Reconstruction

_STARTS = 4  # pairs with the most verified matches, each the start of an attempt
_SEEDS = 3  # of the mapper's own start; given ones have one less
_SECONDS = 45.0  # after which no other attempt begins

#: They are tried where the mapper's own start led to so large a part of the photos. If the matches
#: don't suffice for that, other starts fail too, and slowly.
_CARRIES = 0.5


def relaxed_mapping(
    database: Path, photos: Path, scratch: Path, *, seed: int, report: Progress
) -> list[Reconstruction]:
    """The models of all attempts, as `incremental_mapping` gives them, in the order made."""
    models: list[Reconstruction] = []
    variants = _variants(database)
    with colmap().Database.open(database) as content:
        total = content.num_images()
    most, began = 0, time.monotonic()
    for number, variant in enumerate(variants):
        if time.monotonic() - began > _SECONDS:
            break
        if variant.start is not None and most < _CARRIES * total:
            break
        folder = scratch / str(number)
        folder.mkdir()
        share = part(report, number / len(variants), (number + 1) / len(variants))
        attempt = within(share, "attempt", number=number + 1)
        made = incremental_mapping(
            database, photos, folder, seed=seed, report=attempt, variant=variant
        )
        models += made
        most = max([most, *(model.num_reg_images() for model in made)])
        if any(_convincing(model, total, database) for model in made):
            break
    return models


def _variants(database: Path) -> list[MapperVariant]:
    """The attempts: the mapper's own start, then the pairs with most matches.

    Where all focal lengths are known they are held, but in the first: few and doubtful matches
    say less about a lens than the metadata do. Each is made with more than one seed.
    """
    with colmap().Database.open(database) as content:
        known = all(camera.has_prior_focal_length for camera in content.read_all_cameras())
        pair_ids, counts = content.read_two_view_geometry_num_inliers()
    ranked = sorted(zip(counts, pair_ids, strict=True), reverse=True)
    starts = [colmap().pair_id_to_image_pair(pair_id) for _, pair_id in ranked[:_STARTS]]
    own = [MapperVariant(relaxed=True, hold_focal=known, reseed=n) for n in range(_SEEDS)]
    given = [
        MapperVariant(relaxed=True, hold_focal=known, start=start, reseed=n)
        for n in range(_SEEDS - 1)
        for start in starts
    ]
    free = [MapperVariant(relaxed=True)] if known else []
    return [*free, *own, *given]


def _convincing(model: Reconstruction, total: int, database: Path) -> bool:
    """Whether no other attempt is needed: all photos, and nearly all verified matches fit."""
    if model.num_reg_images() < total:
        return False
    fit = agreements(model, database)
    return sum(a.fitting for a in fit) >= CONVINCING * sum(a.matches for a in fit)
