"""Does a scene get better with more photos? Nested subsets, scored on photos that all share.

    python benchmarks/nested.py                                    # all sets of 8 photos or more
    python benchmarks/nested.py --sets fern museum --sizes 5 10 20 --seeds 1 2
    python benchmarks/nested.py --sets JOB/                        # with a job's poses

A set is a name in RECON_PHOTOS (default ../shared/photos), a folder of photos, or a job's folder
with work/{images,sparse,train.txt,test.txt}. From photos, the poses of every subset are made
afresh, as they would be for somebody who sent just these.

Each subset is spread evenly over the set and lies in the next larger one. Every fifth photo of the
smallest, from the third on, is held out of all. A larger subset must not score lower than the one
before it by more than 0.2 dB: added photos must never make a scene worse. The command ends with
status 1 if one does.

Prints Markdown, and keeps it with all figures as nested.md and nested.json in --out.
"""

from __future__ import annotations

import argparse
import datetime
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import mean
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import recon  # noqa: F401  before torch: says how OpenMP's threads are to wait

# isort: split
from benchmarks import engine as bench
from benchmarks import jobs
from benchmarks.ablation import Deadline, OutOfTime
from benchmarks.parts import scoring, tables
from recon.pipeline import presets, wishes_to_settings
from recon.pipeline.after_training.scoring import exposure_values
from recon.pipeline.outcome import PreparedPhotos
from recon.pipeline.photos.uploads import photos_in
from recon.pipeline.wishes import Wishes
from recon.pipeline.workspace import Workspace, write_json
from recon.splats import engine
from recon.splats.config import TrainConfig
from recon.splats.exposure_prediction import predict_exposures
from recon.splats.rasterizers import best_device
from recon.splats.scene import PosedPhoto, read_model

_SIZES = (5, 8, 12, 20)  # photos
_EVERY, _FIRST = 5, 2  # of the smallest subset: held out, as the pipeline does
_MOST_LOST = 0.2  # dB that a scene may lose with more photos
_FIGURES = (("raw", "psnr", 2), ("corrected", "psnr", 2), ("raw", "ssim", 3))

Row = dict[str, Any]


@dataclass(frozen=True)
class Subset:
    """Some photos of a set, with poses."""

    images: Path
    photos: dict[str, PosedPhoto]  # those with a place, by their own names
    ev100: dict[str, float] = field(default_factory=dict)  # exposure values, by prepared names


def main(arguments: Sequence[str] | None = None) -> None:
    options = parse(arguments)
    results: dict[str, Any] = {
        "date": datetime.date.today().isoformat(),
        "machine": jobs.machine(),
        "command": " ".join(["python", *sys.argv]),
        "rows": [],
        "notes": [],
    }
    try:
        for name, folder in bench.sources(options.sets, options.out):
            for row in measure(name, folder, options):
                results["rows"].append(row)
                save(results, options.out)
    except OutOfTime:
        results["notes"].append(f"Ended after {options.limit:.0f} s, as asked; rows are missing.")
    print(save(results, options.out))
    print(f"Kept in {options.out}")
    sys.exit(1 if worse(results["rows"]) else 0)


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--sets", nargs="+", help="default: those in RECON_PHOTOS of 8 photos or more")
    add("--sizes", nargs="+", type=int, default=list(_SIZES), help="of the subsets, in photos")
    add("--preset", choices=list(presets.PRESETS), help="default: standard with a GPU, else quick")
    add("--steps", type=int, help="of the recipe, at most")
    add("--max-image-size", type=int, metavar="PX", help="longest side trained at, at most")
    add("--seeds", nargs="+", type=int, default=[1])
    add("--limit", type=float, default=float("inf"), metavar="SECONDS", help="stop by then")
    add("--out", type=Path, help="default: a new folder in build/nested")
    options = parser.parse_args(arguments)
    options.sets = options.sets or bench.sets_of(_SIZES[1])
    options.preset = options.preset or bench.default_preset()
    options.out = (options.out or bench.new_folder("nested")).resolve()
    options.deadline = Deadline(options.limit)
    return options


def measure(name: str, folder: Path, options: argparse.Namespace) -> Iterator[Row]:
    """Each subset's figures with each seed, the smallest first."""
    whole = with_poses(Workspace(folder)) if bench.has_poses(folder) else None
    paths = {} if whole else {path.name: path for path in photos_in(folder)[0]}
    names = sorted(whole.photos if whole else paths)
    sizes = sorted({min(size, len(names)) for size in options.sizes})
    order = spread_evenly(len(names))
    shared = sorted(names[index] for index in order[: sizes[0]])[_FIRST::_EVERY]
    for size in sizes:
        chosen = sorted(names[index] for index in order[:size])
        if whole:
            subset = replace(whole, photos={name: whole.photos[name] for name in chosen})
        else:
            place = options.out / f"{name}-{size}"
            subset = make_poses([paths[name] for name in chosen], place, options)
        about = {"set": name, "photos": size, "placed": len(subset.photos), "shared": shared}
        for seed in options.seeds:
            yield {**about, "seed": seed, **score(subset, shared, seed, options)}


def spread_evenly(count: int) -> list[int]:
    """The numbers below `count` in an order whose every beginning lies evenly among them: van der
    Corput's sequence, each number where it comes first."""
    bits = max(count - 1, 1).bit_length()
    turned = (int(f"{number:0{bits}b}"[::-1], 2) for number in range(2**bits))
    return list(dict.fromkeys(number * count // 2**bits for number in turned))


def make_poses(photos: Sequence[Path], place: Path, options: argparse.Namespace) -> Subset:
    """The poses of `photos` alone, made in the folder `place`."""
    source = place.with_name(f"{place.name}-photos")
    source.mkdir(parents=True, exist_ok=True)
    for photo in photos:
        link = source / photo.name
        if not link.exists():
            link.symlink_to(photo.resolve())
    jobs.run(source, place, options.preset, 42, ["--until", "COLMAP_UNDIST"])
    return with_poses(Workspace(place)) if bench.has_poses(place) else Subset(place, {})


def with_poses(workspace: Workspace) -> Subset:
    """All photos that have a place in a job."""
    model = read_model(workspace.undistorted_sparse, workspace.train_txt, workspace.test_txt)
    stored = own_names(workspace)
    photos = {stored.get(photo.name, photo.name): photo for photo in model.photos}
    return Subset(workspace.images, photos, exposure_values(workspace, model))


def own_names(workspace: Workspace) -> dict[str, str]:
    """Name in work/images -> the photo's own; empty for a folder that no job has written."""
    try:
        return PreparedPhotos.read(workspace).stored_names
    except FileNotFoundError:
        return {}


def score(subset: Subset, shared: Sequence[str], seed: int, options: argparse.Namespace) -> Row:
    """A scene of the subset without the `shared` photos, and its figures on them."""
    train = [photo for name, photo in subset.photos.items() if name not in shared]
    scored = [subset.photos[name] for name in shared if name in subset.photos]
    if len(train) < 2 or not scored:
        return {"figures": None, "left_out": []}
    config = recipe(train, options)
    result = engine.train(
        train, subset.images, config, device=best_device(), seed=seed, report=options.deadline
    )
    figures = scoring.score(
        result.gaussians,
        scored,
        subset.images,
        config.max_image_size,
        exposures=predict_exposures(result.exposures, train, scored, subset.ev100),
    )
    psnr = figures["raw"]["psnr"]
    sys.stderr.write(f"{len(subset.photos)} photos, seed {seed}: {psnr:.2f} dB\n")
    return {"figures": figures, "left_out": list(result.left_out)}


def recipe(train: Sequence[PosedPhoto], options: argparse.Namespace) -> TrainConfig:
    """The preset, fitted to the photos to train on."""
    settings = wishes_to_settings.resolve(
        Wishes(options.preset),
        max_iterations=options.steps,
        max_image_size=options.max_image_size,
    )
    return engine.fit_to_photos(settings.train, train)


def save(results: dict[str, Any], out: Path) -> str:
    out.mkdir(parents=True, exist_ok=True)
    write_json(out / "nested.json", results)
    text = markdown(results)
    (out / "nested.md").write_text(text)
    return text


def markdown(results: dict[str, Any]) -> str:
    """One line for each subset: means over seeds, and the change from the one before."""
    head = ["set", "photos", "placed", "left out", "PSNR", "corrected", "SSIM", "change dB"]
    lines: list[list[Any]] = []
    groups = grouped(results["rows"])
    for (name, size), rows in groups.items():
        measured = [row["figures"] for row in rows if row["figures"]]
        means = [
            f"{mean(one[kind][metric] for one in measured):.{digits}f}" if measured else "none"
            for kind, metric, digits in _FIGURES
        ]
        left_out = max(len(row["left_out"]) for row in rows)
        change = changes(groups).get((name, size))
        said = "" if change is None else f"{change:+.2f}"
        lines.append([name, size, rows[0]["placed"], left_out or "", *means, said])
    parts = [f"{results['date']}, {results['machine']}\n`{results['command']}`\n"]
    parts += [tables.table(head, lines), *(f"- {note}" for note in results["notes"])]
    found = worse(results["rows"])
    verdict = ", ".join(f"{name} with {size} photos" for name, size in found) or "none"
    return "\n".join([*parts, f"\nWorse by more than {_MOST_LOST} dB with more photos: {verdict}."])


def grouped(rows: Sequence[Row]) -> dict[tuple[str, int], list[Row]]:
    """Rows by set and number of photos, in the order measured."""
    groups: dict[tuple[str, int], list[Row]] = {}
    for row in rows:
        groups.setdefault((row["set"], row["photos"]), []).append(row)
    return groups


def changes(groups: dict[tuple[str, int], list[Row]]) -> dict[tuple[str, int], float]:
    """Corrected PSNR, dB, of each subset's scene less that of the next smaller subset's."""
    found: dict[tuple[str, int], float] = {}
    before: dict[str, float] = {}
    for (name, size), rows in groups.items():
        values = [row["figures"]["corrected"]["psnr"] for row in rows if row["figures"]]
        if values and name in before:
            found[name, size] = mean(values) - before[name]
        if values:
            before[name] = mean(values)
    return found


def worse(rows: Sequence[Row]) -> list[tuple[str, int]]:
    """The subsets that score lower than the next smaller one, by more than noise."""
    found = changes(grouped(rows))
    return [which for which, change in found.items() if change < -_MOST_LOST]


if __name__ == "__main__":
    main()
