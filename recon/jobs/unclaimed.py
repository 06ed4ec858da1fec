"""Folders that no row answers for: half an upload, or what a delete left behind.

A folder is marked before its row exists, and again before its row goes. A marked folder without
a row is removed by `reconcile`; an unmarked one never is, so that an empty or wrong database
can't cost anybody their scenes.
"""

from __future__ import annotations

import logging
import shutil
import time
from pathlib import Path
from uuid import UUID

from django.conf import settings

from recon.jobs import folder_lock
from recon.models import Job

logger = logging.getLogger(__name__)

MARK = ".unclaimed"

#: An upload in progress is marked too: leave it this long, seconds.
PATIENCE_S = 15 * 60


def mark(folder: Path) -> None:
    (folder / MARK).touch()


def claim(folder: Path) -> None:
    """A row answers for the folder now."""
    (folder / MARK).unlink(missing_ok=True)


def remove(folder: Path) -> bool:
    """Removes a marked folder. What can't be removed now stays marked, for `sweep`."""
    try:
        shutil.rmtree(folder)
    except OSError as error:
        logger.warning("%s could not be removed yet: %s", folder, error)
        if folder.is_dir():
            mark(folder)
        return False
    return True


def sweep(*, patience_s: float = PATIENCE_S) -> int:
    """Removes the marked folders without a row. Returns how many."""
    removed = 0
    for marker in (Path(settings.DATA_DIR) / "jobs").glob(f"*/{MARK}"):
        try:
            old_enough = time.time() - marker.stat().st_mtime >= patience_s
            if not old_enough or Job.objects.filter(pk=UUID(marker.parent.name)).exists():
                continue
            with folder_lock.hold(marker.parent):
                removed += remove(marker.parent)
        except (FileNotFoundError, folder_lock.FolderBusy):
            continue  # somebody removes it just now, or a horse is still dying in it
        except ValueError:
            logger.warning("%s is no job's folder; left alone", marker.parent)
    return removed
