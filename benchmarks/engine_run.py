"""One measured run in a separate process; `benchmarks/engine.py` starts it.

    python benchmarks/engine_run.py job PHOTOS OUT REPORT.json --preset quick --seed 42
    python benchmarks/engine_run.py poses JOB OUT REPORT.json --preset quick --seed 42

`job` runs the whole pipeline from photos. `poses` starts from the poses of the folder JOB and
trains and scores the held-out model, in the fresh folder OUT. Imports are over when the clock
starts; what is compiled or loaded later counts.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import recon  # noqa: F401  before torch: says how OpenMP's threads are to wait

# isort: split
import torch

from benchmarks.parts import scoring
from recon.pipeline import wishes_to_settings
from recon.pipeline.after_training.scoring import predicted_exposures
from recon.pipeline.cli.arguments import nested
from recon.pipeline.config import PipelineConfig
from recon.pipeline.photos import uploads
from recon.pipeline.progress import WORKING_STEPS, ListReporter, Step
from recon.pipeline.runner import run_pipeline
from recon.pipeline.stages import STAGES
from recon.pipeline.wishes import Wishes
from recon.pipeline.workspace import Workspace, write_json
from recon.splats.formats import read_ply
from recon.splats.rasterizers import best_device
from recon.splats.scene import read_model
from recon.splats.snapshots import read_snapshot

Report = dict[str, Any]
_AFTER_TRAINING = WORKING_STEPS[WORKING_STEPS.index(Step.GS_TRAIN) + 1 :]


def main() -> None:
    options = parse(None)
    device = best_device()  # imports gsplat where there is a GPU
    scoring.limit_gpu_memory(device, options.max_gpu_memory_gb)
    config = wishes_to_settings.resolve(
        Wishes(options.preset, original_resolution=options.original_resolution),
        overrides=nested(options.changes),
        max_iterations=options.steps,
        seed=options.seed,
    )
    measure = {"job": whole_job, "poses": from_poses}[options.kind]
    report = measure(options, config, device)
    facts = {"preset": options.preset, "seed": options.seed, "device": scoring.device_name(device)}
    write_json(options.report, {**facts, **report, "peak_gb_end": scoring.peak_memory(device)})


def parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("kind", choices=["job", "poses"])
    parser.add_argument("source", type=Path, help="photos, or a job's folder with poses")
    parser.add_argument("out", type=Path, help="the new job's folder")
    parser.add_argument("report", type=Path)
    parser.add_argument("--preset", required=True)
    parser.add_argument("--seed", type=int, default=42)
    parser.add_argument("--steps", type=int, help="of training, at most")
    parser.add_argument("--set", dest="changes", action="append", default=[])
    parser.add_argument("--original-resolution", action="store_true")
    parser.add_argument("--until", choices=list(WORKING_STEPS), default=WORKING_STEPS[-1])
    parser.add_argument("--held-out", help="hold out this photo alone")
    parser.add_argument("--finish", action="store_true", help="run the steps after training too")
    parser.add_argument("--no-lpips", action="store_true")
    parser.add_argument("--max-gpu-memory-gb", type=float)
    return parser.parse_args(arguments)


def whole_job(options: argparse.Namespace, config: PipelineConfig, device: torch.device) -> Report:
    """The pipeline's own summary, with the parts of its training."""
    workspace, clock = Workspace(options.out), Clock()
    uploads.bring_in(uploads.photos_in(options.source)[0], workspace)
    summary = run_pipeline(workspace, config, clock, until=Step(options.until)).to_dict()
    if summary["error"]:
        sys.stderr.write("\n".join([*clock.named("log")[-20:], summary["error"], ""]))
    return {**summary, "train_parts": clock.parts()}


def from_poses(options: argparse.Namespace, config: PipelineConfig, device: torch.device) -> Report:
    """Seconds, figures and peaks of the held-out model, from poses to scores."""
    workspace, clock = Workspace(options.out), Clock()
    borrow_poses(Workspace(options.source), workspace, options.held_out)
    clock.start(Step.GS_TRAIN)
    facts = STAGES[Step.GS_TRAIN].run(workspace, config, clock)
    clock.finish(Step.GS_TRAIN, 0.0, reused=False)
    peaks = scoring.peak_memory(device)
    began = time.monotonic()
    ply = next(workspace.output.rglob("point_cloud.ply"))  # only the held-out model exists yet
    gaussians = read_ply(ply).to(device)
    model = read_model(workspace.undistorted_sparse, workspace.train_txt, workspace.test_txt)
    trained_at = facts["max_image_size"]
    exposures = predicted_exposures(workspace, model)
    figures = scoring.score(
        gaussians, model.test, workspace.images, trained_at, exposures=exposures
    )
    seconds = {**clock.parts(), "evaluate": time.monotonic() - began}
    lpips, reason = scoring.lpips_or_reason(device, not options.no_lpips)
    compared = scoring.score(
        gaussians, model.test, workspace.images, scoring.COMPARED_AT, lpips, exposures
    )
    return {
        "photos": len(model.photos),
        "held_out": [photo.name for photo in model.test],
        **{name: facts[name] for name in ("iterations", "training_size", "max_image_size")},
        "gaussians": len(gaussians),
        "seconds": seconds,
        "figures": figures,  # at the training size
        "compared": compared,  # at the size for comparing with the reference
        "lpips_reason": reason,
        "peak_gb": peaks,
        "snapshots": snapshots(workspace.snapshot, clock.parts()),
        "log": clock.named("log"),
        "warnings": [code for code, _ in clock.named("warn")],
        "stage_seconds": finish(workspace, config) if options.finish else {},
    }


def borrow_poses(source: Workspace, target: Workspace, held_out: str | None) -> None:
    """Puts photos, with what is known of them, poses and split of `source` into the new folder of
    `target`."""
    shutil.rmtree(target.root, ignore_errors=True)
    shutil.copytree(source.images, target.images, copy_function=link_or_copy)
    shutil.copytree(source.undistorted_sparse, target.undistorted_sparse)
    train, test = (path.read_text().split() for path in (source.train_txt, source.test_txt))
    if held_out is not None:
        train, test = [n for n in sorted(train + test) if n != held_out], [held_out]
    target.train_txt.write_text("".join(f"{name}\n" for name in train))
    target.test_txt.write_text("".join(f"{name}\n" for name in test))
    if source.photos_json.exists():  # what the metadata says of the exposure
        shutil.copyfile(source.photos_json, target.photos_json)


def link_or_copy(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:  # a different file system, or one without links
        shutil.copyfile(source, target)


def finish(workspace: Workspace, config: PipelineConfig) -> dict[str, float]:
    """Seconds of each stage after training."""
    seconds = {}
    for step in _AFTER_TRAINING:
        began = time.monotonic()
        STAGES[step].run(workspace, config, ListReporter())
        seconds[str(step)] = time.monotonic() - began
    return seconds


def snapshots(folder: Path, parts: dict[str, float]) -> Report | None:
    """What a page could have shown: each snapshot's step, seconds since training began and PSNR."""
    last = read_snapshot(folder)
    if last is None or not parts:
        return None
    # A snapshot's clock starts after the first step, which compiles; here that step counts, too.
    first_step = max(last.start_seconds - parts["load"] - parts["dense_start"], 0.0)
    return {
        "photo": last.photo,
        "held_out": last.held_out,
        "history": [(step, seconds + first_step, psnr) for step, seconds, psnr in last.history],
        "spent_seconds": last.spent_seconds,
        "splat_bytes": last.splat.stat().st_size,
        "render_bytes": last.render.stat().st_size,
    }


class Clock(ListReporter):
    """Notes when training had loaded its photos, when it had its initial scene, and its last
    step."""

    def __init__(self) -> None:
        super().__init__()
        self._times: dict[str, float] = {}
        self._training = False

    def start(self, step: Step) -> None:
        super().start(step)
        self._training = step == Step.GS_TRAIN
        if self._training:
            self._times = dict.fromkeys(("began", "loaded", "logged"), time.monotonic())

    def log(self, line: str) -> None:
        super().log(line)
        if self._training and "fit" not in self._times:
            self._times["logged"] = time.monotonic()

    def __call__(self, fraction: float, code: str = "", /, **facts: Any) -> None:
        super().__call__(fraction, code, **facts)
        if not self._training:
            return
        now = time.monotonic()
        if code == "photo_loaded":
            self._times["loaded"] = now
        if code == "training_step":
            self._times["trained"] = now
            # The last line before the first step is logged when the initial scene is ready.
            self._times.setdefault("fit", self._times["logged"])

    def finish(self, step: Step, seconds: float, *, reused: bool) -> None:
        super().finish(step, seconds, reused=reused)
        if self._training:
            self._times["ended"] = time.monotonic()
        self._training = False

    def parts(self) -> dict[str, float]:
        """Seconds of training's parts; empty if it did not finish."""
        order = ("began", "loaded", "fit", "trained", "ended")
        if not all(name in self._times for name in order):
            return {}
        at = [self._times[name] for name in order]
        names = ("load", "dense_start", "train", "write")
        return {n: b - a for n, a, b in zip(names, at, at[1:], strict=False)}


if __name__ == "__main__":
    main()
