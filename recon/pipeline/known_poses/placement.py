"""Camera positions that came with the photos, in `upload/poses`: a COLMAP model or a
transforms.json, and `names.json` where the photos were renamed on their way here.

With them COLMAP_MAP climbs no ladder. Photos are matched only where the file has too few points, or
lacks photos. Poses stay exactly as they are in the file, in its own world.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from recon.pipeline.config import PipelineConfig
from recon.pipeline.decoding.opening import own_opener
from recon.pipeline.errors import UserError
from recon.pipeline.outcome import PreparedPhotos
from recon.pipeline.records import RecordError, read_record
from recon.pipeline.workspace import (
    Workspace,
    digest_files,
    digest_json,
    replacing_folder,
    write_json,
)
from recon.poses.cameras import CameraGroup
from recon.poses.cameras import group as group_by_camera
from recon.poses.pose_files.contents import PoseFileError
from recon.poses.pose_files.finding import TRANSFORMS, find_pose_files
from recon.poses.pose_files.photo_names import match_names
from recon.poses.pose_files.placing import PhotoToPlace, Placement, place
from recon.reporting import Report

_LISTED = "listed.json"


def keep_pose_files(
    files: Sequence[Path],
    workspace: Workspace,
    names: Mapping[str, str] | None = None,
    listed: Sequence[str] = (),
) -> None:
    """Makes `workspace.poses` hold exactly `files`, those of one model; none removes what is there.

    `names`: what each photo, by its name in upload/images, was called where the files were made;
    `listed`: the photos that they list, for `photos_listed`.
    """
    if not files:
        shutil.rmtree(workspace.poses, ignore_errors=True)
        return
    with replacing_folder(workspace.poses) as folder:
        for file in files:
            name = TRANSFORMS if file.suffix == ".json" else file.name
            shutil.copyfile(file, folder / name)
        if names:
            write_json(folder / workspace.pose_names_json.name, dict(names))
        if listed:
            write_json(folder / _LISTED, list(listed))


def photos_listed(workspace: Workspace) -> tuple[str, ...] | None:
    """The photos that the positions are of, as their files call them; None where there are none."""
    try:
        return read_record(workspace.poses / _LISTED, tuple[str, ...])
    except (FileNotFoundError, RecordError):
        return None


def matched_photos(
    workspace: Workspace, called: Mapping[str, str], listed: Sequence[str]
) -> dict[str, str]:
    """Which of `listed` each photo is, of those `called` so, by their names in upload/images."""
    known = known_names(workspace)
    return match_names({name: known.get(name, said) for name, said in called.items()}, listed)


def applies(workspace: Workspace, config: PipelineConfig) -> bool:
    """Whether the photos' positions are known, and wanted."""
    return config.mapping.use_pose_file and bool(find_pose_files(workspace.poses))


def inputs(workspace: Workspace, config: PipelineConfig) -> dict[str, str]:
    """What decides a stage's result beside its other inputs: nothing where no file is used."""
    if not applies(workspace, config):
        return {}
    deciding = digest_json(asdict(config.mapping))
    return {"poses": digest_files(workspace.root, [workspace.poses]), "placing": deciding}


def read_placement(
    workspace: Workspace, config: PipelineConfig, report: Report
) -> Placement | None:
    """The prepared photos where the file has them; None where there is no file to use.

    Raises UserError: poses_unreadable, poses_unknown_camera, poses_too_large, poses_bad_camera,
    poses_size_differs, poses_match_no_photo, poses_too_few, no_baseline.
    """
    if not applies(workspace, config):
        return None
    called = known_names(workspace)
    photos = [
        PhotoToPlace(
            photo.name,
            called.get(photo.stored_name, photo.stored_name),
            photo.width,
            photo.height,
            photo.orientation,
        )
        for photo in PreparedPhotos.read(workspace).photos
    ]
    try:
        poses = own_opener().read_poses(find_pose_files(workspace.poses))
    except UserError as error:
        report.log(f"{error.code}: {error.facts.get('detail', '')}")
        raise
    try:
        return place(poses, photos, config.mapping)
    except PoseFileError as error:
        report.log(str(error))
        raise UserError(error.code, **error.facts) from error


def needs_matches(placement: Placement, config: PipelineConfig) -> bool:
    """Whether points, or the places of photos, must come from matches."""
    enough = placement.is_seen_enough(config.mapping.min_points_per_photo)
    return bool(placement.lacking) or not enough


def is_complete(workspace: Workspace, config: PipelineConfig, report: Report) -> bool:
    """Whether the file says all that features and matches would be looked for."""
    placement = read_placement(workspace, config, report)
    if placement is None or needs_matches(placement, config):
        return False
    report.log("not needed: the camera positions that came with the photos have points, too")
    return True


def camera_groups(
    workspace: Workspace, config: PipelineConfig, report: Report
) -> list[CameraGroup]:
    """The prepared photos by camera: the file's where it has them, else as `cameras.group` says."""
    photos = [photo.for_poses for photo in PreparedPhotos.read(workspace).photos]
    placement = read_placement(workspace, config, report)
    if placement is None:
        return group_by_camera(photos, shared=config.features.shared_camera)
    names: dict[object, list[str]] = {}
    for photo in placement.photos:
        names.setdefault(photo.camera, []).append(photo.name)
    given = {photo.camera: photo.camera for photo in placement.photos}
    groups = [
        CameraGroup(
            tuple(names[camera]), camera.width, camera.height, None, camera.model, camera.params
        )
        for camera in given
    ]
    others = [photo for photo in photos if photo.name in placement.lacking]
    return groups + group_by_camera(others, shared=config.features.shared_camera)


def known_names(workspace: Workspace) -> dict[str, str]:
    """What photos were called where their positions were made, by their names in upload/images."""
    try:
        return read_record(workspace.pose_names_json, dict[str, str])
    except (FileNotFoundError, RecordError):
        return {}


def link_poses(source: Workspace, target: Workspace) -> None:
    """The same files for another job of the same photos; nothing where there are none."""
    if not source.poses.is_dir():
        return
    with replacing_folder(target.poses) as folder:
        for file in source.poses.iterdir():
            try:
                os.link(file, folder / file.name)
            except OSError:
                shutil.copyfile(file, folder / file.name)
