"""What each part of the training recipe is worth: a preset against variants of it, on any photos.

    python benchmarks/ablation.py JOB                                      # every variant
    python benchmarks/ablation.py JOB JOB --preset standard --max-image-size 1000 \\
        --seeds 1 2 3 --variants dropout exposure

JOB is a job's folder with work/{images,sparse,train.txt,test.txt}. The recipe is chosen by these
figures, so they must not come from the photos on which its results are reported: every fifth of the
job's train photos, from the third on, is scored, the others are trained on, and the job's held-out
photos are never opened.

Variants go round all jobs and seeds one after the other. Seconds are those of `engine.train`, from
photos with poses to the trained scene, after a first run that compiles whatever needs compiling.

Prints Markdown, and keeps it with all figures as ablation.md and ablation.json in --out, after
every run.
"""

from __future__ import annotations

import argparse
import datetime
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from statistics import mean
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import recon  # noqa: F401  before torch: says how OpenMP's threads are to wait

# isort: split
import torch

from benchmarks import engine as bench
from benchmarks import jobs
from benchmarks.parts import scoring, tables
from recon.pipeline import config as configs
from recon.pipeline import presets, wishes_to_settings
from recon.pipeline.after_training.scoring import exposure_values
from recon.pipeline.cli.arguments import nested
from recon.pipeline.config import PipelineConfig, UndistortConfig
from recon.pipeline.wishes import Wishes
from recon.pipeline.workspace import Workspace, write_json
from recon.poses.splits import split
from recon.splats import engine
from recon.splats.config import TrainConfig
from recon.splats.exposure_prediction import predict_exposures
from recon.splats.rasterizers import best_device
from recon.splats.scene import PosedPhoto, read_model

_UNCHANGED = "the recipe"
_WARM_UP = 20  # steps
_FEWEST = 2  # photos to train on
# What a table shows, and with how many digits; gains are shown for the first three.
_COLUMNS = (
    (("raw", "psnr"), 2),
    (("corrected", "psnr"), 2),
    (("raw", "ssim"), 4),
    (("corrected", "ssim"), 4),
)
_GAINS = _COLUMNS[:3]

Run = dict[str, Any]


@dataclass(frozen=True)
class Variant:
    """One change of the recipe."""

    name: str
    reason: str  # why it is worth trying
    overrides: dict[str, Any] = field(default_factory=dict)  # nested like `PipelineConfig`
    steps: float = 1.0  # times the number chosen for the photos


def _train(**changes: Any) -> dict[str, Any]:
    return {"train": changes}


def _dense(**changes: Any) -> dict[str, Any]:
    return _train(dense=changes)


VARIANTS = (
    Variant("from SfM points", "what the dense start brings", _dense(enabled=False)),
    Variant("agreement of one", "more depths, but not as sure", _dense(min_agreeing=1)),
    Variant("nothing beyond", "the sweep ends near the SfM points", _dense(beyond=1.3)),
    Variant("a few planes", "a point moves by pixels between two", _dense(max_planes=96)),
    Variant("half the start", "a quarter of the cap: more is grown", _dense(share=0.25)),
    Variant(
        "opacity .1 at the start", "wrong points are seen through", _dense(initial_opacity=0.1)
    ),
    Variant("no growth", "what growth adds to a dense start", _train(refine_stop=0.0)),
    Variant("no opacity decay", "what no photo holds up stays", _train(opacity_decay=1.0)),
    Variant("decay .998", "it fades more slowly", _train(opacity_decay=0.998)),
    Variant("decay .996", "it fades more slowly, but not as slowly", _train(opacity_decay=0.996)),
    Variant("no dropout", "Gaussians may lean on each other", _train(dropout=0.0)),
    Variant("dropout .2", "they may lean less", _train(dropout=0.2)),
    Variant("no random background", "holes may stay", _train(random_background=False)),
    Variant("no smallest size", "detail that no photo can show", _train(min_size=0.0)),
    Variant("no largest size", "walls may reach the cameras", _train(max_reach=0.0)),
    Variant("no average", "the last step alone", _train(average_from=1.0)),
    Variant("SH 0", "one colour from everywhere", _train(sh_degree=0)),
    Variant("SH 2", "more gloss", _train(sh_degree=2)),
    Variant(
        "no exposure",
        "photos are exposed alike",
        _train(exposure_lr=0.0, exposure_estimate=False),
    ),
    Variant("no exposure at the start", "maps start alike", _train(exposure_estimate=False)),
    Variant("SSIM .4", "structure rather than colour", _train(ssim_weight=0.4)),
    Variant("means 4e-4", "the start's places are good", _train(means_lr=4e-4)),
    Variant("means 1.6e-3", "they are not", _train(means_lr=1.6e-3)),
    Variant("half the steps", "these photos are fitted less", steps=0.5),
    Variant("twice the steps", "they are fitted more", steps=2.0),
)


class OutOfTime(Exception):
    """The limit was reached in the middle of a run, which does not count."""


class Deadline:
    """A report that ends a training at a given time; `training.fit` lets its exception pass."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    def __call__(self, fraction: float, code: str = "", /, **facts: Any) -> None:
        if time.monotonic() > self._end:
            raise OutOfTime

    def log(self, line: str) -> None:
        pass

    def taken_over(self, fraction: float) -> None:
        pass

    def warn(self, code: str, **facts: Any) -> None:
        pass


def main(arguments: Sequence[str] | None = None) -> None:
    options = parse(arguments)
    ablation = Ablation(options, best_device())
    try:
        ablation.measure()
    except OutOfTime:
        ablation.note(f"Ended after {options.limit:.0f} s, as asked; runs are missing.")
    print(ablation.save())
    print(f"Kept in {options.out}")


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    known = "\n".join(f"    {v.name:26}{v.reason}" for v in VARIANTS)
    parser = argparse.ArgumentParser(
        description=__doc__,
        epilog=f"variants:\n{known}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("jobs", nargs="+", type=Path, metavar="JOB")
    add("--preset", choices=list(presets.PRESETS), help="default: standard with a GPU, else quick")
    add("--max-image-size", type=int, metavar="PX", help="longest side trained at, at most")
    add("--steps", type=int, help="of the recipe, at most")
    add("--set", dest="changes", action="append", default=[], metavar="GROUP.NAME=VALUE",
        help="of the recipe and of every variant")  # fmt: skip
    add("--seeds", nargs="+", type=int, default=[1])
    add("--variants", nargs="+", default=[""], metavar="WORDS", help="parts of names; default: all")
    add("--limit", type=float, default=float("inf"), metavar="SECONDS", help="stop by then")
    add("--out", type=Path, help="default: a new folder in build/ablation")
    options = parser.parse_args(arguments)
    if len({job.resolve().name for job in options.jobs}) < len(options.jobs):
        parser.error("two jobs have the same folder's name, which is what tables call them")
    options.preset = options.preset or bench.default_preset()
    options.variants = chosen(options.variants)
    if not options.variants:
        parser.error(f"no such variant; there are:\n{known}")
    options.out = (options.out or bench.new_folder("ablation")).resolve()
    return options


def chosen(words: Sequence[str]) -> list[Variant]:
    """The variants whose names contain one of `words`, in upper or lower case."""
    return [v for v in VARIANTS if any(word.lower() in v.name.lower() for word in words)]


@dataclass(frozen=True)
class Scene:
    """A job's train photos, split once more."""

    name: str
    images: Path
    train: list[PosedPhoto]
    scored: list[PosedPhoto]
    ev100: dict[str, float]  # exposure values, by name


def read_scene(folder: Path) -> Scene:
    """The inner split of a job's train photos. Exits if there are too few."""
    workspace, every_fifth = Workspace(folder), UndistortConfig()
    model = read_model(workspace.undistorted_sparse, workspace.train_txt, workspace.test_txt)
    posed = {photo.name: photo for photo in model.train}
    train, scored = split(
        posed,
        every=every_fifth.holdout_every,
        offset=every_fifth.holdout_offset,
        offset_few=every_fifth.holdout_offset_few,
    )
    if len(train) < _FEWEST:
        sys.exit(f"{folder} has too few photos to train on for another split.")
    name = folder.resolve().name
    inner = [posed[n] for n in train], [posed[n] for n in scored]
    return Scene(name, workspace.images, *inner, exposure_values(workspace, model))


def recipe(base: PipelineConfig, variant: Variant, photos: Sequence[PosedPhoto]) -> TrainConfig:
    """The preset with the variant's changes, fitted to `photos` for training."""
    config = engine.fit_to_photos(configs.from_dict(variant.overrides, base=base).train, photos)
    return replace(config, iterations=max(round(variant.steps * config.iterations), 1))


class Ablation:
    """The measurements so far; saved after every run."""

    def __init__(self, options: argparse.Namespace, device: torch.device) -> None:
        self._options, self._device = options, device
        self._deadline = Deadline(options.limit)
        self._base = wishes_to_settings.resolve(
            Wishes(options.preset),
            overrides=nested(options.changes),
            max_iterations=options.steps,
            max_image_size=options.max_image_size,
        )
        self.results: dict[str, Any] = {
            "date": datetime.date.today().isoformat(),
            "machine": jobs.machine(),
            "command": " ".join(["python", *sys.argv]),
            "preset": options.preset,
            "sets": {},
            "runs": [],
            "notes": [],
        }

    def measure(self) -> None:
        """The unchanged recipe, then each variant: all scenes, all seeds."""
        unchanged = Variant(_UNCHANGED, "")
        scenes = [read_scene(folder) for folder in self._options.jobs]
        for scene in scenes:
            config = recipe(self._base, unchanged, scene.train)
            result = self._train(scene, replace(config, iterations=_WARM_UP), seed=0)
            self.results["sets"][scene.name] = facts(scene, config, result.size)
        for variant in (unchanged, *self._options.variants):
            for scene in scenes:
                self._compare(scene, variant, recipe(self._base, unchanged, scene.train))

    def _compare(self, scene: Scene, variant: Variant, unchanged: TrainConfig) -> None:
        """One variant on one scene, with every seed."""
        config = recipe(self._base, variant, scene.train)
        if variant.name != _UNCHANGED and config == unchanged:
            self.note(f"{scene.name}: {variant.name} is what the recipe has")
            return
        for seed in self._options.seeds:
            try:
                self._run(scene, variant, config, seed)
            except torch.OutOfMemoryError:
                self.note(f"{scene.name}: {variant.name}: the GPU ran out of memory")
            self.save()

    def _run(self, scene: Scene, variant: Variant, config: TrainConfig, seed: int) -> None:
        began = time.monotonic()
        result = self._train(scene, config, seed)
        seconds = time.monotonic() - began
        size = config.max_image_size
        exposures = predict_exposures(result.exposures, scene.train, scene.scored, scene.ev100)
        figures = scoring.score(
            result.gaussians, scene.scored, scene.images, size, exposures=exposures
        )
        self.results["runs"].append(
            {
                "set": scene.name,
                "variant": variant.name,
                "overrides": variant.overrides,
                "seed": seed,
                "iterations": config.iterations,
                "gaussians": len(result.gaussians),
                "seconds": seconds,
                "figures": figures,
            }
        )
        psnr = figures["raw"]["psnr"]
        sys.stderr.write(f"{scene.name}, {variant.name}, seed {seed}: {psnr:.2f} dB\n")

    def _train(self, scene: Scene, config: TrainConfig, seed: int) -> engine.TrainedScene:
        result = engine.train(
            scene.train,
            scene.images,
            config,
            device=self._device,
            seed=seed,
            report=self._deadline,
        )
        if self._device.type == "cuda":
            torch.cuda.synchronize()
        return result

    def note(self, text: str) -> None:
        if text not in self.results["notes"]:
            self.results["notes"].append(text)

    def save(self) -> str:
        write_json(self._options.out / "ablation.json", self.results)
        text = markdown(self.results)
        (self._options.out / "ablation.md").write_text(text)
        return text


def facts(scene: Scene, config: TrainConfig, size: tuple[int, int]) -> dict[str, Any]:
    return {
        "training_size": size,  # px, width and height of the largest photo
        "train": [photo.name for photo in scene.train],
        "scored": [photo.name for photo in scene.scored],
        "recipe": asdict(config),
    }


def markdown(results: dict[str, Any]) -> str:
    """All measurements so far, one table per set."""
    parts = [f"{results['date']}, {results['machine']}\n`{results['command']}`\n"]
    for name, about in results["sets"].items():
        runs = [run for run in results["runs"] if run["set"] == name]
        width, height = about["training_size"]
        parts.append(
            f"### {name}\n\nPreset {results['preset']}, {len(about['train'])} photos of "
            f"{width}×{height} px to train on, {len(about['scored'])} scored, "
            f"{about['recipe']['iterations']:,} steps, "
            f"at most {about['recipe']['max_gaussians']:,} Gaussians.\n\n"
            f"{comparison(runs) or 'Nothing was measured.'}\n"
        )
    return "\n".join([*parts, *(f"- {note}" for note in results["notes"])]) + "\n"


def comparison(runs: Sequence[Run]) -> str:
    """Each variant's means over seeds (and their range), and its gain over the recipe's runs with
    the same seeds."""
    head = ["variant", "seeds", "PSNR", "PSNR corrected", "SSIM", "SSIM corrected"]
    head += ["gain dB", "gain dB corrected", "gain SSIM", "seconds", "Gaussians"]
    groups: dict[str, dict[int, Run]] = {}
    for run in runs:
        groups.setdefault(run["variant"], {})[run["seed"]] = run
    unchanged = groups.get(_UNCHANGED, {})
    rows = []
    for name, group in groups.items():
        pairs = [(run, unchanged[seed]) for seed, run in group.items() if seed in unchanged]
        rows.append([
            name, len(group),
            *(tables.spread([figure(run, *path) for run in group.values()], digits)
              for path, digits in _COLUMNS),
            *([""] * 3 if name == _UNCHANGED else
              (gain([figure(ours, *path) - figure(theirs, *path) for ours, theirs in pairs], digits)
               for path, digits in _GAINS)),
            f"{mean(run['seconds'] for run in group.values()):.1f}",
            f"{mean(run['gaussians'] for run in group.values()):,.0f}",
        ])  # fmt: skip
    return tables.table(head, rows)


def figure(run: Run, kind: str, metric: str) -> float:
    value: float = run["figures"][kind][metric]
    return value


def gain(differences: Sequence[float], digits: int) -> str:
    """Their mean, and their distance from it. Empty if there are none."""
    if not differences:
        return ""
    middle = f"{mean(differences):+.{digits}f}"
    if len(differences) == 1:
        return middle
    return f"{middle} ({min(differences):+.{digits}f} to {max(differences):+.{digits}f})"


if __name__ == "__main__":
    main()
