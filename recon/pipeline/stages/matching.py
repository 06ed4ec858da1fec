"""COLMAP_MATCH: which photos show the same things. Adds verified pairs to colmap/database.db and
writes the pair graph, colmap/pairs.json, and what stands still in the pictures while the rest
moves, colmap/still.json: pairs are verified without it."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import asdict
from pathlib import Path

from recon.pipeline.config import PipelineConfig
from recon.pipeline.earlier_job import bring_in_matches
from recon.pipeline.known_poses import placement as known_poses
from recon.pipeline.outcome import PreparedPhotos, write_pair_graph
from recon.pipeline.workspace import (
    Workspace,
    digest_files,
    digest_json,
    replacing,
    unfinished_folder,
    write_json,
)
from recon.poses import pair_graph
from recon.poses.colmap import databases, pairs, still_pairs
from recon.reporting import Part, Report, part

_MATCHED = 0.9  # of the progress; the rest looks for what stands still


def settings(config: PipelineConfig) -> dict[str, object]:
    return {**asdict(config.matching), "seed": config.seed}


def inputs(workspace: Workspace, config: PipelineConfig) -> dict[str, str]:
    features = databases.features_digest(workspace.database)
    return {"features": features, **known_poses.inputs(workspace, config)}


def outputs(workspace: Workspace, config: PipelineConfig) -> dict[str, str]:
    # Not the pair graph: COLMAP_MAP completes it, and makes it anew where it is gone.
    return {
        "matches": databases.matches_digest(workspace.database),
        "still": digest_files(workspace.root, [workspace.still_json]),
    }


def run(workspace: Workspace, config: PipelineConfig, report: Report) -> dict[str, object]:
    if known_poses.is_complete(workspace, config, report):
        workspace.still_json.unlink(missing_ok=True)
        return {}
    photos = PreparedPhotos.read(workspace).photos
    key = digest_json({**inputs(workspace, config), **settings(config)})
    with unfinished_folder(workspace.colmap, "matches", key) as folder:
        database = folder / "database.db"
        if databases.recover(database, [photo.name for photo in photos]):
            report.log("goes on with the pairs that an interrupted run had matched")
        else:
            _copy_features(workspace, database, config, report)
        pairs.match_exhaustively(
            database,
            min_num_inliers=config.matching.min_num_inliers,
            seed=config.seed,
            report=part(report, 0.0, _MATCHED),
        )
        still = _without_what_stands_still(database, config, Part(report, _MATCHED, 1.0))
        found = pairs.read_verified_pairs(database)
        os.replace(database, workspace.database)
    write_json(workspace.still_json, {"share": still})
    graph = pair_graph.make_pair_graph([photo.name for photo in photos], found)
    write_pair_graph(workspace, graph)
    for pair in found:
        report.log(f"{pair.a} - {pair.b}: {pair.inliers} verified matches")
    return {"pairs": len(found)}


def _copy_features(
    workspace: Workspace, database: Path, config: PipelineConfig, report: Report
) -> None:
    """Makes `database`, which has the features and, of an earlier job, matches."""
    for left in database.parent.iterdir():
        left.unlink()
    with replacing(database) as copy:
        shutil.copyfile(workspace.database, copy)
    bring_in_matches(workspace, database, config, report)


def read_still(workspace: Workspace) -> float | None:
    """The part of the picture in which something stands still, 0 to 1; None where nothing does."""
    try:
        share: float | None = json.loads(workspace.still_json.read_text())["share"]
    except FileNotFoundError:
        return None
    return share


def _without_what_stands_still(
    database: Path, config: PipelineConfig, report: Report
) -> float | None:
    """Verifies the pairs of `database` again where something stands still; the share that does."""
    share = still_pairs.still_share(database)
    if share is None:
        return None
    left = still_pairs.verify_without(
        database,
        min_num_inliers=config.matching.min_num_inliers,
        seed=config.seed,
        report=report,
    )
    report.log(
        f"something stands still in {share:.0%} of the picture; {left} pairs are left without it"
    )
    return share
