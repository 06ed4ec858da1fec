"""The one real reconstruction that the core's tests share: the command line on sample photos.

Read-only: a test that changes something works on a copy (`FinishedRun.copy_to`).
"""

from __future__ import annotations

import json
import os
import pickle
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from recon.pipeline.workspace import Workspace
from recon.samples import SamplePhoto, write_photos
from tests.photos import PROJECT
from tests.run_folder import once

PHOTO_SIZE = (480, 360)  # px; large enough for all twelve to register, small enough for two cores
SETTINGS = (
    "--preset", "quick", "--seed", "7",
    "--set", "train.iterations=100", "--set", "train.max_image_size=240",
    "--set", "train.max_gaussians=8000", "--set", "evaluate.lpips=false",
    "--set", "train.dense.max_image_size=160",
)  # fmt: skip


@dataclass(frozen=True)
class CommandResult:
    """How a run of `python -m recon.pipeline` ended."""

    code: int
    out: str
    err: str

    @property
    def outcome(self) -> dict[str, Any]:
        """The object that `--json` printed as the last line."""
        found: dict[str, Any] = json.loads(self.out.splitlines()[-1])
        return found


@dataclass(frozen=True)
class FinishedRun:
    """A finished reconstruction, how it was made, and the truth about its photos."""

    photos: Path
    truth: list[SamplePhoto]
    workspace: Workspace
    result: CommandResult

    def copy_to(self, folder: Path) -> Workspace:
        shutil.copytree(self.workspace.root, folder)
        return Workspace(folder)


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "recon.pipeline", *map(str, arguments)]


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(PROJECT), "TERM": "dumb"}


def run_command(*arguments: object) -> CommandResult:
    done = subprocess.run(
        command(*arguments), capture_output=True, text=True, env=environment(), check=False
    )
    return CommandResult(done.returncode, done.stdout, done.stderr)


@pytest.fixture(scope="session")
def finished_run() -> FinishedRun:
    with (once("reconstruction", _run) / "run.pickle").open("rb") as file:
        run: FinishedRun = pickle.load(file)  # noqa: S301 - this test run wrote it
    return run


def _run(folder: Path) -> None:
    photos, workspace = folder / "photos", Workspace(folder / "job")
    photos.mkdir()
    truth = write_photos(photos, size=PHOTO_SIZE)
    result = run_command(photos, workspace.root, *SETTINGS, "--json")
    assert result.code == 0, result.err
    run = FinishedRun(photos, truth, workspace, result)
    (folder / "run.pickle").write_bytes(pickle.dumps(run))


@pytest.fixture(scope="session")
def finished_workspace(finished_run: FinishedRun) -> Workspace:
    return finished_run.workspace
