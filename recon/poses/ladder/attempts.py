"""The relaxed incremental mapper, from several starts.

With looser limits, the mapper takes more chances, and where it starts decides how they turn out:
with few and doubtful matches all eight photos of `cake` were placed from most starts, but the
matches that fitted were 78% from one and 87% from another. So several are tried, and the checks and
`candidates` see which model is best.
"""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from recon.poses.colmap.databases import copy_with_journal, count_photos
from recon.poses.colmap.mapping import IncrementalRun, MapperVariant
from recon.poses.ladder.attempt_ends import AttemptEnd, enough
from recon.poses.native import colmap, cores, run_side_by_side
from recon.reporting import Progress, part, within

if TYPE_CHECKING:
    from pycolmap import Reconstruction

_STARTS = 4  # pairs with the most verified matches, each the start of an attempt
_SEEDS = 3  # of the mapper's own start; given ones have one less


def relaxed_mapping(
    database: Path, photos: Path, scratch: Path, *, seed: int, report: Progress
) -> list[Reconstruction]:
    """The models of all attempts, as an `IncrementalRun` gives them, in the order of the list.

    Attempts run side by side on the cores that there are. What came of those before it in the list
    decides whether an attempt counts, never which was ready first, so that any machine ends with
    the same models.
    """
    variants, settled = _variants(database), scratch / "settled.db"
    copy_with_journal(database, settled)
    total = count_photos(settled)
    runs = []
    for number, variant in enumerate(variants):
        folder = scratch / str(number)
        folder.mkdir()
        runs.append(IncrementalRun(settled, photos, folder, seed=seed, variant=variant))
    models: list[Reconstruction] = []
    ends: list[AttemptEnd] = []

    def poll() -> None:
        number = min(len(ends), len(runs) - 1)
        share = part(report, number / len(runs), (number + 1) / len(runs))
        runs[number].tell(within(share, "attempt", number=number + 1))

    with closing(run_side_by_side(runs, poll, at_once=cores())) as results:
        for made in results:
            models += made
            ends.append(AttemptEnd.of(variants[len(ends)].start, made, database))
            coming = variants[len(ends)].start if len(ends) < len(variants) else None
            if enough(ends, coming, total):
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
