"""Compiled kernels are reused only while nothing that went into them has changed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from recon.splats.kernel_cache import kernel_cache
from tests.photos import PROJECT


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    folder = tmp_path / "code"
    (folder / "inner").mkdir(parents=True)
    (folder / "kernels.py").write_text("from numba import njit\n")
    (folder / "inner" / "helper.py").write_text("from numba import njit  # inlined\n")
    (folder / "plain.py").write_text("x = 1\n")
    return folder


def test_a_change_in_any_file_with_kernels_is_another_folder(sources: Path) -> None:
    before = kernel_cache(sources, None)
    assert Path(before).parent == sources / "__pycache__"
    (sources / "plain.py").write_text("x = 2\n")
    assert kernel_cache(sources, None) == before
    (sources / "inner" / "helper.py").write_text("from numba import njit  # changed\n")
    assert kernel_cache(sources, None) != before


def test_a_chosen_folder_is_kept_to(sources: Path, tmp_path: Path) -> None:
    chosen = kernel_cache(sources, str(tmp_path / "cache"))
    assert Path(chosen).parent == tmp_path / "cache"
    assert kernel_cache(sources, chosen) == chosen  # as a process that ours starts finds it


@pytest.mark.slow
def test_kernels_are_kept_where_the_environment_says(tmp_path: Path) -> None:
    program = (
        "import torch; from recon.splats.losses.photometric import ssim; "
        "p = torch.rand(20, 20, 3); ssim(p, p)"
    )
    subprocess.run(
        [sys.executable, "-c", program],
        cwd=PROJECT,
        env={**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)},
        check=True,
    )
    [folder] = tmp_path.glob("kernels-*")
    assert list(folder.rglob("*.nbi"))
