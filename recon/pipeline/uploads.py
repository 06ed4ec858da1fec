"""Putting a folder of photos into a workspace, as the site's upload does for its jobs.

Photos may lie in folders, one for each camera: those of two folders never share one.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from recon.pipeline.workspace import Workspace, replacing

#: Files that are taken for photos; whether they are is found out by reading them.
SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".heic", ".heif", ".hif", ".avif")


def photos_in(folder: Path) -> tuple[list[Path], list[str]]:
    """The photo files of `folder` by name, and the names of the other visible files.

    Where there is none, those in its folders, one level down: photos sorted by camera. Beside
    photos, folders are left alone, since they mostly hold the same ones in another size.
    """
    files = _visible(folder)
    photos = [path for path in files if _is_photo(path)]
    if not photos:
        inner = [path for sub in sorted(folder.iterdir()) if sub.is_dir() for path in _visible(sub)]
        inner = [path for path in inner if not path.parent.name.startswith(".")]
        photos = [path for path in inner if _is_photo(path)]
        files += inner if photos else []
    return photos, [path.relative_to(folder).as_posix() for path in files if path not in photos]


def bring_in(photos: list[Path], workspace: Workspace, folder: Path | None = None) -> None:
    """Makes `workspace.upload` hold exactly `photos`: linked where possible, copied elsewhere.

    Photos in folders of `folder` keep theirs; others are put side by side.
    """
    workspace.upload.mkdir(parents=True, exist_ok=True)
    wanted = {path.relative_to(folder) if folder else Path(path.name): path for path in photos}
    for old in sorted(workspace.upload.rglob("*"), reverse=True):  # what lies in a folder first
        if old.is_dir():
            if not any(old.iterdir()):
                old.rmdir()
        elif old.relative_to(workspace.upload) not in wanted:
            old.unlink()
    for name, path in wanted.items():
        place = workspace.upload / name
        if place.exists() and place.samefile(path):
            continue
        with replacing(place) as temporary:
            try:
                os.link(path.resolve(), temporary)
            except OSError:  # another file system, or one without links
                shutil.copyfile(path, temporary)


def _visible(folder: Path) -> list[Path]:
    return sorted(p for p in folder.iterdir() if p.is_file() and not p.name.startswith("."))


def _is_photo(path: Path) -> bool:
    return path.suffix.lower() in SUFFIXES
