"""COLMAP_MAP: camera poses and points. colmap/database.db -> colmap/sparse/0."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from recon.pipeline.config import MappingConfig, PipelineConfig
from recon.pipeline.errors import UserError
from recon.pipeline.prepared import PreparedPhoto
from recon.pipeline.progress import Part, Reporter
from recon.pipeline.stages.preflight import read_photos
from recon.pipeline.workspace import Workspace, digest_files, replacing_folder, scratch_folder
from recon.poses import databases, mapping, model_checks, principal_points

_PLACED = 0.8  # of the progress; the rest refines cameras


def settings(config: PipelineConfig) -> dict[str, Any]:
    return {**asdict(config.mapping), "seed": config.seed}


def inputs(workspace: Workspace, config: PipelineConfig) -> dict[str, str]:
    return {
        # The points take their colours from the photos.
        "photos": digest_files(workspace.root, [workspace.photos, workspace.photos_json]),
        "features": databases.features_digest(workspace.database),
        "matches": databases.matches_digest(workspace.database),
    }


def outputs(workspace: Workspace, config: PipelineConfig) -> dict[str, str]:
    return {"sparse": digest_files(workspace.root, [workspace.sparse])}


def run(workspace: Workspace, config: PipelineConfig, report: Reporter) -> dict[str, Any]:
    """Raises UserError too_few_registered where the photos make no model that can be trusted."""
    photos = read_photos(workspace)
    with scratch_folder(workspace.colmap) as scratch:
        models = mapping.incremental(
            workspace.database,
            workspace.photos,
            scratch,
            seed=config.seed,
            tick=Part(report, 0.0, _PLACED).progress,
        )
    model, facts = trusted_model(models, len(photos), config.mapping, report)
    if config.mapping.own_principal_points:
        model, verdict = principal_points.refined(model, Part(report, _PLACED, 1.0).progress)
        if verdict is not None:
            report.log(verdict.log_line)
            facts = model_checks.measure(model)
    workspace.sparse.parent.mkdir(parents=True, exist_ok=True)
    with replacing_folder(workspace.sparse) as folder:
        model.write(folder)
    placed = {model.images[i].name for i in model.reg_image_ids()}
    warn_of_left_out(photos, placed, report)
    return {**facts.to_dict(), "total": len(photos)}


def trusted_model(
    models: list[Any], total: int, config: MappingConfig, report: Reporter
) -> tuple[Any, model_checks.ModelFacts]:
    """The best of `models` (best first) that passes the checks, and its facts.

    Raises UserError too_few_registered: a model that fails them has placed no photo at all.
    """
    registered = 0
    for model in models:
        weak = model_checks.drop_weak_photos(model, config.min_points_per_photo)
        if weak:
            report.log(f"seeing too few points to be placed: {', '.join(weak)}")
        facts = model_checks.measure(model)
        report.log(
            f"model: {facts.registered} of {total} photos, {facts.points} points, "
            f"{facts.points_per_photo:.0f} a photo, reprojection error "
            f"{facts.mean_reprojection_error:.2f} px, triangulation angle "
            f"{facts.median_triangulation_angle:.1f}°"
        )
        problems = model_checks.problems(
            facts,
            min_registered=config.min_registered,
            max_reprojection_error=config.max_reprojection_error,
            min_triangulation_angle=config.min_triangulation_angle,
        )
        if not problems:
            return model, facts
        report.log(f"not a model to trust: {'; '.join(problems)}")
        if facts.registered < config.min_registered:
            registered = max(registered, facts.registered)
    raise UserError("too_few_registered", registered=registered, total=total)


def warn_of_left_out(photos: list[PreparedPhoto], placed: set[str], report: Reporter) -> None:
    """Warns by the names that the person gave the photos."""
    left_out = [photo.original for photo in photos if photo.name not in placed]
    if left_out:
        report.warn(
            "photos_left_out", count=len(left_out), total=len(photos), names=", ".join(left_out)
        )
