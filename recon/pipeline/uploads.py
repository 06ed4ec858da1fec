"""Putting a folder of photos into a workspace, as the site's upload does for its jobs."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from recon.pipeline.workspace import Workspace, replacing

#: Files that are taken for photos; whether they are is found out by reading them.
SUFFIXES = (".jpg", ".jpeg", ".png", ".webp")


def photos_in(folder: Path) -> tuple[list[Path], list[str]]:
    """The photo files of `folder` by name, and the names of the other visible files."""
    files = sorted(p for p in folder.iterdir() if p.is_file() and not p.name.startswith("."))
    photos = [path for path in files if path.suffix.lower() in SUFFIXES]
    return photos, [path.name for path in files if path not in photos]


def bring_in(photos: list[Path], workspace: Workspace) -> None:
    """Makes `workspace.upload` hold exactly `photos`: linked where possible, copied elsewhere."""
    workspace.upload.mkdir(parents=True, exist_ok=True)
    wanted = {path.name: path for path in photos}
    for old in workspace.upload.iterdir():
        if old.name not in wanted:
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
