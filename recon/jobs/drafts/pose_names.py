"""What a draft's photos were called where their camera positions were made."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from recon.models import Job, Photo
from recon.pipeline.known_poses import known_names
from recon.pipeline.workspace import write_json


def write_names(
    draft: Job, photos: Iterable[Photo], paths: Mapping[str, str] | None = None
) -> None:
    """Notes their `paths` in a zip, by stored names, or what their sender called them. Without
    camera positions there is nothing to note."""
    workspace = draft.workspace
    if not workspace.poses.is_dir():
        return
    called = {photo.name: photo.original_name for photo in photos}
    write_json(workspace.pose_names_json, called | known_names(workspace) | dict(paths or {}))
