"""What checkpoints cost a training, and how a training that is killed and resumed turns out.

    python benchmarks/checkpoints.py JOB                 (a job's folder with poses)
    python benchmarks/checkpoints.py JOB --preset high --seeds 3 --set train.iterations=2000

For each seed the held-out model is trained three times, in fresh folders: without checkpoints, with
them, and killed (SIGKILL) in the middle and started again. It reports the training seconds of the
first two, the steps that the kill cost, and the PSNR of all three on the held-out photos. Needs no
site, no queue and no database.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import mean
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import recon  # noqa: F401  before torch: says how OpenMP's threads are to wait

# isort: split
from benchmarks.engine_run import Clock, borrow_poses
from benchmarks.parts import scoring
from recon.pipeline import wishes_to_settings
from recon.pipeline.cli.arguments import nested
from recon.pipeline.config import PipelineConfig
from recon.pipeline.progress import Step
from recon.pipeline.stages import train
from recon.pipeline.wishes import Wishes
from recon.pipeline.workspace import Workspace, write_json
from recon.splats import checkpoints
from recon.splats.formats import read_ply
from recon.splats.rasterizers import best_device
from recon.splats.scene import read_model

WAYS = ("without", "with", "resumed")


def main(arguments: Sequence[str] | None = None) -> None:
    options = parse(arguments)
    if options.run:  # a separate process, which may be killed
        write_json(options.run / "result.json", run(options))
        return
    rows = []
    for seed in range(options.seeds):
        for way in WAYS:
            with tempfile.TemporaryDirectory(prefix="checkpoints-", dir=options.folder) as folder:
                rows.append({"seed": seed, "way": way, **measure(options, seed, way, Path(folder))})
            sys.stdout.write(line_of(rows[-1]))
            sys.stdout.flush()
    sys.stdout.write(summary_of(rows))
    if options.json:
        write_json(options.json, rows)


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("job", type=Path, help="a job's folder with poses and undistorted photos")
    parser.add_argument("--preset", default="standard")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--every", type=float, default=checkpoints.EVERY, help="seconds")
    parser.add_argument("--set", dest="changes", action="append", default=[])
    parser.add_argument("--folder", type=Path, help="where the trainings are to lie")
    parser.add_argument("--json", type=Path, help="writes all figures to this file")
    parser.add_argument("--run", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--seed", type=int, help=argparse.SUPPRESS)
    return parser.parse_args(arguments)


def measure(options: argparse.Namespace, seed: int, way: str, folder: Path) -> dict[str, Any]:
    """One training in separate processes, in the fresh `folder`."""
    every = options.every if way != "without" else 1e9
    command = [
        sys.executable, __file__, str(options.job), "--preset", options.preset,
        "--every", str(every), "--run", str(folder), "--seed", str(seed),
        *(f"--set={change}" for change in options.changes),
    ]  # fmt: skip
    borrow_poses(Workspace(options.job), Workspace(folder), None)
    lost = kill_training(command, folder) if way == "resumed" else None
    subprocess.run(command, check=True)
    return {**json.loads((folder / "result.json").read_text()), "lost_at": lost}


def kill_training(command: list[str], folder: Path) -> int:
    """Kills the training half a pause after its first checkpoint. Returns the last step
    reported."""
    state = Workspace(folder).checkpoint / "state.pt"
    every = float(command[command.index("--every") + 1])
    with subprocess.Popen(command) as process:
        while process.poll() is None and not state.exists():
            time.sleep(0.01)
        time.sleep(every / 2)
        if process.poll() is not None:
            raise SystemExit("The training ended before it could be killed: give it more steps.")
        os.kill(process.pid, signal.SIGKILL)
    return int((folder / "told").read_text() or 0)


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Trains in the folder `options.run` and scores on the held-out photos."""
    checkpoints.EVERY = options.every
    device = best_device()
    changes = nested(options.changes)
    config = wishes_to_settings.resolve(
        Wishes(options.preset), overrides=changes, seed=options.seed
    )
    workspace, clock = Workspace(options.run), NotingClock(options.run / "told")
    clock.start(Step.GS_TRAIN)
    train.run(workspace, config, clock)
    clock.finish(Step.GS_TRAIN, 0.0, reused=False)
    said = [re.search(r"continued at step (\d+)", line) for line in clock.named("log")]
    resumed_at = next((int(match[1]) for match in said if match), 0)
    return {
        "device": scoring.device_name(device),
        "seconds": clock.parts()["train"],
        "steps": clock.steps,
        "resumed_at": resumed_at,
        "psnr": psnr_of(workspace, config),
    }


def psnr_of(workspace: Workspace, config: PipelineConfig) -> float:
    model = read_model(workspace.undistorted_sparse, workspace.train_txt, workspace.test_txt)
    gaussians = read_ply(next(workspace.held_out.rglob("point_cloud.ply"))).to(best_device())
    size = config.train.max_image_size
    figure = scoring.score(gaussians, model.test, workspace.images, size)["raw"]["psnr"]
    assert figure is not None, "the job holds no photo out"
    return figure


class NotingClock(Clock):
    """Notes how far training is in a file, which survives a kill."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self._file, self.steps = file, 0
        file.write_text("")

    def __call__(self, fraction: float, code: str = "", /, **facts: Any) -> None:
        super().__call__(fraction, code, **facts)
        if code == "training_step":
            self.steps = facts["step"]
            self._file.write_text(str(self.steps))


def line_of(row: dict[str, Any]) -> str:
    said = f"seed {row['seed']}, {row['way']:8} {row['seconds']:7.2f} s, {row['psnr']:.3f} dB"
    if row["lost_at"] is not None:
        said += f", killed after step {row['lost_at']}, went on from step {row['resumed_at']}"
    return said + f" of {row['steps']}\n"


def summary_of(rows: Sequence[dict[str, Any]]) -> str:
    seconds, psnr = (
        {way: [row[name] for row in rows if row["way"] == way] for way in WAYS}
        for name in ("seconds", "psnr")
    )
    cost = mean(seconds["with"]) / mean(seconds["without"]) - 1
    differences = [abs(a - b) for a, b in zip(psnr["resumed"], psnr["with"], strict=True)]
    spread = max(psnr["with"]) - min(psnr["with"])
    resumed, whole = mean(psnr["resumed"]), mean(psnr["with"])
    return (
        f"{rows[0]['device']}: checkpoints cost {100 * cost:.1f}% of training.\n"
        f"Killed and resumed {resumed:.3f} dB, in one go {whole:.3f} dB.\n"
        f"At most {max(differences):.3f} dB apart at one seed; seeds spread {spread:.3f} dB.\n"
    )


if __name__ == "__main__":
    main()
