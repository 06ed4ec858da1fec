"""COLMAP_MAP where camera positions came with the photos: a model of these, checked like any."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from recon.pipeline.config import PipelineConfig
from recon.pipeline.errors import UserError
from recon.pipeline.known_poses.placement import needs_matches
from recon.pipeline.outcome import PreparedPhotos
from recon.pipeline.workspace import Workspace, scratch_folder
from recon.poses.colmap.pairs import Pair, read_verified_pairs
from recon.poses.models import checks
from recon.poses.models.agreement import agreements
from recon.poses.pair_graph import WON, PairGraph, RungRecord, make_pair_graph
from recon.poses.pose_files.model_building import bring_near, model_from_file, triangulate
from recon.poses.pose_files.placing import Placement
from recon.reporting import Report

if TYPE_CHECKING:
    from pycolmap import Reconstruction

#: Stands in the pair graph where the ladder's rungs do.
NAME, TITLE = "pose_file", "camera positions that came with the photos"

_FITS = 6.0  # px: an observation fits where its point lands no further off, as `agreement` has it


def make_model(
    workspace: Workspace, config: PipelineConfig, placement: Placement, report: Report
) -> tuple[Reconstruction, checks.ModelFacts, PairGraph]:
    """The model of the file's poses, its facts, and what the photos have in common.

    Raises UserError("poses_do_not_fit") where what the photos show says otherwise.
    """
    if needs_matches(placement, config):
        model, facts, pairs = _from_matches(workspace, config, placement, report)
    else:
        model = model_from_file(placement)
        facts = replace(checks.measure(model, ()), agreeing=_fitting_share(model))
        pairs = _pairs_by_points(model)
    doubts = checks.problems(facts, config.mapping)
    if doubts:
        report.log(f"not a model to trust: {', '.join(doubts)}")
        raise UserError("poses_do_not_fit")
    move = bring_near(model)
    if move is not None:
        report.log(f"the file's world was moved: x becomes {move.scale} * (x - {move.origin})")
        report.warn("poses_moved")
    placed = [model.image(i).name for i in model.reg_image_ids()]
    record = RungRecord(NAME, TITLE, WON, facts.in_words, 0.0, facts.registered, facts)
    names = [photo.name for photo in PreparedPhotos.read(workspace).photos]
    graph = make_pair_graph(names, pairs, registered=placed, rung=NAME, rungs=[record], model=facts)
    return model, facts, graph


def _from_matches(
    workspace: Workspace, config: PipelineConfig, placement: Placement, report: Report
) -> tuple[Reconstruction, checks.ModelFacts, list[Pair]]:
    with scratch_folder(workspace.colmap) as scratch:
        model = triangulate(
            placement,
            workspace.database,
            workspace.photos,
            scratch,
            seed=config.seed,
            report=report,
        )
    beside = [model.find_image_with_name(name) for name in placement.lacking]
    weak = [
        image
        for image in beside
        if image is not None
        and image.has_pose
        and image.num_points3D < config.mapping.solid_points_per_photo
    ]
    for name in checks.take_out(model, weak):
        report.log(f"{name} sees too few points to be placed")
    facts = checks.measure(model, agreements(model, workspace.database))
    return model, facts, read_verified_pairs(workspace.database)


def _fitting_share(model: Reconstruction) -> float:
    """The part of the file's observations that fit its poses, 0 to 1."""
    fits = []
    for image in (model.image(i) for i in model.reg_image_ids()):
        for seen in image.get_observation_points2D():
            at = image.project_point(model.points3D[seen.point3D_id].xyz)
            fits.append(at is not None and float(np.linalg.norm(at - seen.xy)) <= _FITS)
    return float(np.mean(fits)) if fits else 0.0


def _pairs_by_points(model: Reconstruction) -> list[Pair]:
    """Photos that see the same points, by name, with how many."""
    names = {i: model.image(i).name for i in model.reg_image_ids()}
    shared: Counter[tuple[str, str]] = Counter()
    for point in model.points3D.values():
        seen = sorted({names[element.image_id] for element in point.track.elements})
        shared.update(combinations(seen, 2))
    return [Pair(a, b, count) for (a, b), count in sorted(shared.items())]
