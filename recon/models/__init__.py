"""The facts that the site keeps: jobs with what belongs to them, videos, and notices to people."""

from recon.models.jobs import Artifact, Job, Photo, StageRun, new_pub_key
from recon.models.notices import Notice
from recon.models.videos import Video

__all__ = ["Artifact", "Job", "Notice", "Photo", "StageRun", "Video", "new_pub_key"]
