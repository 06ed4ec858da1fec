"""What an earlier job computed of the same photos: `colmap/known/`, where "Add photos and run
again" puts that job's `colmap/database.db` and `work/photos.json`.

It saves work and decides nothing: a folder that is missing, damaged or made with other settings is
ignored.
"""

from __future__ import annotations

from pathlib import Path

from recon.pipeline.config import FeaturesConfig, PipelineConfig
from recon.pipeline.outcome import PreparedPhotos
from recon.pipeline.records import RecordError, read_record
from recon.pipeline.workspace import Workspace, digest_json
from recon.poses.colmap import databases
from recon.poses.colmap.earlier_job import KnownPhotos, find_known_photos
from recon.poses.native import colmap
from recon.reporting import Report


def features_signature(config: FeaturesConfig) -> str:
    """A digest of all that decides a photo's features, beside the photo."""
    deciding = {"size": config.max_image_size, "count": config.max_num_features,
                "pycolmap": colmap().__version__}  # fmt: skip
    return digest_json(deciding)


def known_features(workspace: Workspace, config: PipelineConfig) -> KnownPhotos | None:
    """The features that needn't be computed again; None where there are none."""
    database = workspace.known / "database.db"
    theirs = _digests(workspace.known / "photos.json")
    if not theirs or not database.is_file():
        return None
    if databases.signature(database) != features_signature(config.features):
        return None
    ours = {photo.name: photo.digest for photo in PreparedPhotos.read(workspace).photos}
    return find_known_photos(database, theirs, ours)


def bring_in_matches(
    workspace: Workspace, database: Path, config: PipelineConfig, report: Report
) -> None:
    """Copies the matches of pairs that the earlier job had matched; they are verified again."""
    known = known_features(workspace, config)
    if known is not None:
        report.log(f"{known.bring_in_matches(database)} pairs were matched by an earlier job")


def _digests(path: Path) -> dict[str, str]:
    """Photo name -> digest, from an earlier job's photos.json; empty where it can't be read."""
    try:
        photos = read_record(path, PreparedPhotos).photos
        return {photo.name: photo.digest for photo in photos}
    except (FileNotFoundError, RecordError):
        return {}
