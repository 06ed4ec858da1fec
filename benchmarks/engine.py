"""The engine beside the reference: seconds, held-out quality and memory, on any photos.

    python benchmarks/engine.py                                    # fern and sceaux
    python benchmarks/engine.py --sets fern berlin --presets draft high --seeds 1 2 3
    python benchmarks/engine.py --sets JOB/ --snapshots            # from a job's poses
    python benchmarks/engine.py --large --max-gpu-memory-gb 16     # bounded memory
    python benchmarks/engine.py --large --steps 50                 # the same without a GPU

A set is a name in RECON_PHOTOS (default ../shared/photos), a folder of photos, or a job's folder
with work/{images,sparse,train.txt,test.txt}. From photos, one whole job runs per preset, and its
poses are what all seeds and the reference use. Sets of up to 10 photos hold out each photo once.

Every measurement is a process of its own whose clock starts after its imports; what is loaded or
compiled later counts. `--cold` gives each empty caches for compiled code, as on a new machine.

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

from benchmarks import jobs, large, references, tables
from recon.pipeline.workspace import Workspace, write_json

_HERE = Path(__file__).resolve().parent
_FEW = 10  # photos; up to so many, each is held out once
_LARGE = {"fern": 4000}  # px, longest side that a set is enlarged to; others keep their own size
_CACHES = ("NUMBA_CACHE_DIR", "TORCHINDUCTOR_CACHE_DIR", "TRITON_CACHE_DIR", "CUDA_CACHE_PATH")

Result = dict[str, Any]


def main() -> None:
    options = parse(None)
    bench = Bench(options)
    for name, folder in sources(options.sets, options.out):
        for preset in options.presets:
            bench.measure(name, folder, preset)
    print(bench.save())
    print(f"Kept in {options.out}")


def parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--sets", nargs="+", default=["fern", "sceaux"])
    add("--presets", nargs="+", help="default: standard with a GPU, else draft")
    add("--seeds", nargs="+", type=int, default=[42])
    add("--out", type=Path, help="default: a new folder in build/engine")
    add("--poses-only", action="store_true", help="no whole jobs: from photos only the poses")
    add("--no-folds", action="store_true", help="few photos keep the one split, too")
    add("--no-reference", action="store_true")
    add("--fresh-reference", nargs="*", default=["fern"], metavar="SET", help="default: fern")
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
    if options.large:
        options.original_resolution = options.poses_only = options.finish = True
        options.no_reference = options.no_folds = True
    if not options.presets:
        options.presets = ["standard" if options.large else default_preset()]
    options.out = (options.out or new_folder()).resolve()
    return options


def default_preset() -> str:
    from recon.pipeline.__main__ import default_preset

    return default_preset()


def new_folder() -> Path:
    parent = references.ROOT / "build" / "engine"
    parent.mkdir(parents=True, exist_ok=True)
    return Path(tempfile.mkdtemp(prefix=f"{datetime.date.today()}-", dir=parent))


def sources(sets: list[str], out: Path) -> Iterator[tuple[str, Path]]:
    """Name and folder of each set. Exits where there is no such folder."""
    for name in sets:
        folder = Path(name) if Path(name).is_dir() else jobs.photos_of(name, out)
        if not folder.is_dir():
            sys.exit(f"There are no photos in {folder}.")
        yield folder.resolve().name, folder.resolve()


def has_poses(folder: Path) -> bool:
    return (folder / "work" / "sparse" / "0" / "images.txt").is_file()


class Bench:
    """What was measured so far; saved after every run, so that an interrupted one is not lost."""

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
            "notes": [],
        }

    def measure(self, name: str, folder: Path, preset: str) -> None:
        """One set with one preset: its whole job, every seed and fold, and their reference."""
        options = self._options
        if not has_poses(folder):
            folder = self._job(name, folder, preset)
        if options.large and name in _LARGE and has_poses(folder):
            folder = self._enlarged(name, folder)
        if not has_poses(folder):
            return
        for held_out in folds(Workspace(folder), not options.no_folds):
            for seed in options.seeds:
                place = self._place(name, preset, seed, *([held_out] if held_out else []))
                self._run(name, folder, place, preset, seed, held_out)
            if not options.no_reference:
                self._reference(name, preset, held_out, place)

    def save(self) -> str:
        write_json(self._options.out / "engine.json", self.results)
        text = tables.markdown(self.results)
        (self._options.out / "engine.md").write_text(text)
        return text

    def _job(self, name: str, photos: Path, preset: str) -> Path:
        """The whole job, or its poses alone; its folder."""
        options = self._options
        place, seed = self._place(name, preset, "job"), options.seeds[0]
        until = ["--until", "COLMAP_UNDIST"] if options.poses_only else []
        report = self._child("job", photos, place, preset, seed, until)
        if report is not None and not options.poses_only:
            self.results["jobs"].append({"set": name, **report})
        self.save()
        return place

    def _enlarged(self, name: str, folder: Path) -> Path:
        place = self._place(name, "enlarged")
        if not place.exists():
            large.enlarge(Workspace(folder), Workspace(place), _LARGE[name])
            self.results["notes"].append(
                f"{name}: photos resampled (Lanczos) to {_LARGE[name]} px on their longest side; "
                "poses of the small ones"
            )
        return place

    def _run(
        self, name: str, folder: Path, place: Path, preset: str, seed: int, held_out: str | None
    ) -> None:
        options = self._options
        more = ["--held-out", held_out] if held_out else []
        more += ["--finish"] * options.finish + ["--no-lpips"] * options.no_lpips
        report = self._child("poses", folder, place, preset, seed, more)
        if report is not None:
            self.results["runs"].append({"set": name, "fold": held_out, **report})
            if report["warnings"]:
                self._note(f"{place.name}: {', '.join(report['warnings'])}")
        self.save()

    def _reference(self, name: str, preset: str, held_out: str | None, place: Path) -> None:
        """The reference on the photos, poses and split in `place`."""
        options = self._options
        control = f"{name} {held_out}"
        fresh = name in options.fresh_reference and control not in self._refreshed
        self._refreshed.add(control)
        command = [sys.executable, _HERE / "reference.py", place, "--cache", options.cache]
        done = self._process([*command, *["--fresh"] * fresh])
        result = json.loads(done.stdout.splitlines()[-1]) if done.returncode == 0 else None
        if result is None:
            self._note(f"{name}: no reference, kept or new: {last_line(done.stderr)}")
        else:
            facts = {"set": name, "preset": preset, "fold": held_out}
            self.results["references"].append({**result, **facts})
        self.save()

    def _child(
        self, kind: str, source: Path, place: Path, preset: str, seed: int, more: list[str]
    ) -> Result | None:
        """What `engine_run.py` measured, None where it failed."""
        options = self._options
        report = place.with_name(f"{place.name}.json")
        place.parent.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, _HERE / "engine_run.py", kind, source, place, report]
        command += ["--preset", preset, "--seed", str(seed), *more]
        command += [word for change in options.changes for word in ("--set", change)]
        command += ["--original-resolution"] * options.original_resolution
        for flag in ("steps", "max_gpu_memory_gb"):
            value = getattr(options, flag)
            command += [f"--{flag.replace('_', '-')}", str(value)] if value is not None else []
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
    """The photos to hold out alone, one after the other; None is the job's own split."""
    lists = (workspace.train_txt, workspace.test_txt)
    names = sorted(name for path in lists for name in path.read_text().split())
    return list(names) if few and len(names) <= _FEW else [None]


def last_line(text: str) -> str:
    return (text.strip().splitlines() or ["no word"])[-1]


if __name__ == "__main__":
    main()
