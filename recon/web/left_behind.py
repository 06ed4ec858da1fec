"""What a job's run wrote, for pages: absent rather than broken.

A file that can't be read is damaged, or an earlier version of this program wrote it, which is not a
fault. The page is served without its content, and the log says where it differs.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TypeVar

from recon.models import Job
from recon.pipeline.records import RecordError
from recon.pipeline.workspace import Workspace

logger = logging.getLogger(__name__)

T = TypeVar("T")


def left_by(job: Job, read: Callable[[Workspace], T]) -> T | None:
    """What `read` (`Results.read`, for example) finds in the job's folder; None for nothing."""
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
