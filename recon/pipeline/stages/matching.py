"""COLMAP_MATCH: which photos show the same things. Adds verified pairs to colmap/database.db and
writes the pair graph, colmap/pairs.json."""

from __future__ import annotations

import os
import shutil
from dataclasses import asdict
from typing import Any

from recon.pipeline.config import PipelineConfig
from recon.pipeline.progress import Reporter
from recon.pipeline.workspace import Workspace, digest_files, scratch_folder, write_json
from recon.poses import databases, pairs


def settings(config: PipelineConfig) -> dict[str, Any]:
    return {**asdict(config.matching), "seed": config.seed}


def inputs(workspace: Workspace, config: PipelineConfig) -> dict[str, str]:
    return {"features": databases.features_digest(workspace.database)}


def outputs(workspace: Workspace, config: PipelineConfig) -> dict[str, str]:
    return {
        "matches": databases.matches_digest(workspace.database),
        "pairs": digest_files(workspace.root, [workspace.pairs_json]),
    }


def run(workspace: Workspace, config: PipelineConfig, report: Reporter) -> dict[str, Any]:
    with scratch_folder(workspace.colmap) as scratch:
        database = scratch / "database.db"
        shutil.copyfile(workspace.database, database)
        pairs.match_exhaustively(
            database,
            min_num_inliers=config.matching.min_num_inliers,
            seed=config.seed,
            tick=report.progress,
        )
        found = pairs.verified(database)
        os.replace(database, workspace.database)
    write_json(workspace.pairs_json, {"pairs": [pair.to_dict() for pair in found]})
    for pair in found:
        report.log(f"{pair.a} - {pair.b}: {pair.inliers} verified matches")
    return {"pairs": len(found)}
