"""Folders that belong to no row: half an upload, or the rest of an interrupted delete.

A folder is marked before its row exists, and again before its row is deleted. A marked folder
without a row is removed by `reconcile`; an unmarked one never is, so that an empty or wrong
database can't cost anybody their scenes.
"""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Collection
from pathlib import Path
from uuid import UUID

from django.conf import settings

from recon.jobs.folder import lock as folder_lock
from recon.models import Job

logger = logging.getLogger(__name__)

MARK = ".unclaimed"

#: An upload in progress is marked too: leave it this long, seconds.
PATIENCE_S = 15 * 60


def mark(folder: Path) -> None:
    (folder / MARK).touch()


def claim(folder: Path) -> None:
    """The folder belongs to a row now."""
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
    """Removes the marked folders without a row, and the marks of those that have one: whoever made
    the row, or wanted to delete it, was killed then. Returns how many folders are gone."""
    marked = _marked_before(time.time() - patience_s)
    with_a_row = _with_a_row(marked)
    for pk in with_a_row:
        claim(marked[pk])
    return sum(
        remove_if_unclaimed(pk, folder) for pk, folder in marked.items() if pk not in with_a_row
    )


def find(*, patience_s: float = PATIENCE_S) -> dict[UUID, Path]:
    """What `sweep` would remove, by the number of the job that each folder was for."""
    marked = _marked_before(time.time() - patience_s)
    with_a_row = _with_a_row(marked)
    return {pk: folder for pk, folder in marked.items() if pk not in with_a_row}


def _with_a_row(jobs: Collection[UUID]) -> set[UUID]:
    return set(Job.objects.filter(pk__in=jobs).values_list("pk", flat=True)) if jobs else set()


def _marked_before(limit: float) -> dict[UUID, Path]:
    """The folders that have been marked since before then, by their job's number."""
    marked = {}
    for marker in (Path(settings.DATA_DIR) / "jobs").glob(f"*/{MARK}"):
        try:
            if marker.stat().st_mtime <= limit:
                marked[UUID(marker.parent.name)] = marker.parent
        except FileNotFoundError:
            continue  # somebody is just removing it
        except ValueError:
            logger.warning("%s is no job's folder; left alone", marker.parent)
    return marked


def remove_if_unclaimed(pk: UUID, folder: Path) -> bool:
    """Removes one of them, if it still is one."""
    try:
        with folder_lock.hold(folder):
            # Asked once more: removing those before it may have taken long.
            return not Job.objects.filter(pk=pk).exists() and remove(folder)
    except (FileNotFoundError, folder_lock.FolderBusy):
        return False  # somebody is just removing it, or a horse is still dying in it
