"""Deletes a job, or only its files."""

from __future__ import annotations

import logging
import shutil

from django.db import transaction

from accounts.models import User
from recon.jobs import lifecycle
from recon.jobs.folder import lock as folder_lock
from recon.jobs.folder import mirror, unclaimed
from recon.jobs.people import team_log
from recon.models import Job

logger = logging.getLogger(__name__)

#: How long a delete waits for a stopped work horse to let go of the folder, seconds.
DELETE_WAIT_S = 5.0


def delete(job: Job, *, by: User | None = None) -> None:
    """Cancels the job and removes its row and its folder. A draft only has those. `by`: whose wish
    it is, for the log of the job's team.

    The folder is marked first, so that `reconcile` removes it if we die in between, or if a
    dying horse still writes there when the wait is over. A job without a folder has none to mark.
    """
    lifecycle.cancel(job)
    folder = job.folder
    try:
        with folder_lock.hold(folder, wait_s=DELETE_WAIT_S):
            unclaimed.mark(folder)
            _delete_rows(job, by)
            unclaimed.remove(folder)
    except FileNotFoundError:
        _delete_rows(job, by)
    except folder_lock.FolderBusy:
        unclaimed.mark(folder)
        _delete_rows(job, by)
        logger.warning("Folder %s is still written to; reconcile will remove it", folder)


def _delete_rows(job: Job, by: User | None) -> None:
    """Locks the job first: a photo that arrives meanwhile finds no draft to belong to."""
    with transaction.atomic():
        Job.objects.select_for_update().filter(pk=job.pk).first()
        mirror.forget(job)
        team_log.note_scenes([job], team_log.Kind.SCENE_DELETED, by)
        job.delete()


def delete_files(job: Job) -> bool:
    """Staff makes room: an ended job's files are deleted, its row and figures stay. False while
    active.
    """
    if not Job.objects.filter(pk=job.pk, status__in=Job.ENDED).exists():
        return False
    mirror.make_folder(job)
    try:
        with folder_lock.hold(job.folder):
            with transaction.atomic():
                Job.objects.select_for_update().filter(pk=job.pk).first()
                mirror.forget(job)
            job.artifacts.all().delete()
            Job.objects.filter(pk=job.pk).update(view=None, own_view=None, stored_bytes=0)
            shutil.rmtree(job.folder)
    except FileNotFoundError:
        job.artifacts.all().delete()
    except folder_lock.FolderBusy:
        return False
    return True
