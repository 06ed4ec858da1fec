"""A site of InstaRecon3D for programs and for the command `instarecon`: photos in, scenes out.

Knows nothing of Django, of the site's code or of the reconstruction: it speaks to `/api/v1` alone.

    from pathlib import Path
    from recon.client import Client, Wishes

    with Client("https://example.org", token) as site:
        job = site.upload(Path("photos"), wishes=Wishes(preset="standard"))
        site.wait(job.job_id)
        site.download(job.job_id, Path("scene"))
"""

from recon.client.answers import (
    Account,
    Artifact,
    Figures,
    Job,
    JobSummary,
    Limits,
    Photo,
    Poses,
    Presets,
    Quality,
    Queue,
    Quota,
    Result,
    Share,
    ShareChange,
    Team,
    Video,
    Wishes,
)
from recon.client.async_client import AsyncClient
from recon.client.client import Client
from recon.client.errors import (
    ClientError,
    Exit,
    FilesRefused,
    NotAllowed,
    NotNow,
    NotReached,
    NotThere,
    PhotoRefused,
    Refused,
    SiteFault,
    TimedOut,
    WrongFile,
    WrongUse,
)

__all__ = [
    "Account",
    "Artifact",
    "AsyncClient",
    "Client",
    "ClientError",
    "Exit",
    "Figures",
    "FilesRefused",
    "Job",
    "JobSummary",
    "Limits",
    "NotAllowed",
    "NotNow",
    "NotReached",
    "NotThere",
    "Photo",
    "PhotoRefused",
    "Poses",
    "Presets",
    "Quality",
    "Queue",
    "Quota",
    "Refused",
    "Result",
    "Share",
    "ShareChange",
    "SiteFault",
    "Team",
    "TimedOut",
    "Video",
    "Wishes",
    "WrongFile",
    "WrongUse",
]
