"""Poses: how many photos are placed, in what time and how exactly.

    python benchmarks/poses.py                                  # everything; an hour on two cores
    python benchmarks/poses.py --quick                          # rendered scenes only; two minutes
    python benchmarks/poses.py --parts sets --sets fern JOB/upload/images
    python benchmarks/poses.py --parts subsets --sets fern --sizes 3 5 8 --subsets 20

Parts:
    sets      registered photos of whole sets, the ladder and COLMAP's defaults, seconds per rung
    subsets   random subsets of the sets (of fern by default): how many are placed to the last photo
    accuracy  rendered scenes: rotations and positions against the true ones
    spread    the same sets again and again, every second time on one core: how far apart the poses
              of --runs runs are, and the seconds of COLMAP_MAP
    mixed     photos of three scenes, a blank wall, copies, a panorama: what comes out

A set is a name in RECON_PHOTOS (default ../shared/photos) or a folder of photos. Every run is the
pipeline's own, PREFLIGHT to COLMAP_MAP.

Prints Markdown, and keeps it with all figures as poses.md and poses.json in --out, after every run.
"""

from __future__ import annotations

import argparse
import datetime
import os
import shutil
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks import engine, jobs
from benchmarks.parts import pose_runs, pose_sets, pose_tables
from recon.pipeline import wishes_to_settings
from recon.pipeline.cli.arguments import nested
from recon.pipeline.config import PipelineConfig
from recon.pipeline.photos.uploads import photos_in
from recon.pipeline.wishes import Wishes
from recon.pipeline.workspace import Workspace, write_json
from recon.samples import write_photos

PARTS = ("sets", "subsets", "accuracy", "spread", "mixed")
SETS = ("fern", "sceaux", "berlin", "cake", "lund")
SUBSETS_OF = ("fern",)
SCENES = ("orbit", "wall", "corner")  # the targets are for these
CAMERAS = ("zooms", "phones", "upright", "wide", "fisheye")

Result = dict[str, Any]


def main() -> None:
    options = parse(None)
    bench = Bench(options)
    for part in options.parts:
        getattr(bench, part)()
    print(bench.save())
    print(f"Kept in {options.out}")


def parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--parts", nargs="+", default=PARTS, choices=PARTS, metavar="PART")
    add("--sets", nargs="+")
    add("--sizes", nargs="+", type=int, default=[3, 5, 8], help="photos in a subset")
    add("--subsets", type=int, default=20, help="of each size")
    add("--runs", type=int, default=3, help="of each set, for the spread")
    add("--scenes", nargs="+", default=[*SCENES, *CAMERAS])
    add("--seed", type=int, default=42, help="of the choice of subsets, and of the pipeline")
    add("--set", dest="changes", action="append", default=[], metavar="GROUP.NAME=VALUE")
    add("--out", type=Path, help="default: a new folder in build/poses")
    add("--quick", action="store_true", help="accuracy on the three scenes that have targets")
    options = parser.parse_args(arguments)
    if options.quick:
        options.parts, options.scenes = ("accuracy",), SCENES
    options.out = (options.out or engine.new_folder("poses")).resolve()
    return options


class Bench:
    """The measurements so far; saved after every run, so that an interruption loses little."""

    def __init__(self, options: argparse.Namespace) -> None:
        self._options = options
        self._config: PipelineConfig = wishes_to_settings.resolve(
            Wishes("standard"), overrides=nested(options.changes), seed=options.seed
        )
        # Own principal points place no photos; docs/develop/engine.md says what they cost and gain.
        self._ladder_only = replace(
            self._config, mapping=replace(self._config.mapping, own_principal_points=False)
        )
        self.results: Result = {
            "date": datetime.date.today().isoformat(),
            "machine": jobs.machine(),
            "command": " ".join(["python", *sys.argv]),
            **{part: [] for part in PARTS},
        }

    def sets(self) -> None:
        for name, folder in engine.sources(self._options.sets or list(SETS), self._options.out):
            workspace = self._workspace("sets", name)
            result = pose_runs.find_poses(photos_in(folder)[0], workspace, self._ladder_only)
            self._keep("sets", name, pose_runs.with_default(result, workspace, self._ladder_only))

    def subsets(self) -> None:
        options = self._options
        for name, folder in engine.sources(options.sets or list(SUBSETS_OF), options.out):
            photos = photos_in(folder)[0]
            for size in (size for size in options.sizes if size <= len(photos)):
                chosen = pose_sets.subsets(photos, size, options.subsets, options.seed)
                for number, subset in enumerate(chosen):
                    workspace = self._workspace("subsets", f"{name}-{size}-{number}")
                    result = pose_runs.find_poses(subset, workspace, self._ladder_only)
                    result = pose_runs.with_default(result, workspace, self._ladder_only)
                    result["names"] = [photo.name for photo in subset]
                    self._keep("subsets", name, result)
                    shutil.rmtree(workspace.root)  # there are many of them

    def accuracy(self) -> None:
        for scene in self._options.scenes:
            folder = self._options.out / "rendered" / scene
            truth = write_photos(folder, scene=scene)
            workspace = self._workspace("accuracy", scene)
            result = pose_runs.find_poses(photos_in(folder)[0], workspace, self._config)
            if result["error"] is None:
                result |= pose_runs.accuracy(workspace, truth)
            self._keep("accuracy", scene, result)

    def spread(self) -> None:
        for name, folder in engine.sources(self._options.sets or list(SETS), self._options.out):
            photos, cores = photos_in(folder)[0], sorted(os.sched_getaffinity(0))
            jobs = [self._workspace("spread", f"{name}-{n}") for n in range(self._options.runs)]
            runs = []
            for number, workspace in enumerate(jobs):
                before = pose_runs.cpu_seconds()
                with pose_runs.on_cores(cores[-1:] if number % 2 else cores):
                    run = pose_runs.find_poses(photos, workspace, self._config)
                runs.append({**run, "cpu_seconds": pose_runs.cpu_seconds() - before})
            self._keep("spread", name, {**runs[0], "runs": runs, **pose_runs.spread(jobs)})

    def mixed(self) -> None:
        for name, photos in pose_sets.mixtures(self._options.out):
            workspace = self._workspace("mixed", name.replace(" ", "-"))
            self._keep("mixed", name, pose_runs.find_poses(photos, workspace, self._config))

    def save(self) -> str:
        write_json(self._options.out / "poses.json", self.results)
        text = pose_tables.markdown(self.results)
        (self._options.out / "poses.md").write_text(text)
        return text

    def _keep(self, part: str, name: str, result: Result) -> None:
        self.results[part].append({"set": name, **result})
        self.save()
        outcome = result["error"] or f"{result['registered']} of {result['photos']} photos"
        print(f"{part}, {name}: {outcome}, {result['all_seconds']:.0f} s", file=sys.stderr)

    def _workspace(self, part: str, name: str) -> Workspace:
        return Workspace(self._options.out / "jobs" / part / name)


if __name__ == "__main__":
    main()
