"""A disk that runs full while a job works: reported as such, whichever library hit it first."""

from __future__ import annotations

import errno
import shutil
import sqlite3
import zipfile
from collections import namedtuple
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from PIL import Image

from recon.pipeline import runner
from recon.pipeline.errors import PipelineError, explain
from recon.pipeline.machine import disk
from recon.pipeline.presets import PRESETS
from recon.pipeline.progress import ListReporter, Step
from recon.pipeline.runner import run_pipeline
from recon.pipeline.workspace import Workspace
from tests.core.test_runner import CopyingStage

#: A device of Linux on which every write fails as on a full disk.
FULL = Path("/dev/full")
Usage = namedtuple("Usage", "total used free")
MB = disk.MB


def sets_free(monkeypatch: pytest.MonkeyPatch, free_mb: float) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(0, 0, int(free_mb * MB)))


def write_video() -> None:
    with av.open(str(FULL), "w", format="mp4") as output:
        stream = output.add_stream("libx264", rate=10)
        stream.width = stream.height = 64
        stream.pix_fmt = "yuv420p"
        frame = av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8))
        output.mux(stream.encode(frame))
        output.mux(stream.encode())


def write_zip() -> None:
    with FULL.open("wb") as file, zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a", bytes(10**6))


def write_database() -> None:
    raise sqlite3.OperationalError("database or disk is full")


WRITERS: dict[str, Callable[[], Any]] = {
    "text": lambda: FULL.write_text("{}"),
    "picture": lambda: Image.new("RGB", (64, 64)).save(FULL, "JPEG"),
    "array": lambda: np.save(FULL.open("wb"), np.zeros(10**5)),
    "zip": write_zip,
    "video": write_video,
    "database": write_database,
}


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_whatever_is_written_its_error_tells_of_a_full_disk(name: str, tmp_path: Path) -> None:
    with pytest.raises(Exception) as caught:  # noqa: PT011 - of many kinds
        WRITERS[name]()
    assert disk.explains(caught.value, tmp_path)


def test_an_error_that_it_led_to_tells_so_too(tmp_path: Path) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011, PT012
        try:
            raise OSError(errno.EDQUOT, "over")
        except OSError as first:
            raise ValueError("half a file") from first
    assert disk.explains(caught.value, tmp_path)


def test_other_errors_do_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    others = [OSError(errno.EIO, "broken"), ValueError("disk is full"), sqlite3.DatabaseError("no")]
    assert not any(disk.explains(error, tmp_path) for error in others)
    sets_free(monkeypatch, 0.5)
    assert all(disk.explains(error, tmp_path) for error in others), "what else could it be"


@pytest.fixture
def first_stage(monkeypatch: pytest.MonkeyPatch) -> CopyingStage:
    stage = CopyingStage("in", "out")
    monkeypatch.setattr(runner, "STAGES", {Step.PREFLIGHT: stage})
    monkeypatch.setattr(disk, "LOOK_EVERY_S", 0.0)
    return stage


def run(folder: Path, report: Any = None) -> runner.Summary:
    (folder / "in").write_bytes(b"photo")
    report = report or ListReporter()
    return run_pipeline(Workspace(folder), PRESETS["quick"], report, until=Step.PREFLIGHT)


def test_a_step_that_can_t_write_ends_the_job_with_the_right_words(
    tmp_path: Path, first_stage: CopyingStage
) -> None:
    first_stage.raises = OSError(errno.ENOSPC, "No space left on device")
    report = ListReporter()
    summary = run(tmp_path, report)
    assert (summary.status, summary.error_code, summary.fault) == ("FAILED", "disk_full", "ours")
    assert summary.error_facts["needed_mb"] == PRESETS["quick"].preflight.min_free_disk_mb
    assert any("No space left" in str(event) for event in report.events)


def test_a_log_that_can_t_be_written_hides_nothing(
    tmp_path: Path, first_stage: CopyingStage
) -> None:
    class Mute(ListReporter):
        def log(self, line: str) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

    first_stage.raises = OSError(errno.ENOSPC, "No space left on device")
    assert run(tmp_path, Mute()).error_code == "disk_full"
    first_stage.raises = RuntimeError("another fault")
    assert run(tmp_path, Mute()).error_code == "internal"


def test_a_step_stops_before_native_code_meets_the_end_of_the_disk(
    tmp_path: Path, first_stage: CopyingStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """COLMAP ends its process if its database can't be written."""
    sets_free(monkeypatch, disk.RESERVE_MB - 1)
    summary = run(tmp_path)
    assert summary.error_code == "disk_full"
    assert summary.error_facts["free_mb"] <= disk.RESERVE_MB
    assert not (tmp_path / "out").exists()
    sets_free(monkeypatch, disk.RESERVE_MB + 1)
    assert run(tmp_path).status == "STOPPED"


def test_who_wants_no_reserve_has_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disk, "LOOK_EVERY_S", 0.0)
    sets_free(monkeypatch, 5)
    report = ListReporter()
    disk.DiskWatchingReport(report, tmp_path, needed_mb=4)(0.5)
    with pytest.raises(PipelineError):
        disk.DiskWatchingReport(report, tmp_path, needed_mb=6)(0.5)


def test_people_are_not_told_to_buy_disks() -> None:
    found = explain("disk_full", {"free_mb": 3, "needed_mb": 500})
    assert "DATA_DIR" not in found.sentence
    assert "Ask whoever runs this site" in found.advice
    assert "DATA_DIR" in found.staff_sentence
    folder = explain("folder_not_writable", {"folder": "/srv/data"})
    assert "/srv/data" not in folder.sentence
    assert "/srv/data" in folder.staff_sentence
