"""Which photo of a job a name in the run's results means: COLMAP and training use other names."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from recon.models import Job, Photo
from recon.pipeline.outcome import PreparedPhotos
from recon.pipeline.workspace import Workspace
from recon.web.file_memory import remember
from recon.web.left_behind import left_by


def photos_by_image(job: Job) -> dict[str, Photo]:
    """The job's photos by their names in work/images; none where PREFLIGHT's record is gone."""
    stored_names = left_by(job, _stored_names) or {}
    photos = {photo.name: photo for photo in job.photos.all()}
    return {
        image: photos[stored_name]
        for image, stored_name in stored_names.items()
        if stored_name in photos
    }


def _file(workspace: Workspace) -> Path:
    return workspace.photos_json


@remember(300, _file)  # of up to 20 photos
def _stored_names(workspace: Workspace) -> Mapping[str, str]:
    return PreparedPhotos.read(workspace).stored_names
