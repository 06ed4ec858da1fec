"""What the reference reached on a scene, stored so that it need not be run again."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from recon.pipeline.workspace import Workspace, digest_files, digest_json, write_json

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / "build" / "references"

#: Part of every key. Raise it when the reference changes, or the way both are scored: the metrics
#: and `recon.splats.exposure.expose_crosswise`.
VERSION = 2

Result = dict[str, Any]


def scene_hash(workspace: Workspace) -> str:
    """Over everything that the reference reads: the photos' pictures, the poses and the split."""
    split = [workspace.train_txt, workspace.test_txt]
    names = [name for path in split for name in path.read_text().split("\n") if name]
    files = [workspace.images / name for name in names]
    files += [workspace.undistorted_sparse / f"{kind}.txt" for kind in ("cameras", "images")]
    return digest_files(
        workspace.root, [*files, workspace.undistorted_sparse / "points3D.txt", *split]
    )


class Cache:
    """Results of one scene and one recipe, a JSON file per device."""

    def __init__(self, folder: Path, workspace: Workspace, recipe: dict[str, Any]) -> None:
        self._folder = folder
        key = {"version": VERSION, "scene": scene_hash(workspace), "recipe": recipe}
        self._key, self._stem = key, digest_json(key)[:20]

    def read(self, device: str) -> Result | None:
        """The result of `device`, None if there is none."""
        try:
            result: Result = json.loads(self._path(device).read_text())
        except FileNotFoundError:
            return None
        return {**result, "cached": True}

    def read_any(self) -> Result | None:
        """The newest result, of any device."""
        paths = sorted(self._folder.glob(f"{self._stem}-*.json"), key=lambda p: p.stat().st_mtime)
        return {**json.loads(paths[-1].read_text()), "cached": True} if paths else None

    def write(self, result: Result) -> Result:
        """Stores `result` under its device, and returns it as a fresh one."""
        write_json(self._path(result["device"]), {**self._key, **result})
        return {**self._key, **result, "cached": False}

    def _path(self, device: str) -> Path:
        name = re.sub(r"[^A-Za-z0-9]+", "-", device)
        return self._folder / f"{self._stem}-{name}.json"
