"""What of jobs' files nobody needs any more: objects that no row names, and a machine's copies."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.utils import timezone

from recon.jobs.folder import lock as folder_lock
from recon.jobs.folder import object_store
from recon.models import Job, StoredFile

#: How old an object without a row must be before nobody can be about to list it.
UNLISTED_FOR = timedelta(days=1)
#: After which a copy on a machine goes, seconds.
UNUSED_FOR_S = 24 * 60 * 60


def sweep() -> int:
    """Deletes objects that nobody has listed for a day: of uploads that were never finished, and of
    deletions that died on their way. Returns how many. Raises NotNow.

    It looks at all of them, so that is for once a day. A database that knows no file at all is
    empty or the wrong one, and costs nobody anything.
    """
    if not object_store.is_used() or not StoredFile.objects.exists():
        return 0
    before, swept = timezone.now() - UNLISTED_FOR, 0
    for keys in _batches(key for key in object_store.all_keys() if "/" in key):
        listed = set(StoredFile.objects.filter(key__in=keys).values_list("key", flat=True))
        old = [key for key in set(keys) - listed if _stored_before(key, before)]
        object_store.remove(old)
        swept += len(old)
    return swept


def evict() -> int:
    """Removes this machine's copies of jobs that nobody has looked at here for a day, and of jobs
    that are gone. Returns how many."""
    if not object_store.is_used():
        return 0
    evicted, before = 0, time.time() - UNUSED_FOR_S
    for folder in (Path(settings.DATA_DIR) / "jobs").glob("*"):
        try:
            if (folder / folder_lock.LOCK_NAME).stat().st_mtime > before or _is_at_work(folder):
                continue
            with folder_lock.hold(folder):
                shutil.rmtree(folder)
                evicted += 1
        except (FileNotFoundError, folder_lock.FolderBusy):
            continue
    return evicted


def _is_at_work(folder: Path) -> bool:
    """Whether its job has not ended: what a worker here could not send yet may be in it."""
    return Job.objects.filter(pk=folder.name).exclude(status__in=Job.ENDED).exists()


def _stored_before(key: str, moment: datetime) -> bool:
    try:
        return object_store.stored_at(key) < moment
    except object_store.ObjectMissing:
        return False


def _batches(keys: Iterator[str], size: int = 500) -> Iterator[list[str]]:
    batch: list[str] = []
    for key in keys:
        batch.append(key)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch
