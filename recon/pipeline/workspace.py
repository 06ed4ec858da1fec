"""A job's folder: where everything lies, how it is written, and what in it is still valid.

Stages talk only through files here. Each writes to a temporary name and renames, then leaves a
done marker with the digests of its inputs, its config and its outputs; a re-run skips a stage
whose three digests still hold.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from recon.pipeline.errors import Cancelled, Interrupted
from recon.pipeline.progress import Step
from recon.reporting import WarningRecord

#: Part of every marker. Raise it when a stage's code changes what it would write.
PIPELINE_VERSION = 7

_SCRATCH = ".scratch-"  # the ladder's, too
_UNFINISHED = ".unfinished-"

#: Bytes of a file's name, on all common file systems.
LONGEST_NAME = 255


@dataclass(frozen=True)
class Marker:
    """What a finished stage noted."""

    inputs: str  # digest of the inputs' content
    config: str  # digest of the stage's settings
    outputs: str  # digest of the outputs' content
    seconds: float
    facts: dict[str, object]  # what the stage found out, for the summary
    warnings: list[WarningRecord]  # {"code": ..., "facts": ...}; told again when reused


@dataclass(frozen=True)
class Workspace:
    """The folder of one job, `data/jobs/{job_id}`. Creates nothing until asked to."""

    root: Path

    # As sent by the person; never changed.
    @property
    def upload(self) -> Path:
        return self.root / "upload" / "images"

    # Camera positions that came with them, and what the photos were called there.
    @property
    def poses(self) -> Path:
        return self.root / "upload" / "poses"

    @property
    def pose_names_json(self) -> Path:
        return self.poses / "names.json"

    # Decoded, oriented, metadata-free JPEGs, and what was kept of the metadata.
    @property
    def photos(self) -> Path:
        return self.root / "work" / "photos"

    @property
    def photos_json(self) -> Path:
        return self.root / "work" / "photos.json"

    @property
    def environment_json(self) -> Path:
        return self.root / "work" / "environment.json"

    # What the photo check says of the photos, while they arrive.
    @property
    def check(self) -> Path:
        return self.root / "check"

    # Structure from motion.
    @property
    def colmap(self) -> Path:
        return self.root / "colmap"

    @property
    def database(self) -> Path:
        return self.colmap / "database.db"

    @property
    def pairs_json(self) -> Path:
        return self.colmap / "pairs.json"

    # What stands still in all photos; see `recon.poses.standing_still`.
    @property
    def still_json(self) -> Path:
        return self.colmap / "still.json"

    # What an earlier job computed of the same photos; see `recon.pipeline.earlier_job`.
    @property
    def known(self) -> Path:
        return self.colmap / "known"

    @property
    def sparse(self) -> Path:
        return self.colmap / "sparse" / "0"

    # Undistorted, for training.
    @property
    def images(self) -> Path:
        return self.root / "work" / "images"

    @property
    def undistorted_sparse(self) -> Path:
        return self.root / "work" / "sparse" / "0"

    @property
    def train_txt(self) -> Path:
        return self.root / "work" / "train.txt"

    @property
    def test_txt(self) -> Path:
        return self.root / "work" / "test.txt"

    # Photos from nearly one spot, which the split takes together: `recon.poses.models.viewpoints`.
    @property
    def together_json(self) -> Path:
        return self.root / "work" / "together.json"

    # What training really used.
    @property
    def training_json(self) -> Path:
        return self.root / "work" / "training.json"

    # The scene as it grows, for whoever watches; gone when the job is done.
    @property
    def snapshot(self) -> Path:
        return self.root / "work" / "snapshot"

    # A training that has not ended yet; see `recon.splats.checkpoints`.
    @property
    def checkpoint(self) -> Path:
        return self.root / "work" / "checkpoint"

    # The folds of a cross-validation that has not ended yet.
    @property
    def folds(self) -> Path:
        return self.root / "work" / "folds"

    # The summary of a run that ended well, until the site has recorded it.
    @property
    def finished_json(self) -> Path:
        return self.root / "work" / "finished.json"

    # Results.
    @property
    def output(self) -> Path:
        return self.root / "output"

    # Held-out photos beside what was drawn of them: of the job's own split, and of folds.
    def split_pictures(self, iterations: int) -> Path:
        return self.output / "test" / f"ours_{iterations}"

    @property
    def fold_pictures(self) -> Path:
        return self.output / "test" / "folds"

    @property
    def results_json(self) -> Path:
        return self.output / "results.json"

    @property
    def cameras_json(self) -> Path:
        return self.output / "cameras.json"

    @property
    def cfg_args(self) -> Path:
        return self.output / "cfg_args"

    @property
    def poster(self) -> Path:
        return self.output / "poster.jpg"

    @property
    def viewer_json(self) -> Path:
        return self.output / "viewer.json"

    @property
    def turntable(self) -> Path:
        return self.output / "turntable.mp4"

    @property
    def model_archive(self) -> Path:
        return self.output / "colmap_model.zip"

    @property
    def input_ply(self) -> Path:
        return self.output / "input.ply"

    # The model that is measured: it never saw the held-out photos.
    @property
    def held_out(self) -> Path:
        return self.output / "held_out"

    def held_out_iteration(self, iterations: int) -> Path:
        return self.held_out / "point_cloud" / f"iteration_{iterations}"

    # The model that people get, made of the other one.
    @property
    def point_cloud(self) -> Path:
        return self.output / "point_cloud"

    def iteration(self, iterations: int) -> Path:
        return self.point_cloud / f"iteration_{iterations}"

    @property
    def log(self) -> Path:
        return self.root / "logs" / "process.log"

    def marker_path(self, step: Step) -> Path:
        return self.root / "work" / "done" / f"{step}.json"

    def read_marker(self, step: Step) -> Marker | None:
        """The marker of `step`, or None where there is none that this version can read."""
        try:
            data = json.loads(self.marker_path(step).read_text())
            if data.pop("version") != PIPELINE_VERSION:
                return None
            return Marker(**data)
        except (FileNotFoundError, ValueError, TypeError, KeyError):
            return None

    def write_marker(self, step: Step, marker: Marker) -> None:
        write_json(self.marker_path(step), {"version": PIPELINE_VERSION, **vars(marker)})

    def remove_marker(self, step: Step) -> None:
        self.marker_path(step).unlink(missing_ok=True)


def digest_files(root: Path, paths: Iterable[Path]) -> str:
    """SHA-256 over the names (relative to `root`) and the content of files and folders' files.

    A missing path counts as missing, so deleting an output changes the digest.
    """
    total = hashlib.sha256()
    for path in sorted(_files(paths)):
        total.update(path.relative_to(root).as_posix().encode() + b"\0")
        if not path.is_file():
            total.update(b"missing")
            continue
        with path.open("rb") as file:
            total.update(hashlib.file_digest(file, "sha256").digest())
    return total.hexdigest()


def digest_json(value: Mapping[str, object]) -> str:
    """SHA-256 of `value` as canonical JSON."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def write_json(path: Path, value: object) -> None:
    """Writes `value` as JSON, atomically."""
    with replacing(path) as temporary:
        text = json.dumps(value, indent=1, ensure_ascii=False) + "\n"
        # What is no text in a file's name becomes a question mark.
        temporary.write_bytes(text.encode("utf-8", "replace"))


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary file name beside `path` that takes its place when the block ends well."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = _temporary(path)
    temporary.unlink(missing_ok=True)
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def replacing_folder(path: Path) -> Iterator[Path]:
    """An empty temporary folder beside `path` that takes its place when the block ends well."""
    temporary = _temporary(path)
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    try:
        yield temporary
        shutil.rmtree(path, ignore_errors=True)
        os.replace(temporary, path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _temporary(path: Path) -> Path:
    """The hidden name beside `path`; by a digest where no room is left to add to its own."""
    name = f".{path.name}.partial"
    if len(os.fsencode(name)) > LONGEST_NAME:
        name = f".{hashlib.sha256(os.fsencode(path.name)).hexdigest()}.partial"
    return path.with_name(name)


@contextmanager
def unfinished_folder(parent: Path, name: str, key: str) -> Iterator[Path]:
    """A folder in `parent` for long work, gone when the block ends well or is cancelled.

    What an interrupted block left in it is there again for the next one with the same `name` and
    `key`, which stands for all that decides the work.
    """
    folder = parent / f"{_UNFINISHED}{name}-{key[:16]}"
    for other in parent.glob(f"{_UNFINISHED}{name}-*"):
        if other != folder:
            shutil.rmtree(other, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    try:
        yield folder
    except Interrupted:
        raise
    except Cancelled:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    shutil.rmtree(folder, ignore_errors=True)


def remove_unfinished(workspace: Workspace) -> None:
    """Deletes what the next attempt would go on from. If none will come, it only takes up room."""
    shutil.rmtree(workspace.checkpoint, ignore_errors=True)
    for folder in workspace.colmap.glob(f"{_UNFINISHED}*"):
        shutil.rmtree(folder, ignore_errors=True)


def remove_scratch(parent: Path) -> None:
    """Deletes the scratch folders in `parent` that a killed process left."""
    for folder in parent.glob(f"{_SCRATCH}*"):
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def scratch_folder(parent: Path) -> Iterator[Path]:
    """A temporary folder in `parent`, gone afterwards.

    An interrupted native call may still be writing there: what can't be deleted is left, since
    that must not hide why the block ended.
    """
    with tempfile.TemporaryDirectory(
        dir=parent, prefix=_SCRATCH, ignore_cleanup_errors=True
    ) as scratch:
        yield Path(scratch)


def _files(paths: Iterable[Path]) -> Iterator[Path]:
    for path in paths:
        if path.is_dir():
            yield from (p for p in path.rglob("*") if p.is_file())
        else:
            yield path
