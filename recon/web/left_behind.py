"""What a job's run wrote, for pages: absent rather than broken.

A file that can't be read is damaged, or an earlier version of this program wrote it, which is not a
fault. The page is served without its content, and the log says where it differs.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from recon.jobs.folder import mirror
from recon.models import Job
from recon.pipeline.records import RecordError
from recon.pipeline.workspace import Workspace

logger = logging.getLogger(__name__)

T = TypeVar("T")


def left_by(job: Job, read: Callable[[Workspace], T]) -> T | None:
    """What `read` (`Results.read`, for example) finds in the job's folder; None for nothing."""
    mirror.pull(job, *(mirror.path_of(job, file) for file in _records(job.workspace)))
    try:
        return read(job.workspace)
    except FileNotFoundError:
        return None
    except RecordError as error:
        logger.warning(
            "Job %s: a file is damaged or of another version, pages go without it: %s",
            job.pk, error,
        )  # fmt: skip
        return None


def _records(workspace: Workspace) -> tuple[Path, ...]:
    """The files that readers of this module read: small ones."""
    return (
        workspace.photos_json, workspace.environment_json, workspace.pairs_json,
        workspace.still_json, workspace.training_json, workspace.results_json,
        workspace.cameras_json,
    )  # fmt: skip
