"""COLMAP_UNDIST: pinhole photos, their model as text, and which photos are held out.

colmap/sparse/0, work/photos -> work/images, work/sparse/0, work/train.txt, work/test.txt,
work/together.json (photos from nearly one spot, which are held out or trained on together).
"""

from __future__ import annotations

import os
import shutil
from dataclasses import asdict
from pathlib import Path

from recon.pipeline.config import PipelineConfig
from recon.pipeline.outcome import PreparedPhotos
from recon.pipeline.together import write_together
from recon.pipeline.workspace import Workspace, digest_files, replacing, scratch_folder
from recon.poses.colmap import undistortion
from recon.poses.models import viewpoints
from recon.poses.splits import split
from recon.reporting import Report


def settings(config: PipelineConfig) -> dict[str, object]:
    return asdict(config.undistort)


def inputs(workspace: Workspace, config: PipelineConfig) -> dict[str, str]:
    return {
        "photos": digest_files(workspace.root, [workspace.photos]),
        "sparse": digest_files(workspace.root, [workspace.sparse]),
    }


def outputs(workspace: Workspace, config: PipelineConfig) -> dict[str, str]:
    files = [workspace.images, workspace.undistorted_sparse]
    split = [workspace.train_txt, workspace.test_txt, workspace.together_json]
    return {
        "scene": digest_files(workspace.root, files),
        "split": digest_files(workspace.root, split),
    }


def run(workspace: Workspace, config: PipelineConfig, report: Report) -> dict[str, object]:
    work = workspace.images.parent
    with scratch_folder(work) as scratch:
        images, model = undistortion.undistort(
            workspace.sparse,
            workspace.photos,
            scratch,
            jpeg_quality=config.undistort.jpeg_quality,
            report=report,
        )
        _take(images, workspace.images)
        _take(model, workspace.undistorted_sparse)
    together = viewpoints.shared(workspace.sparse)
    write_together(workspace, together)
    train, test = split(
        [path.name for path in workspace.images.iterdir()],
        every=config.undistort.holdout_every,
        offset=config.undistort.holdout_offset,
        offset_few=config.undistort.holdout_offset_few,
        together=together,
    )
    _write_lines(workspace.train_txt, train)
    _write_lines(workspace.test_txt, test)
    report.log(f"{len(train)} photos to train on, {len(test)} held out: {', '.join(test)}")
    if together:
        _warn_of_shared_spots(workspace, together, report)
    return {"train_photos": len(train), "test_photos": len(test)}


def _warn_of_shared_spots(workspace: Workspace, together: list[list[str]], report: Report) -> None:
    """Warns by the photos' names in upload/."""
    stored_names = PreparedPhotos.read(workspace).stored_names
    groups = [[stored_names[name] for name in group] for group in together]
    report.warn("near_copies", count=sum(map(len, together)), photo_groups=groups)


def _take(folder: Path, place: Path) -> None:
    """Moves the finished `folder` to `place`, where an older one may lie."""
    place.parent.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(place, ignore_errors=True)
    os.replace(folder, place)


def _write_lines(path: Path, lines: list[str]) -> None:
    with replacing(path) as temporary:
        temporary.write_text("".join(f"{line}\n" for line in lines))
