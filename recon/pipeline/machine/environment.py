"""What this machine has, what it lacks, and what to do about it.

The same report at the start of every job, in `manage.py preflight` and in
`python -m recon.pipeline --check`.
"""

from __future__ import annotations

import importlib
import os
import shutil
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from recon.pipeline.errors import PipelineError
from recon.pipeline.words import sizes

MIN_PYTHON = (3, 11)
MIN_FREE_DISK_MB = 500
MIN_FREE_GPU_MB = 2000
MEGABYTE = 1_000_000

#: What a broken installation raises when a package with native parts is imported.
IMPORT_ERRORS = (ImportError, OSError, RuntimeError, AttributeError)


@dataclass(frozen=True)
class Check:
    """One row of the report."""

    name: str
    found: str
    ok: bool
    needed: bool  # without it no job can run
    advice: str  # what to do; empty where all is well


def report(folder: Path, *, min_free_disk_mb: int = MIN_FREE_DISK_MB) -> list[Check]:
    """Looks at everything that a job in `folder` needs. Takes seconds; imports torch."""
    return [
        check_python(),
        check_package("torch", "the training"),
        check_cuda(),
        check_rasterizer(),
        check_package("pycolmap", "the camera poses"),
        check_package("numba", "training without a GPU"),
        check_disk(folder, min_free_disk_mb),
        check_writable(folder),
    ]


def format(checks: Iterable[Check]) -> str:  # called as environment.format
    """The report for a person, one check a line and its advice below."""
    lines = []
    for check in checks:
        mark = "ok" if check.ok else "MISSING" if check.needed else "note"
        lines.append(f"{mark:<8} {check.name:<16} {check.found}")
        if check.advice:
            lines.append(f"{'':<8} {'':<16} -> {check.advice}")
    return "\n".join(lines)


def require(checks: Iterable[Check], folder: Path, *, min_free_disk_mb: int) -> None:
    """Raises PipelineError for the first check that failed and without which no job can run."""
    for check in checks:
        if check.ok or not check.needed:
            continue
        if check.name == DISK:
            raise PipelineError("disk_full", free_mb=free_mb(folder), needed_mb=min_free_disk_mb)
        if check.name == WRITABLE:
            raise PipelineError("folder_not_writable", folder=str(folder))
        raise PipelineError("environment_broken", problem=f"{check.name}: {check.found}.")


DISK = "disk space"
WRITABLE = "folder"


def check_python() -> Check:
    found = ".".join(str(part) for part in sys.version_info[:3])
    ok = sys.version_info[:2] >= MIN_PYTHON
    wanted = ".".join(str(part) for part in MIN_PYTHON)
    return Check("Python", found, ok, True, "" if ok else f"Install Python {wanted} or newer.")


def check_package(name: str, purpose: str) -> Check:
    """Is the package there, and does it load? A wheel for another machine does not."""
    try:
        importlib.import_module(name)
        return Check(name, version(name), True, True, "")
    except PackageNotFoundError:
        return Check(name, "present, version unknown", True, True, "")
    except IMPORT_ERRORS as error:
        advice = f"{name} is needed for {purpose}: pip install -r requirements.txt"
        return Check(name, f"does not load ({_first_line(error)})", False, True, advice)


def check_cuda() -> Check:
    """The GPU; a machine without one works too, smaller and slower."""
    advice = "Jobs run on the CPU: use the quick preset. For a GPU see docs/use/troubleshooting.md."
    try:
        import torch

        if not torch.cuda.is_available():
            return Check("CUDA device", "none", False, False, advice)
        free, total = torch.cuda.mem_get_info()
        name = torch.cuda.get_device_name()
    except IMPORT_ERRORS as error:
        return Check("CUDA device", f"unusable ({_first_line(error)})", False, False, advice)
    found = f"{name}, {free // MEGABYTE} of {total // MEGABYTE} MB free"
    ok = free >= MIN_FREE_GPU_MB * MEGABYTE
    low = f"Less than {MIN_FREE_GPU_MB} MB is free: close other programs that use the GPU."
    return Check("CUDA device", found, ok, False, "" if ok else low)


def check_rasterizer() -> Check:
    """What will draw the Gaussians: gsplat on a GPU, otherwise our own rasteriser on the CPU."""
    try:
        import torch

        problem: str | None = None
        if torch.cuda.is_available():
            from recon.splats.rasterizers import cuda

            problem = cuda.problem()
            if problem is None:
                return Check("rasteriser", f"gsplat {version('gsplat')}", True, True, "")
        importlib.import_module("recon.splats.rasterizers.cpu")
    except (*IMPORT_ERRORS, PackageNotFoundError) as error:
        advice = "pip install -r requirements.txt"
        return Check("rasteriser", f"none loads ({_first_line(error)})", False, True, advice)
    cores = len(os.sched_getaffinity(0))
    found = f"CPU, {cores} cores"
    if problem is not None:
        return Check("rasteriser", found, True, True, f"gsplat can't be used: {problem}")
    return Check("rasteriser", found, True, True, "")


def check_disk(folder: Path, needed_mb: int) -> Check:
    free = free_mb(folder)
    ok = free >= needed_mb
    needed = sizes.size_in_words(needed_mb * MEGABYTE)
    advice = "" if ok else f"{needed} are needed: delete old scenes or use a larger disk."
    return Check(DISK, f"{free} MB free", ok, True, advice)


def check_writable(folder: Path) -> Check:
    """Writes a file: permissions alone do not reveal read-only mounts and quotas."""
    try:
        with tempfile.NamedTemporaryFile(dir=_nearest_folder(folder)) as file:
            file.write(b"preflight")
            file.flush()
    except OSError as error:
        advice = "Check its owner and permissions (DATA_DIR in the settings)."
        return Check(WRITABLE, f"{folder}: {_first_line(error)}", False, True, advice)
    return Check(WRITABLE, f"{folder} can be written to", True, True, "")


def free_mb(folder: Path) -> int:
    """Free disk space for `folder`, which need not exist yet, in megabytes."""
    return shutil.disk_usage(_nearest_folder(folder)).free // MEGABYTE


def _nearest_folder(folder: Path) -> Path:
    """`folder` or the nearest folder above it that is there."""
    folder = folder.resolve()
    while not folder.is_dir():
        folder = folder.parent
    return folder


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
