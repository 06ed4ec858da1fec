"""A pipeline that does what a test wrote into the file `play` in the job's folder.

Only the life of a job is tested with it (kills, cancels, locks); what a reconstruction does is
tested on the real one. It has the real one's signature and reporter.
"""

from __future__ import annotations

import ctypes
import errno
import os
import signal
import time
from pathlib import Path
from typing import Any

from recon.pipeline.config import PipelineConfig
from recon.pipeline.outcome import Summary
from recon.pipeline.progress import RunReport, Step
from recon.pipeline.start_view import StartView
from recon.pipeline.workspace import Workspace
from recon.reporting import ForwardingReport, Report
from recon.splats.config import DenseConfig, TrainConfig

PATH = "tests.site.staged_pipeline.run_pipeline"


#: Seconds between two looks at what the test wants, and between two reports.
PAUSE_S = 0.02
#: Steps after which a training waits for the test to act.
HOLDS = (20, 40)


def summary_of(status: str) -> Summary:
    """How a run ends."""
    return Summary(
        status=status,
        error_code="gpu_out_of_memory",
        psnr=21.5,
        ssim=0.7,
        lpips=float("nan"),
        gaussian_count=1000,
        iterations=5,
        registered=3,
        artifacts={"splat": "output/scene.splat", "other": "output/none"},
    )


def play(workspace: Workspace, what: str) -> None:
    """Sets what the next attempt in this folder will do."""
    (workspace.root / "play").write_text(what)


def run_pipeline(workspace: Workspace, config: Any, report: RunReport) -> Summary:
    root = workspace.root
    report.start(Step.GS_TRAIN)
    number = root / "began.tmp"  # renamed when it is whole: somebody reads it once it is there
    number.write_text(str(os.getpid()))
    number.rename(root / "began")
    what = (root / "play").read_text()
    if what == "die" or (what == "die once" and not (root / "died").exists()):
        (root / "died").touch()
        os.kill(os.getpid(), signal.SIGKILL)
    if what == "abort":  # as COLMAP does if its database can't be written
        scratch = root / "colmap" / ".scratch-abc"
        scratch.mkdir(parents=True)
        (scratch / "database.db").write_bytes(bytes(1000))
        os.abort()
    if what == "full":
        raise OSError(errno.ENOSPC, "No space left on device")
    if what == "no memory":
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory") from MemoryError()
    if what == "deaf":  # native code that holds the interpreter lock
        ctypes.PyDLL(None).sleep(600)
    if what == "fail":
        return summary_of("FAILED")
    if what == "crash":
        raise RuntimeError("nobody foresaw this")
    while what in ("talk", "silent") and not (root / "go").exists():
        if what == "talk":
            report(0.5, "photo", number=1, total=2)
        time.sleep(PAUSE_S)  # noqa: TID251 - as a real one takes its time
    if what == "train":
        train(workspace, report)
    report.finish(Step.GS_TRAIN, 1.0, reused=False)
    write_results(root)
    return summary_of("COMPLETED")


class Holding(ForwardingReport):
    """A report that pauses the training once after certain steps, until its horse is ended."""

    def __init__(self, report: Report, root: Path) -> None:
        super().__init__(report)
        self._root = root

    def __call__(self, fraction: float, code: str = "", /, **facts: Any) -> None:
        super().__call__(fraction, code, **facts)
        for step in HOLDS:
            mark = self._root / f"held at {step}"
            if code == "training_step" and facts["step"] == step and not mark.exists():
                mark.touch()
                while True:
                    super().__call__(fraction, code, **facts)
                    time.sleep(PAUSE_S)  # noqa: TID251 - as a real one takes its time


def train(workspace: Workspace, report: RunReport) -> None:
    """The real stage on the tiny scene in the folder, with a checkpoint after every step."""
    import numba  # imported here: only these horses need them
    import torch

    from recon.pipeline.stages import train as stage
    from recon.splats import checkpoints, training

    checkpoints.EVERY = training._REPORT_EVERY = 0.0
    torch.set_num_threads(1)  # more don't draw so small a scene any faster
    numba.set_num_threads(1)
    dense = DenseConfig(enabled=False)
    settings = TrainConfig(iterations=60, max_gaussians=250, refine_every=25, dense=dense)
    stage.run(workspace, PipelineConfig(train=settings), Holding(report, workspace.root))


def write_results(root: Path) -> None:
    (root / "output").mkdir(exist_ok=True)
    (root / "output" / "scene.splat").write_bytes(b"splat" * 10)
    view = StartView((0, 0, -1), (0, 0, 0), (0, -1, 0), fov_y_degrees=50, aspect=1.5)
    view.write(Workspace(root))
