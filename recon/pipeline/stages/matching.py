"""COLMAP_MATCH: which photos show the same things. Adds verified pairs to colmap/database.db and
writes the pair graph, colmap/pairs.json."""

from __future__ import annotations

import os
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Any

from recon.pipeline.config import PipelineConfig
from recon.pipeline.known import bring_in_matches
from recon.pipeline.progress import Reporter
from recon.pipeline.stages.preflight import read_photos
from recon.pipeline.workspace import (
    Workspace,
    digest_json,
    replacing,
    unfinished_folder,
    write_json,
)
from recon.poses import databases, pair_graph, pairs


def settings(config: PipelineConfig) -> dict[str, Any]:
    return {**asdict(config.matching), "seed": config.seed}


def inputs(workspace: Workspace, config: PipelineConfig) -> dict[str, str]:
    return {"features": databases.features_digest(workspace.database)}


def outputs(workspace: Workspace, config: PipelineConfig) -> dict[str, str]:
    # Not the pair graph: COLMAP_MAP completes it, and makes it anew where it is gone.
    return {"matches": databases.matches_digest(workspace.database)}


def run(workspace: Workspace, config: PipelineConfig, report: Reporter) -> dict[str, Any]:
    photos = read_photos(workspace)
    key = digest_json({**inputs(workspace, config), **settings(config)})
    with unfinished_folder(workspace.colmap, "matches", key) as folder:
        database = folder / "database.db"
        if databases.reopened(database, [photo.name for photo in photos]):
            report.log("goes on with the pairs that an interrupted run had matched")
        else:
            _copy_features(workspace, database, config, report)
        pairs.match_exhaustively(
            database,
            min_num_inliers=config.matching.min_num_inliers,
            seed=config.seed,
            tick=report.progress,
        )
        found = pairs.verified(database)
        os.replace(database, workspace.database)
    graph = pair_graph.of([photo.name for photo in photos], found)
    write_json(workspace.pairs_json, graph.to_dict())
    for pair in found:
        report.log(f"{pair.a} - {pair.b}: {pair.inliers} verified matches")
    return {"pairs": len(found)}


def _copy_features(
    workspace: Workspace, database: Path, config: PipelineConfig, report: Reporter
) -> None:
    """Makes `database`, which has the features and, of an earlier job, matches."""
    for left in database.parent.iterdir():
        left.unlink()
    with replacing(database) as copy:
        shutil.copyfile(workspace.database, copy)
    bring_in_matches(workspace, database, config, report)
