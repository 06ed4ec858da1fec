"""What can be removed without anybody missing it, found first and then removed, one by one."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path

from django.conf import settings
from django.utils import timezone

from recon.jobs.drafts import drafts
from recon.jobs.folder import leftovers, unclaimed
from recon.jobs.folder import lock as folder_lock
from recon.jobs.people import quotas
from recon.jobs.storage import retention
from recon.models import Job
from recon.pipeline.workspace import Workspace

#: Until then a scene's features are there for "Add photos and run again", and a retry goes on.
INTERMEDIATE_DAYS = 30

TEMPORARY = "temporary files of killed processes"
UNCLAIMED = "folders without a scene"
DRAFTS = "drafts that nobody has changed for long"
INTERMEDIATE = "intermediate files of scenes that ended long ago"
EXPIRED = "scenes past their retention"
KINDS = (TEMPORARY, UNCLAIMED, DRAFTS, INTERMEDIATE, EXPIRED)


@dataclass(frozen=True)
class Removable:
    """One thing that can go. `remove` looks once more, and says whether it did."""

    kind: str
    name: str  # a path, or a scene's number
    size: int  # bytes
    remove: Callable[[], bool]


def find(intermediate_days: int = INTERMEDIATE_DAYS) -> Iterator[Removable]:
    """Everything that can be removed now. Changes nothing."""
    for path in (*leftovers.find(), *leftovers.find_pictures()):
        yield Removable(TEMPORARY, str(path), size_of([path]), partial(_remove_file, path))
    for pk, folder in unclaimed.find().items():
        remove = partial(unclaimed.remove_if_unclaimed, pk, folder)
        yield Removable(UNCLAIMED, str(folder), size_of([folder]), remove)
    for job in drafts.abandoned_drafts():
        yield _job(DRAFTS, job, partial(drafts.remove_if_abandoned, job))
    due = list(retention.scenes_due())
    yield from _intermediate(intermediate_days, leave_out={job.pk for job in due})
    for job in due:
        yield _job(EXPIRED, job, partial(retention.delete_due, job))


def intermediate_files(workspace: Workspace) -> list[Path]:
    """What of an ended job no page shows, no download has, and another run would make again."""
    databases = workspace.colmap.glob("database.db*")
    unfinished = workspace.colmap.glob(".unfinished-*")
    folders = (
        workspace.known, workspace.photos, workspace.checkpoint, workspace.folds,
        workspace.snapshot,
    )  # fmt: skip
    return [path for path in (*databases, *unfinished, *folders) if path.exists()]


def size_of(paths: list[Path]) -> int:
    """In bytes, folders with what is in them. A file that has another name as well counts as
    nothing: it stays."""
    files = [path for path in paths if path.is_file()]
    for folder in paths:
        if folder.is_dir():
            files += [path for path in folder.rglob("*") if path.is_file()]
    facts = [path.lstat() for path in files]
    return sum(one.st_size for one in facts if one.st_nlink == 1)


def _intermediate(days: int, leave_out: set[object]) -> Iterator[Removable]:
    if settings.STORAGE_URL:
        return  # what lies here are copies, which `reconcile` removes
    before = timezone.now() - timedelta(days=days)
    ended = Job.objects.filter(status__in=Job.ENDED, completed_at__lte=before)
    for job in ended.exclude(pk__in=leave_out).order_by("completed_at").iterator():
        if size := size_of(intermediate_files(job.workspace)):
            yield Removable(INTERMEDIATE, str(job.pk), size, partial(_remove_intermediate, job))


def _remove_intermediate(job: Job) -> bool:
    try:
        with folder_lock.hold(job.folder):
            # Staff may have let a failed one try again: it needs what it has.
            if not Job.objects.filter(pk=job.pk, status__in=Job.ENDED).update(stored_bytes=None):
                return False
            for path in intermediate_files(job.workspace):
                if path.is_dir():
                    shutil.rmtree(path)
                else:
                    path.unlink()
    except (FileNotFoundError, folder_lock.FolderBusy):
        return False
    quotas.measure_ended(Job.objects.filter(pk=job.pk))
    return True


def _job(kind: str, job: Job, remove: Callable[[], bool]) -> Removable:
    return Removable(kind, str(job.pk), size_of([job.folder]), remove)


def _remove_file(path: Path) -> bool:
    return leftovers.remove([path]) == 1
