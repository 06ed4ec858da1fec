"""COLMAP_FEAT: SIFT features of every photo. work/photos -> colmap/database.db."""

from __future__ import annotations

import os
from dataclasses import asdict

from recon.pipeline.config import PipelineConfig
from recon.pipeline.earlier_job import features_signature, known_features
from recon.pipeline.errors import UserError
from recon.pipeline.known_poses import placement as known_poses
from recon.pipeline.outcome import PreparedPhotos
from recon.pipeline.workspace import Workspace, digest_files, digest_json, unfinished_folder
from recon.poses.colmap import databases
from recon.poses.colmap import features as sift
from recon.reporting import Report


def settings(config: PipelineConfig) -> dict[str, object]:
    return asdict(config.features)


def inputs(workspace: Workspace, config: PipelineConfig) -> dict[str, str]:
    photos = digest_files(workspace.root, [workspace.photos, workspace.photos_json])
    return {"photos": photos, **known_poses.inputs(workspace, config)}


def outputs(workspace: Workspace, config: PipelineConfig) -> dict[str, str]:
    # What the database says, not its bytes: the next stage writes matches into the same file.
    return {"features": databases.features_digest(workspace.database)}


def run(workspace: Workspace, config: PipelineConfig, report: Report) -> dict[str, object]:
    """Raises UserError no_features where no photo shows any."""
    if known_poses.is_complete(workspace, config, report):
        return {}
    photos = PreparedPhotos.read(workspace).photos
    groups = known_poses.camera_groups(workspace, config, report)
    report.log(f"{len(photos)} photos by {len(groups)} cameras")
    known = known_features(workspace, config)
    if known is not None:
        report.log(f"{len(known.names)} photos have features from an earlier job")
    key = digest_json({**inputs(workspace, config), "made": features_signature(config.features),
                       "cameras": [asdict(group) for group in groups]})  # fmt: skip
    # A folder, because SQLite keeps its journal beside the file.
    with unfinished_folder(workspace.colmap, "features", key) as folder:
        database = folder / "database.db"
        if databases.recover(database, [photo.name for photo in photos]):
            report.log("goes on with the features that an interrupted run had found")
        sift.extract(
            database,
            workspace.photos,
            groups,
            max_image_size=config.features.max_image_size,
            max_num_features=config.features.max_num_features,
            report=report,
            known=known,
        )
        databases.sign(database, features_signature(config.features))
        counts = databases.count_descriptors(database)
        for name, count in counts.items():
            report.log(f"{name}: {count} features")
        if not any(counts.values()):
            raise UserError("no_features")
        os.replace(database, workspace.database)
    return {"features": sum(counts.values()), "cameras": len(groups)}
