"""PREFLIGHT: can this machine do the job, and are these photos?

upload/images (as sent) -> work/photos (decoded, upright, without metadata and copies),
work/photos.json (sizes, focal lengths, which are by one camera, original names),
work/environment.json.
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from recon.pipeline.config import PipelineConfig, PreflightConfig
from recon.pipeline.known_poses import placement as known_poses
from recon.pipeline.machine import environment
from recon.pipeline.outcome import Machine, PreparedPhotos
from recon.pipeline.photos import copies
from recon.pipeline.photos.photo_count import check_count
from recon.pipeline.photos.prepare import prepare, prepared_names
from recon.pipeline.workspace import Workspace, digest_files, replacing_folder
from recon.reporting import Report

#: A job's files, as a multiple of what was uploaded: work, undistorted and evaluation pictures.
DISK_PER_UPLOAD = 5


def settings(config: PipelineConfig) -> dict[str, object]:
    chosen = asdict(config.preflight)
    del chosen["min_free_disk_mb"]  # decides whether, not what
    return chosen


def inputs(workspace: Workspace, config: PipelineConfig) -> dict[str, str]:
    upload = digest_files(workspace.root, uploaded_photos(workspace))
    return {"upload": upload, **known_poses.inputs(workspace, config)}


def outputs(workspace: Workspace, config: PipelineConfig) -> dict[str, str]:
    return {
        "photos": digest_files(workspace.root, [workspace.photos]),
        "photos_json": digest_files(workspace.root, [workspace.photos_json]),
    }


def run(workspace: Workspace, config: PipelineConfig, report: Report) -> dict[str, object]:
    """Raises UserError for the photos' faults, PipelineError for the machine's."""
    sent = uploaded_photos(workspace)
    check_count(len(sent), config.preflight.min_photos, config.preflight.max_photos)
    report(0.0, "checking_machine")
    look_at_machine(workspace, sent, config.preflight, report)
    stored_names = {path: path.relative_to(workspace.upload).as_posix() for path in sent}
    names = prepared_names(list(stored_names.values()))
    prepared = []
    workspace.photos.parent.mkdir(parents=True, exist_ok=True)
    with replacing_folder(workspace.photos) as folder:
        for index, (path, stored_name) in enumerate(stored_names.items()):
            report(index / len(sent), "photo", number=index + 1, total=len(sent))
            photo = prepare(path, folder, names[stored_name], config.preflight, stored_name)
            focal = f"focal length {photo.focal:.0f} px" if photo.focal else "no focal length"
            report.log(f"{photo.stored_name}: {photo.width}x{photo.height} px, {focal}")
            prepared.append(photo)
        distinct, left_out = copies.leave_out_copies(
            prepared, folder, lambda stored_name: (workspace.upload / stored_name).stat().st_size
        )
        copies.warn_of_copies(left_out, len(prepared), config.preflight.min_photos, report)
    PreparedPhotos(photos=tuple(distinct), copies=left_out).write(workspace)
    known_poses.read_placement(workspace, config, report)  # what is wrong with it is said at once
    return {"total": len(distinct)}


def uploaded_photos(workspace: Workspace) -> list[Path]:
    """The files that were sent, by name, and those in folders, by folder and name; hidden files
    don't count.
    """
    found = [*workspace.upload.glob("*"), *workspace.upload.glob("*/*")]
    return sorted(
        path
        for path in found
        if path.is_file()
        and not any(part.startswith(".") for part in path.relative_to(workspace.upload).parts)
    )


def look_at_machine(
    workspace: Workspace, sent: list[Path], config: PreflightConfig, report: Report
) -> None:
    """Logs and writes the environment report; raises PipelineError where no job can run."""
    upload_mb = sum(path.stat().st_size for path in sent) // environment.MEGABYTE
    needed_mb = config.min_free_disk_mb + DISK_PER_UPLOAD * upload_mb
    checks = environment.report(workspace.root, min_free_disk_mb=needed_mb)
    for line in environment.format(checks).splitlines():
        report.log(line)
    environment.require(checks, workspace.root, min_free_disk_mb=needed_mb)
    Machine(checks=tuple(checks)).write(workspace)
