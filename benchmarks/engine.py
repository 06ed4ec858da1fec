"""The engine against the reference: seconds, held-out quality and memory, on any photos.

    python benchmarks/engine.py                                    # all sets of 8 photos or more
    python benchmarks/engine.py --pose-runs 3 --seeds 1 2          # with poses made three times
    python benchmarks/engine.py --sets fern berlin --presets quick high --seeds 1 2 3
    python benchmarks/engine.py --sets JOB/ --snapshots            # from a job's poses
    python benchmarks/engine.py --sets fern/ --control PLAIN/      # likewise, and the control
    python benchmarks/engine.py --large --max-gpu-memory-gb 16     # bounded memory
    python benchmarks/engine.py --large --steps 50                 # the same without a GPU

A set is a name in RECON_PHOTOS (default ../shared/photos), a folder of photos, or a job's folder
with work/{images,sparse,train.txt,test.txt}. From photos, one whole job runs per preset and pose
run, and all seeds and the reference use its poses. Sets of up to 10 photos hold out each photo
once.

With `fern` among the sets, the reference also runs afresh on COLMAP's plain poses, from which its
result is known: the control. Without pycolmap, --control names a job's folder with such poses.

Every measurement is a separate process whose clock starts after its imports; what is loaded or
compiled later counts. `--cold` gives each one empty caches for compiled code, as on a new machine.

Prints Markdown, and keeps it with all figures as engine.md and engine.json in --out.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks import jobs
from benchmarks.parts import large, references, tables
from recon.pipeline.photos.uploads import photos_in
from recon.pipeline.workspace import Workspace, write_json

_HERE = Path(__file__).resolve().parent
_CONTROL = "fern"  # the set for which the reference's result is known
_PLAIN = "mapping.own_principal_points=false"  # and the poses for which it is known
_FEW = 10  # photos; up to this many, each is held out once
_LARGEST = ["fern", "sceaux"]  # sets that --large measures
_MANY = 8  # photos of a set that is measured unless others are named
_LARGE = {"fern": 4000}  # px, longest side that a set is enlarged to; others keep their own size
_CACHES = ("NUMBA_CACHE_DIR", "TORCHINDUCTOR_CACHE_DIR", "TRITON_CACHE_DIR", "CUDA_CACHE_PATH")

Result = dict[str, Any]


def main() -> None:
    options = parse(None)
    bench = Bench(options)
    sets = list(sources(options.sets, options.out))
    for name, folder in sets:
        for preset in options.presets:
            for pose_run in range(1 if has_poses(folder) else options.pose_runs):
                bench.measure(name, folder, preset, pose_run)
    bench.control(dict(sets))
    print(bench.save())
    print(f"Kept in {options.out}")


def parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--sets", nargs="+", help="default: all of 8 photos or more in RECON_PHOTOS")
    add("--pose-runs", type=int, default=1, help="how many times poses are made from photos")
    add("--presets", nargs="+", help="default: standard with a GPU, else quick")
    add("--seeds", nargs="+", type=int, default=[42])
    add("--out", type=Path, help="default: a new folder in build/engine")
    add("--poses-only", action="store_true", help="no whole jobs: from photos only the poses")
    add("--no-folds", action="store_true", help="few photos keep the one split, too")
    add("--no-reference", action="store_true")
    add("--fresh-reference", nargs="+", default=[], metavar="SET", help="run it, kept or not")
    add("--control", type=Path, metavar="JOB", help="plain poses of fern; default: made here")
    add("--cache", type=Path, default=references.CACHE, help="of the references' results")
    add("--snapshots", action="store_true", help="also report what a page could show, and when")
    add("--finish", action="store_true", help="also time the stages after training")
    add("--large", action="store_true", help="large photos: full size, and fern at 12 megapixels")
    add("--steps", type=int, help="of training, at most")
    add("--set", dest="changes", action="append", default=[], metavar="GROUP.NAME=VALUE")
    add("--original-resolution", action="store_true")
    add("--max-gpu-memory-gb", type=float)
    add("--no-lpips", action="store_true")
    add("--cold", action="store_true", help="empty caches for compiled code")
    options = parser.parse_args(arguments)
    if options.control:
        options.control = options.control.resolve()
        if not has_poses(options.control):
            parser.error(f"--control: there are no poses in {options.control}")
    if options.large:
        options.original_resolution = options.poses_only = options.finish = True
        options.no_reference = options.no_folds = True
    if not options.presets:
        options.presets = ["standard" if options.large else default_preset()]
    options.sets = options.sets or (_LARGEST if options.large else sets_of(_MANY))
    options.out = (options.out or new_folder("engine")).resolve()
    return options


def sets_of(fewest: int) -> list[str]:
    """The names of the sets in RECON_PHOTOS with so many photos or more."""
    folders = sorted(path for path in jobs.PHOTOS.glob("*") if path.is_dir())
    return [path.name for path in folders if len(photos_in(path)[0]) >= fewest]


def default_preset() -> str:
    from recon.pipeline.cli.arguments import default_preset

    return default_preset()


def has_gpu() -> bool:
    from recon.splats.rasterizers import best_device

    return best_device().type == "cuda"


def new_folder(kind: str) -> Path:
    parent = references.ROOT / "build" / kind
    parent.mkdir(parents=True, exist_ok=True)
    return Path(tempfile.mkdtemp(prefix=f"{datetime.date.today()}-", dir=parent))


def sources(sets: list[str], out: Path) -> Iterator[tuple[str, Path]]:
    """Name and folder of each set. Exits if there is no such folder."""
    for name in sets:
        folder = Path(name) if Path(name).is_dir() else jobs.photos_of(name, out)
        if not folder.is_dir():
            sys.exit(f"There are no photos in {folder}.")
        yield folder.resolve().name, folder.resolve()


def has_poses(folder: Path) -> bool:
    return (folder / "work" / "sparse" / "0" / "images.txt").is_file()


class Bench:
    """The measurements so far; saved after every run, so that an interruption loses little."""

    def __init__(self, options: argparse.Namespace) -> None:
        self._options = options
        self._refreshed: set[str] = set()
        self.results: Result = {
            "date": datetime.date.today().isoformat(),
            "machine": jobs.machine(),
            "command": " ".join(["python", *sys.argv]),
            "snapshots": options.snapshots,
            "jobs": [],
            "runs": [],
            "references": [],
            "controls": [],
            "notes": [],
        }

    def measure(self, name: str, folder: Path, preset: str, pose_run: int = 0) -> None:
        """One set with one preset: its whole job, every seed and fold, and their reference."""
        options = self._options
        if not has_poses(folder):
            folder = self._job(name, folder, preset, pose_run)
        if options.large and name in _LARGE and has_poses(folder):
            folder = self._enlarge(name, folder)
        if not has_poses(folder):
            return
        for held_out in folds(Workspace(folder), not options.no_folds):
            for seed in options.seeds:
                words = [f"poses{pose_run}"] * (pose_run > 0) + [held_out or ""] * bool(held_out)
                place = self._place(name, preset, seed, *words)
                facts = {"set": name, "fold": held_out, "pose_run": pose_run}
                self._run(folder, place, preset, seed, facts)
            if not options.no_reference:
                self._reference(name, preset, held_out, place)

    def control(self, sets: dict[str, Path]) -> None:
        """Runs the reference afresh on fern's plain poses, from which its result is known."""
        options = self._options
        if options.no_reference or not (options.control or _CONTROL in sets):
            return
        if not has_gpu():
            self._note("The reference needs a CUDA GPU: there was no control")
        elif place := options.control or self._plain_poses(sets[_CONTROL]):
            result = self._read_reference("control", place, fresh=True)
            self.results["controls"] += [{**result, "set": _CONTROL}] if result else []
        self.save()

    def _plain_poses(self, source: Path) -> Path | None:
        """A folder with the poses of the photos in `source`; None, and a note, if there is none.

        Options of the command for our runs do not apply: the known result was reached without.
        """
        if has_poses(source):
            self._note(
                f"{_CONTROL} was given as a job's folder, and no plain poses of it by --control: "
                "there was no control"
            )
            return None
        place = self._place(_CONTROL, "control")
        more = ["--until", "COLMAP_UNDIST", "--set", _PLAIN]
        report = self._child("job", source, place, "standard", 42, more)
        if report is not None and report["error"]:
            self._note(f"{place.name}: failed: {report['error']}")
        return place if has_poses(place) else None

    def save(self) -> str:
        write_json(self._options.out / "engine.json", self.results)
        text = tables.markdown(self.results)
        (self._options.out / "engine.md").write_text(text)
        return text

    def _job(self, name: str, photos: Path, preset: str, pose_run: int) -> Path:
        """Runs the whole job, or its poses alone. Returns its folder.

        The same seed gives the same poses, so each pose run has one of its own.
        """
        options = self._options
        place = self._place(name, preset, "job", *[pose_run] * (pose_run > 0))
        seed = options.seeds[0] + pose_run
        until = ["--until", "COLMAP_UNDIST"] if options.poses_only else []
        report = self._child("job", photos, place, preset, seed, [*until, *self._wishes()])
        if report is not None and not options.poses_only:
            self.results["jobs"].append({"set": name, **report})
        self.save()
        return place

    def _enlarge(self, name: str, folder: Path) -> Path:
        place = self._place(name, "enlarged")
        if not place.exists():
            large.enlarge(Workspace(folder), Workspace(place), _LARGE[name])
            self.results["notes"].append(
                f"{name}: photos resampled (Lanczos) to {_LARGE[name]} px on their longest side; "
                "poses of the small ones"
            )
        return place

    def _run(self, folder: Path, place: Path, preset: str, seed: int, facts: Result) -> None:
        """`facts` are the set, the fold's photo that is held out, and the pose run."""
        options = self._options
        more = ["--held-out", facts["fold"]] if facts["fold"] else []
        more += ["--finish"] * options.finish + ["--no-lpips"] * options.no_lpips
        report = self._child("poses", folder, place, preset, seed, [*more, *self._wishes()])
        if report is not None:
            self.results["runs"].append({**facts, **report})
            if report["warnings"]:
                self._note(f"{place.name}: {', '.join(report['warnings'])}")
        self.save()

    def _reference(self, name: str, preset: str, held_out: str | None, place: Path) -> None:
        """The reference on the photos, poses and split in `place`."""
        scene = f"{name} {held_out}"
        fresh = name in self._options.fresh_reference and scene not in self._refreshed
        self._refreshed.add(scene)
        result = self._read_reference(name, place, fresh)
        if result is not None:
            facts = {"set": name, "preset": preset, "fold": held_out}
            self.results["references"].append({**result, **facts})
        self.save()

    def _read_reference(self, name: str, place: Path, fresh: bool) -> Result | None:
        """What `reference.py` measured or had stored; None, and a note, if there is neither."""
        command = [sys.executable, _HERE / "reference.py", place, "--cache", self._options.cache]
        done = self._process([*command, *["--fresh"] * fresh])
        result: Result | None = None
        if done.returncode == 0:
            result = json.loads(done.stdout.splitlines()[-1])
        if result is None:
            self._note(f"{name}: no reference, kept or new: {last_line(done.stderr)}")
        return result

    def _wishes(self) -> list[str]:
        """The command's options for every run of ours."""
        options = self._options
        words = [word for change in options.changes for word in ("--set", change)]
        words += ["--original-resolution"] * options.original_resolution
        for flag in ("steps", "max_gpu_memory_gb"):
            value = getattr(options, flag)
            words += [f"--{flag.replace('_', '-')}", str(value)] if value is not None else []
        return words

    def _child(
        self, kind: str, source: Path, place: Path, preset: str, seed: int, more: list[str]
    ) -> Result | None:
        """What `engine_run.py` measured; None if it failed."""
        report = place.with_name(f"{place.name}.json")
        place.parent.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, _HERE / "engine_run.py", kind, source, place, report]
        command += ["--preset", preset, "--seed", str(seed), *more]
        began = time.monotonic()
        done = self._process(command)
        seconds = time.monotonic() - began
        if done.returncode:
            self._note(f"{place.name}: failed: {last_line(done.stderr)}")
            return None
        return {**json.loads(report.read_text()), "process_seconds": seconds}

    def _process(self, command: list[Any]) -> subprocess.CompletedProcess[str]:
        """Runs a program in the project's folder; its errors are shown, too."""
        with tempfile.TemporaryDirectory(prefix="caches-") as cold:
            environment = dict(os.environ)
            if self._options.cold:
                environment |= {name: str(Path(cold) / name) for name in _CACHES}
            done = subprocess.run(
                list(map(str, command)), cwd=references.ROOT, env=environment,
                capture_output=True, text=True, check=False,
            )  # fmt: skip
        sys.stderr.write(done.stderr)
        return done

    def _note(self, text: str) -> None:
        if text not in self.results["notes"]:
            self.results["notes"].append(text)

    def _place(self, *words: object) -> Path:
        return self._options.out / "jobs" / "-".join(map(str, words))


def folds(workspace: Workspace, few: bool) -> list[str | None]:
    """The photos to hold out alone, one after another; None is the job's own split."""
    lists = (workspace.train_txt, workspace.test_txt)
    names = sorted(name for path in lists for name in path.read_text().split())
    return list(names) if few and len(names) <= _FEW else [None]


def last_line(text: str) -> str:
    return (text.strip().splitlines() or ["no word"])[-1]


if __name__ == "__main__":
    main()
