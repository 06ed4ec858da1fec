"""The facts that the site keeps: jobs with what belongs to them, videos, notices."""

from recon.models.data_folder import DataFolder
from recon.models.jobs import Artifact, Job, Photo, StageRun, new_pub_key
from recon.models.notices import Notice
from recon.models.videos import Video

__all__ = ["Artifact", "DataFolder", "Job", "Notice", "Photo", "StageRun", "Video", "new_pub_key"]
