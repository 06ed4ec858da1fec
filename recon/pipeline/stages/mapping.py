"""COLMAP_MAP: camera poses and points, by the ladder of `recon.poses.ladder.climb`.

colmap/database.db -> colmap/sparse/0, and the completed pair graph, colmap/pairs.json. What later
rungs compute stays in colmap/ for the next time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from statistics import median
from typing import TYPE_CHECKING

from recon.pipeline.config import PipelineConfig
from recon.pipeline.errors import UserError
from recon.pipeline.known_poses import mapping as known_mapping
from recon.pipeline.known_poses import placement as known_poses
from recon.pipeline.outcome import PreparedPhotos, write_pair_graph
from recon.pipeline.photos.prepare import PreparedPhoto
from recon.pipeline.stages.matching import read_still
from recon.pipeline.workspace import Workspace, digest_files, replacing_folder
from recon.poses import cameras
from recon.poses.colmap import databases
from recon.poses.ladder.candidates import Candidate
from recon.poses.ladder.climb import climb, graph_of
from recon.poses.ladder.focal_hints import Misfit
from recon.poses.ladder.sources import Work
from recon.poses.ladder.state import LadderState
from recon.poses.models import checks, principal_points
from recon.poses.models.polishing import polish
from recon.poses.pair_graph import PairGraph
from recon.poses.pose_files.placing import Placement
from recon.reporting import Part, Report, part

if TYPE_CHECKING:
    from pycolmap import Reconstruction

_PLACED = 0.8  # of the progress; the rest refines cameras

#: With fewer features in most photos, it is texture that they lack.
_FEW_FEATURES = 60


def settings(config: PipelineConfig) -> dict[str, object]:
    # How pairs are verified and cameras are shared holds for the later rungs too.
    deciding = {"min_num_inliers": config.matching.min_num_inliers,
                "shared_camera": config.features.shared_camera}  # fmt: skip
    return {**asdict(config.mapping), **deciding, "seed": config.seed}


def inputs(workspace: Workspace, config: PipelineConfig) -> dict[str, str]:
    return {
        # The points take their colours from the photos.
        "photos": photos_digest(workspace),
        "features": databases.features_digest(workspace.database),
        "matches": databases.matches_digest(workspace.database),
        "still": digest_files(workspace.root, [workspace.still_json]),
        **known_poses.inputs(workspace, config),
    }


def outputs(workspace: Workspace, config: PipelineConfig) -> dict[str, str]:
    return {
        "sparse": digest_files(workspace.root, [workspace.sparse]),
        "pairs": digest_files(workspace.root, [workspace.pairs_json]),
    }


def photos_digest(workspace: Workspace) -> str:
    return digest_files(workspace.root, [workspace.photos, workspace.photos_json])


def run(workspace: Workspace, config: PipelineConfig, report: Report) -> dict[str, object]:
    """Raises UserError, saying why as well as it can, where there is no model to trust."""
    placement = known_poses.read_placement(workspace, config, report)
    if placement is None:
        return _climb(workspace, config, report)
    return _take_known(workspace, config, placement, report)


def _take_known(
    workspace: Workspace, config: PipelineConfig, placement: Placement, report: Report
) -> dict[str, object]:
    """The model of the camera positions that came with the photos."""
    photos = PreparedPhotos.read(workspace).photos
    model, facts, graph = known_mapping.make_model(workspace, config, placement, report)
    write_pair_graph(workspace, graph)
    _write_model(workspace, model)
    warn_of_lacking(photos, placement, report)
    warn_of_left_out(photos, graph, report)
    return {**facts.to_dict(), "total": len(photos), "rung": graph.rung}


def _climb(workspace: Workspace, config: PipelineConfig, report: Report) -> dict[str, object]:
    """The model that the ladder finds."""
    photos = PreparedPhotos.read(workspace).photos

    def keep(graph: PairGraph) -> None:
        write_pair_graph(workspace, graph)

    state = climb(
        work_of(workspace, photos, config),
        report=Part(report, 0.0, _PLACED),
        keep=keep,
    )
    graph, still = graph_of(state), read_still(workspace)
    if state.best is None:
        raise reason(state, graph, databases.count_descriptors(workspace.database), still)
    model, facts = finish(state.best, state.work, Part(report, _PLACED, 1.0))
    keep(replace(graph, model=facts))
    _write_model(workspace, model)
    if still is not None:
        report.warn("still_parts_left_out", percent=round(100 * still))
    warn_of_left_out(photos, graph, report)
    if state.misfit is not None:
        warn_of_misfit(photos, state.misfit, report)
    return {**facts.to_dict(), "total": len(photos), "rung": graph.rung}


def _write_model(workspace: Workspace, model: Reconstruction) -> None:
    workspace.sparse.parent.mkdir(parents=True, exist_ok=True)
    with replacing_folder(workspace.sparse) as folder:
        model.write(folder)


def finish(best: Candidate, work: Work, report: Report) -> tuple[Reconstruction, checks.ModelFacts]:
    """The ladder's best model with what left-out observations favour, and its facts."""
    config, priors = work.config, work.focal_priors
    model, facts = best.model, best.facts
    if config.polish:
        polished = polish(model, priors, part(report, 0.0, 0.5))
        for line in polished.log_lines:
            report.log(line)
        fresh = checks.measure_again(polished.model, facts, priors)
        # What passed the checks still must.
        if not checks.problems(fresh, config) and checks.contradiction(fresh, config) is None:
            model, facts = polished.model, fresh
    if config.own_principal_points:
        model, errors = principal_points.refine(model, part(report, 0.5, 1.0))
        if errors is not None:
            report.log(errors.log_line)
            facts = checks.measure_again(model, facts, priors)
    return model, facts


def work_of(workspace: Workspace, photos: Sequence[PreparedPhoto], config: PipelineConfig) -> Work:
    """What the ladder has to know."""
    shared = config.features.shared_camera
    return Work(
        photos=workspace.photos,
        database=workspace.database,
        folder=workspace.colmap,
        groups=cameras.group([photo.for_poses for photo in photos], shared=shared),
        photos_digest=photos_digest(workspace),
        seed=config.seed,
        min_num_inliers=config.matching.min_num_inliers,
        still=read_still(workspace) is not None,
        config=config.mapping,
    )


def reason(
    state: LadderState, graph: PairGraph, features: dict[str, int], still: float | None
) -> UserError:
    """Why there is no model, from the most telling reason to the least."""
    total, needed = len(graph.photos), state.work.config.min_registered
    if median(features.values()) < _FEW_FEATURES:
        return UserError("no_features")
    if still is not None:
        return UserError("stands_still", percent=round(100 * still))
    if state.diagnosis is not None:
        return UserError(state.diagnosis.code, **state.diagnosis.facts)
    largest = len(graph.groups[0])
    if largest < needed:
        return UserError(
            "photos_share_nothing",
            total=total, groups=len(graph.groups), largest=largest, minimum=needed,
        )  # fmt: skip
    return UserError("too_few_registered", registered=state.most_registered, total=total)


def warn_of_lacking(photos: Sequence[PreparedPhoto], placement: Placement, report: Report) -> None:
    """Warns of photos that the file of camera positions does not have."""
    names = sorted(photo.stored_name for photo in photos if photo.name in placement.lacking)
    if names:
        report.warn("poses_lack_photos", count=len(names), total=len(photos), photos=names)


def warn_of_left_out(photos: Sequence[PreparedPhoto], graph: PairGraph, report: Report) -> None:
    """Warns by the photos' names in upload/."""
    stored_names = {photo.name: photo.stored_name for photo in photos}
    placed = {photo.name for photo in graph.photos if photo.registered}
    left_out = sorted(set(stored_names) - placed)
    if not left_out:
        return
    report.warn(
        "photos_left_out",
        count=len(left_out),
        total=len(photos),
        photos=[stored_names[name] for name in left_out],
    )
    others = [g for g in graph.groups if len(g) > 1 and not placed.intersection(g)]
    if others:
        groups = [[stored_names[name] for name in group] for group in others]
        report.warn("photos_in_groups", count=len(others), photo_groups=groups)


def warn_of_misfit(photos: Sequence[PreparedPhoto], misfit: Misfit, report: Report) -> None:
    """Warns that the metadata's focal lengths were not believed."""
    report.log(misfit.in_words)
    names = [photo.stored_name for photo in photos if photo.name in misfit.names]
    report.warn(
        "focal_length_does_not_fit",
        count=len(names),
        total=len(photos),
        said=round(misfit.said),
        found=round(misfit.found),
        photos=sorted(names),
    )
