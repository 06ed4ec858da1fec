"""Putting a folder of photos into a workspace, as the site's upload does for its jobs.

Photos may lie in folders, one for each camera: those of two folders never share one.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path, PurePosixPath

from recon.pipeline.photos.media import HEAD, PHOTO_SUFFIXES, is_photo
from recon.pipeline.workspace import LONGEST_NAME, Workspace, replacing

#: Files that may hold a photo but are not meant as one: what programs keep beside it.
_BESIDE = ("~", ".bak", ".orig", "_original", ".thm", ".tmp", ".part", ".partial", ".crdownload")


def photos_in(folder: Path) -> tuple[list[Path], list[str]]:
    """The photo files of `folder` by name, and the names of the other visible files. A file whose
    name says nothing, or something else, is a photo where its content is one.

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
    wanted = {_place(path.relative_to(folder or path.parent)): path for path in photos}
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


def _place(path: Path) -> Path:
    """`path` with names that are text: those of other systems' archives may be in no encoding."""
    if all(part.isprintable() for part in path.parts):
        return path
    return Path(*(_in_text(part) for part in path.parts))


def _in_text(name: str) -> str:
    shown = os.fsencode(name).decode(errors="backslashreplace")
    if len(shown.encode()) <= LONGEST_NAME:
        return shown
    return hashlib.sha256(os.fsencode(name)).hexdigest() + PurePosixPath(shown).suffix[:16]


def _visible(folder: Path) -> list[Path]:
    return sorted(p for p in folder.iterdir() if p.is_file() and not p.name.startswith("."))


def _is_photo(path: Path) -> bool:
    name = path.name.lower()
    if name.endswith(PHOTO_SUFFIXES):
        return True
    if name.endswith(_BESIDE):
        return False
    try:
        with path.open("rb") as file:
            return is_photo(file.read(HEAD))
    except OSError:
        return False
