"""Where a rung's matches come from: plain SIFT, the same guided, strong SIFT, learned features.

Plain SIFT is what COLMAP_FEAT and COLMAP_MATCH made. The others are made when a rung first asks,
each into a database of its own that stays in `colmap/`, so that nothing is computed twice.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from recon.poses.cameras import ORDINARY_MODEL, CameraGroup
from recon.poses.colmap import databases, features, guided_matching, pairs, still_pairs
from recon.poses.config import MappingConfig
from recon.poses.learned import learned_matches
from recon.reporting import Progress, part

_VERSION = 4  # raise it when what `build` makes of the same photos changes


_BUILT = 0.9  # of a guided source's progress, when its pairs are matched again


@dataclass(frozen=True)
class Work:
    """What the ladder works on."""

    photos: Path  # folder
    database: Path  # plain SIFT, matched
    folder: Path  # folder that the other sources' databases stay in
    groups: Sequence[CameraGroup]
    photos_digest: str  # of the photos' content
    seed: int
    min_num_inliers: int  # verified matches for a pair to count
    still: bool  # whether something stands still in the pictures, see `standing_still`
    config: MappingConfig

    @property
    def names(self) -> list[str]:
        return sorted(name for group in self.groups for name in group.names)

    @property
    def focal_priors(self) -> dict[str, float]:
        """px, by name, of the photos whose metadata say so."""
        return {n: g.focal for g in self.groups if g.focal is not None for n in g.names}

    def without_focals(self, names: Collection[str]) -> Work:
        """The same, where the metadata of the photos `names` say no focal length."""
        doubted = set(names)
        groups = [
            replace(g, focal=None, model=ORDINARY_MODEL) if doubted.intersection(g.names) else g
            for g in self.groups
        ]
        return replace(self, groups=groups)

    def with_own_cameras(self) -> Work:
        """The same, where no two photos are by one camera."""
        return replace(self, groups=[replace(g, names=(n,)) for g in self.groups for n in g.names])


@dataclass(frozen=True)
class Source:
    """One way to find out what photos have in common."""

    name: str
    title: str
    missing: Callable[[], str | None]  # why it can't be used here, a clause; None where it can
    # Writes a fresh database with verified pairs; None where the stages before have done so.
    build: Callable[[Work, Path, Progress], None] | None
    guided: bool = False  # whether the pairs are then matched again, see `guided_matching`


def database_of(source: Source, work: Work, report: Progress) -> Path:
    """The source's database, made now or earlier.

    Raises what `report` raises, and sqlite3.DatabaseError where what was made is damaged.
    """
    if source.build is None:
        return work.database
    path = work.folder / f"{source.name}-{_key(source, work)}.db"
    if not (path.is_file() and databases.is_sound(path)):
        # In a folder, because SQLite keeps its journal beside the file.
        with tempfile.TemporaryDirectory(
            dir=work.folder, prefix=".scratch-", ignore_cleanup_errors=True
        ) as scratch:
            made, settled = Path(scratch) / "database.db", Path(scratch) / "settled.db"
            _make(source, source.build, work, made, report)
            databases.copy_with_journal(made, settled)
            for outdated in work.folder.glob(f"{source.name}-*.db"):
                outdated.unlink()
            os.replace(settled, path)
    return path


def _make(
    source: Source, build: Callable[[Work, Path, Progress], None], work: Work, database: Path,
    report: Progress,
) -> None:  # fmt: skip
    build(work, database, part(report, 0.0, _BUILT if source.guided else 1.0))
    enough = work.min_num_inliers
    if work.still:
        again = part(report, _BUILT, _BUILT) if source.guided else part(report, 1.0, 1.0)
        still_pairs.verify_without(database, min_num_inliers=enough, seed=work.seed, report=again)
    if source.guided:
        guided_matching.match_again(
            database, min_num_inliers=enough, still=work.still, report=part(report, _BUILT, 1.0)
        )


def _key(source: Source, work: Work) -> str:
    """Changes with everything that decides what the database says."""
    deciding: dict[str, object] = {
        "version": _VERSION,
        "photos": work.photos_digest,
        "cameras": [asdict(group) for group in work.groups],
        "seed": work.seed,
        "min_num_inliers": work.min_num_inliers,
        "still": work.still,
    }
    if source is GUIDED:
        deciding["plain"] = [databases.features_digest(work.database),
                             databases.matches_digest(work.database)]  # fmt: skip
    if source is STRONG:
        config = work.config
        deciding |= {"size": config.strong_max_image_size, "count": config.strong_max_num_features}
    return hashlib.sha256(json.dumps(deciding, sort_keys=True).encode()).hexdigest()[:16]


def _nothing_missing() -> None:
    return None


def _copy_plain(work: Work, database: Path, report: Progress) -> None:
    databases.copy_with_journal(work.database, database)


def _build_strong(work: Work, database: Path, report: Progress) -> None:
    features.extract(
        database,
        work.photos,
        work.groups,
        max_image_size=work.config.strong_max_image_size,
        max_num_features=work.config.strong_max_num_features,
        strong=True,
        report=part(report, 0.0, 0.6),
    )
    pairs.match_exhaustively(
        database,
        min_num_inliers=work.min_num_inliers,
        seed=work.seed,
        report=part(report, 0.6, 1.0),
    )


def _learned_missing() -> str | None:
    missing = learned_matches.available()
    return missing and f"{missing}, and photos that SIFT can't join stay out for want of them"


def _build_learned(work: Work, database: Path, report: Progress) -> None:
    learned_matches.build(
        database, work.photos, work.groups,
        seed=work.seed, min_num_inliers=work.min_num_inliers, report=report,
    )  # fmt: skip


PLAIN = Source("plain", "SIFT", _nothing_missing, None)
#: Its pairs are plain SIFT's, or fewer.
GUIDED = Source("guided", "SIFT, guided", _nothing_missing, _copy_plain, guided=True)
STRONG = Source("strong", "strong SIFT", _nothing_missing, _build_strong, guided=True)
LEARNED = Source("learned", "learned features", _learned_missing, _build_learned)
