"""The report on this machine, and which of its rows stop a job."""

from __future__ import annotations

import builtins
from pathlib import Path
from typing import Any

import pytest

from recon.pipeline.errors import PipelineError, explain
from recon.pipeline.machine import environment
from recon.pipeline.machine.environment import Check


def require(check: Check, folder: Path) -> PipelineError:
    with pytest.raises(PipelineError) as caught:
        environment.require([check], folder, min_free_disk_mb=500)
    return caught.value


def test_the_report_names_every_part_and_passes_here(tmp_path: Path) -> None:
    checks = environment.report(tmp_path)
    names = [check.name for check in checks]
    assert names == [
        "Python", "torch", "CUDA device", "rasteriser", "pycolmap", "numba", "disk space", "folder",
    ]  # fmt: skip
    assert all(check.ok for check in checks if check.needed), environment.format(checks)
    environment.require(checks, tmp_path, min_free_disk_mb=1)


def test_the_report_reads_well(tmp_path: Path) -> None:
    text = environment.format(
        [Check("torch", "2.13.0", True, True, ""), Check("numba", "none", False, True, "Install.")]
    )
    assert text.splitlines()[0].split() == ["ok", "torch", "2.13.0"]
    assert "MISSING" in text.splitlines()[1]
    assert text.splitlines()[2].strip() == "-> Install."


def test_a_missing_package_is_named_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    real_import = builtins.__import__

    def failing(name: str, *rest: Any, **more: Any) -> Any:
        if name == "missing_part":
            raise ImportError("No module named 'missing_part'")
        return real_import(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", failing)
    check = environment.check_package("missing_part", "the training")
    assert not check.ok
    assert "pip install" in check.advice


def test_a_broken_package_stops_the_job(tmp_path: Path) -> None:
    error = require(Check("torch", "does not load (bad wheel)", False, True, "x"), tmp_path)
    assert error.code == "environment_broken"
    explained = explain(error.code, error.facts)
    assert "torch" not in str(error)
    assert "torch" not in explained.sentence
    assert "torch: does not load (bad wheel)." in explained.staff_sentence


def test_a_machine_without_a_gpu_is_good_enough(tmp_path: Path) -> None:
    gpu = Check("CUDA device", "none", False, False, "Jobs run on the CPU.")
    environment.require([gpu], tmp_path, min_free_disk_mb=1)


def test_a_full_disk_stops_the_job_before_it_starts(tmp_path: Path) -> None:
    check = environment.check_disk(tmp_path, needed_mb=10**12)
    error = require(check, tmp_path)
    assert error.code == "disk_full"
    assert error.facts["free_mb"] >= 0


def test_a_folder_that_cannot_be_written_to_stops_the_job() -> None:
    folder = Path("/proc/recon")  # read-only for root too
    check = environment.check_writable(folder)
    assert not check.ok
    assert require(check, folder).code == "folder_not_writable"


def test_a_folder_that_is_not_there_yet_is_judged_by_the_one_above(tmp_path: Path) -> None:
    assert environment.check_writable(tmp_path / "a" / "b").ok
    assert environment.free_mb(tmp_path / "a" / "b") > 0
    assert not (tmp_path / "a").exists()
