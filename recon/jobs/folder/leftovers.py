"""Temporary files whose writer was killed: nobody else would ever remove them.

Each kind is recognised by the name that we gave it, and is left alone for as long as a writer could
still be at work: by its age, or by the lock of the job's folder.
"""

from __future__ import annotations

import logging
import re
import shutil
import time
from collections.abc import Iterable
from pathlib import Path

from django.conf import settings

logger = logging.getLogger(__name__)

#: Seconds after its last change when no request can have a file open any more. A body that is
#: still arriving lies in a file without a name; these are written and read in one go.
LONGEST_REQUEST_S = 60 * 60

#: Django's name for an upload that is read: tmpab12cd_e.upload.jpg
_SPOOLED = re.compile(r"tmp[a-z0-9_]+\.upload.*", re.DOTALL)
#: `instarecon_site.secret` on its way to a secret.
_SECRET = re.compile(r"\.secret_key\.\d+\.[0-9a-f]{8}")
#: `recon.jobs.backup` on its way to or from a bucket, a folder that is written to all the time.
_BACKUP = re.compile(r"\.(backup|restore)-[a-z0-9_]+")
BACKUP_S = 24 * 60 * 60
#: `recon.web.files_on_demand` on its way to a small picture.
_PICTURE = re.compile(r"\.[0-9a-f]{16}-.+")
#: `recon.pipeline.workspace`, whose writers hold the folder's lock.
_WORK = re.compile(r"\.scratch-.+|\..+\.partial")


def sweep() -> int:
    """Removes what killed web processes left, old enough to be nobody's. Returns how many."""
    return remove(find())


def sweep_pictures() -> int:
    """The same for small pictures in jobs' folders. Looks into all of them: once, at a start."""
    return remove(find_pictures())


def find() -> list[Path]:
    """What `sweep` would remove."""
    incoming, data = Path(settings.FILE_UPLOAD_TEMP_DIR), Path(settings.DATA_DIR)
    named = [path for path in _files_in(incoming) if _is(path, _SPOOLED)]
    named += [path for path in _files_in(data) if _is(path, _SECRET)]
    return [path for path in named if _is_old(path)] + _find_backups(data)


def _find_backups(data: Path) -> list[Path]:
    folders = [path for path in _files_in(data) if _is(path, _BACKUP) and path.is_dir()]
    before = time.time() - BACKUP_S
    return [one for one in folders if _changed_at(one) < before]


def _changed_at(folder: Path) -> float:
    """Of the folder or a file in it, whichever was later; now, where somebody is removing it."""
    try:
        return max(path.stat().st_mtime for path in (folder, *folder.iterdir()))
    except FileNotFoundError:
        return time.time()


def find_pictures() -> list[Path]:
    """What `sweep_pictures` would remove."""
    pictures = (Path(settings.DATA_DIR) / "jobs").glob("*/*/.*-*")
    return [path for path in pictures if _is(path, _PICTURE) and _is_old(path)]


def clear(folder: Path) -> int:
    """Removes what a killed worker left in a job's folder. Call it with the folder's lock held."""
    return remove(path for path in sorted(folder.rglob(".*")) if _is(path, _WORK))


def _files_in(folder: Path) -> Iterable[Path]:
    return folder.iterdir() if folder.is_dir() else ()


def _is(path: Path, name: re.Pattern[str]) -> bool:
    return name.fullmatch(path.name) is not None and not path.is_symlink()


def _is_old(path: Path) -> bool:
    try:
        return path.is_file() and time.time() - path.stat().st_mtime > LONGEST_REQUEST_S
    except FileNotFoundError:
        return False


def remove(paths: Iterable[Path]) -> int:
    """Removes files and folders that are nobody's any more. Returns how many."""
    removed = 0
    for path in paths:
        try:
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()
        except FileNotFoundError:
            continue  # with the folder that it lay in, or by somebody else
        except OSError as error:
            logger.warning("%s could not be removed: %s", path, error)
            continue
        removed += 1
    return removed
