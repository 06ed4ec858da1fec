"""What a draft's photos were called where their camera positions were made; and these positions'
files, where an object store has them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from recon.jobs.folder import mirror
from recon.models import Job, Photo
from recon.pipeline.known_poses.placement import known_names
from recon.pipeline.workspace import write_json


def pull_poses(job: Job) -> None:
    """Makes the files of the job's camera positions lie here, if there are any."""
    mirror.pull(job, mirror.path_of(job, job.workspace.poses))


def send_poses(job: Job) -> None:
    """Sends the files as they lie here, and lists them in the transaction around it."""
    if mirror.is_used():
        mirror.forget(job, mirror.path_of(job, job.workspace.poses))
        mirror.record(mirror.upload(job, sorted(job.workspace.poses.iterdir())))


def write_names(
    draft: Job, photos: Iterable[Photo], paths: Mapping[str, str] | None = None
) -> None:
    """Notes their `paths` in a zip, by stored names, or what their sender called them. Without
    camera positions there is nothing to note."""
    pull_poses(draft)
    workspace = draft.workspace
    if not workspace.poses.is_dir():
        return
    called = {photo.name: photo.original_name for photo in photos}
    write_json(workspace.pose_names_json, called | known_names(workspace) | dict(paths or {}))
    send_poses(draft)
