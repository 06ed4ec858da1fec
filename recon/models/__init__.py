"""The facts that the site keeps: jobs with what belongs to them, videos, tags, notices to people,
and what staff did with other people's jobs."""

from recon.models.artifacts import Artifact
from recon.models.audit import AuditEntry
from recon.models.data_folder import DataFolder
from recon.models.jobs import Job, new_pub_key
from recon.models.notices import Notice
from recon.models.photos import Photo
from recon.models.stage_runs import StageRun
from recon.models.tags import Tag
from recon.models.videos import Video

__all__ = [
    "Artifact", "AuditEntry", "DataFolder", "Job", "Notice", "Photo", "StageRun", "Tag",
    "Video", "new_pub_key",
]  # fmt: skip
