"""The facts that the site keeps: jobs with what belongs to them, videos, tags, teams, notices to
people, answers to programs, what staff did with other people's jobs, and the workers."""

from recon.models.artifacts import Artifact
from recon.models.audit import AuditEntry
from recon.models.data_folder import DataFolder
from recon.models.figures import Figures
from recon.models.jobs import Job
from recon.models.kept_answers import KeptAnswer
from recon.models.notices import Notice
from recon.models.photos import Photo
from recon.models.share import Share, link_is_open, new_key
from recon.models.stage_runs import StageRun
from recon.models.stored_files import StoredFile
from recon.models.tags import Tag
from recon.models.teams import Membership, Team, TeamEvent, TeamInvitation
from recon.models.videos import Video
from recon.models.webhooks import Delivery, Webhook
from recon.models.workers import Worker

__all__ = [
    "Artifact", "AuditEntry", "DataFolder", "Delivery", "Figures", "Job", "KeptAnswer",
    "Membership", "Notice", "Photo", "Share", "StageRun", "StoredFile", "Tag", "Team", "TeamEvent",
    "TeamInvitation", "Video", "Webhook", "Worker", "link_is_open", "new_key",
]  # fmt: skip
