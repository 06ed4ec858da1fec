"""A scene's pictures while it trains: a few files in a folder, always a consistent set.

    snapshot.json   what the set is, and the names of the other two; written last
    scene-*.splat   the scene's most visible Gaussians
    render-*.jpg    the scene from one photo's pose

`recon.splats.live` writes them. No torch here: the site reads them too.
"""

from __future__ import annotations

import json
import os
import shutil
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

_INDEX = "snapshot.json"
_SETS = 2  # sets; whoever has just read of the last but one can still fetch it
_TRIES = 3  # a set may be taken away between reading its name and looking for it


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """One set of files, and how far training was."""

    splat: Path
    render: Path  # JPEG
    step: int
    of: int  # steps in all
    start_seconds: float  # of preparation, up to the end of the first step
    seconds: float  # of training since then
    gaussians: int  # in the scene
    shown: int  # in `splat`
    psnr: float | None  # dB, of the render against its photo, no exposure corrected
    photo: str  # whose pose `render` has
    held_out: bool  # training has never seen `photo`, so `psnr` is honest
    spent_seconds: float  # of training that the snapshots before this one took
    history: list[tuple[int, float, float | None]]  # (step, seconds, psnr) so far, this one last


def read_snapshot(folder: Path) -> Snapshot | None:
    """The newest set of `folder`, or None where there is none (yet, or any more)."""
    for _ in range(_TRIES):
        try:
            facts = json.loads((folder / _INDEX).read_text(encoding="utf-8"))
            facts["splat"], facts["render"] = folder / facts["splat"], folder / facts["render"]
            facts["history"] = [tuple(entry) for entry in facts["history"]]
            snapshot = Snapshot(**facts)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (KeyError, TypeError, ValueError):  # what another version of this program wrote
            return None
        if snapshot.splat.is_file() and snapshot.render.is_file():
            return snapshot
    return None


def publish(snapshot: Snapshot) -> None:
    """Makes `snapshot`, whose two files lie in one folder, that folder's newest, and tidies up."""
    folder = snapshot.splat.parent
    facts = asdict(snapshot)
    facts["splat"], facts["render"] = snapshot.splat.name, snapshot.render.name
    temporary = folder / f".{_INDEX}.partial"
    temporary.write_text(json.dumps(facts) + "\n", encoding="utf-8")
    os.replace(temporary, folder / _INDEX)
    for pattern in ("scene-*.splat", "render-*.jpg"):
        files = sorted(folder.glob(pattern), key=lambda path: path.stat().st_mtime_ns)
        for old in files[:-_SETS]:
            old.unlink()


def remove_snapshots(folder: Path) -> None:
    """Deletes `folder` with all its sets, as far as it can; their list first."""
    with suppress(OSError):
        (folder / _INDEX).unlink()
    shutil.rmtree(folder, ignore_errors=True)
