"""Whether the time left that a page shows is true: whole jobs of mixed size, one after the other.

    python benchmarks/eta.py                       # 6 jobs to learn from, then 10 that are judged
    python benchmarks/eta.py --others              # judges ten others
    python benchmarks/eta.py --out eta.json        # keeps what was measured
    python benchmarks/eta.py --replay eta.json     # judges it again, with the code as it is now

Each job is predicted from those before it, as on a site's first day: at the moment when its
progress reaches 25%, the range that the page would show is compared with the seconds that it still
took. Photos are subsets of the sets in RECON_PHOTOS (default ../shared/photos), or of the project's
own rendered ones if those are missing. Each job runs in a separate process. Prints a Markdown
table.
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
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from django.conf import settings

from benchmarks.jobs import PHOTOS, machine
from benchmarks.parts.tables import table
from recon.pipeline.config import PipelineConfig
from recon.pipeline.forecast.time_left import Run, expect, forecast
from recon.pipeline.forecast.work_ahead import Plan, plan_of
from recon.pipeline.progress import ListReporter, Step, overall_percent
from recon.pipeline.wishes import Wishes
from recon.pipeline.wishes_to_settings import resolve
from recon.templatetags.wording import WIDEST, shown_range, time_range
from scripts import measurement_pages

ROOT = Path(__file__).resolve().parents[1]
AT = 25.0  # per cent of progress
WANTED = 8  # of ten
#: (set, photos): the first six are only learnt from. If there are no real photos, all are rendered.
#: Sizes range from 0.26 to 6 megapixels.
JOBS = (
    ("fern", 8), ("samples", 12), ("sceaux", 5), ("fern", 16), ("samples", 4), ("berlin", 3),
    ("fern", 5), ("samples", 6), ("fern", 12), ("berlin", 3), ("samples", 9),
    ("fern", 20), ("cake", 8), ("sceaux", 7), ("samples", 8), ("sceaux", 11),
)  # fmt: skip
LEARNT_FROM = 6
#: With `--others` these are judged: the proportions in `work_ahead` were fitted to the ones above.
OTHERS = (
    ("fern", 6), ("samples", 10), ("sceaux", 9), ("fern", 18), ("berlin", 3),
    ("samples", 7), ("sceaux", 3), ("fern", 14), ("cake", 6), ("fern", 4),
)  # fmt: skip

#: Seconds that a person waits, or seconds of processor time, which other programs don't stretch.
CLOCKS: dict[str, Callable[[], float]] = {"wall": time.monotonic, "cpu": time.process_time}

Measured = dict[str, Any]


class Clock(ListReporter):
    """Notes when each thing was reported, in seconds from the start."""

    def __init__(self, now: Callable[[], float]) -> None:
        super().__init__()
        self.now, self.began = now, now()
        self.said: list[tuple[float, str, float]] = []  # (seconds, step, fraction)
        self.seconds: dict[str, float] = {}
        self.step = Step.QUEUED

    def start(self, step: Step) -> None:
        self.step, self.step_began = step, self.now()
        self._note(0.0)

    def __call__(self, fraction: float, code: str = "", /, **facts: Any) -> None:
        self._note(fraction)

    def finish(self, step: Step, seconds: float, *, reused: bool) -> None:
        self.seconds[step.value] = self.now() - self.step_began
        self._note(1.0)

    def _note(self, fraction: float) -> None:
        self.said.append((self.now() - self.began, self.step.value, fraction))


def main() -> None:
    settings.configure(USE_I18N=False)  # the pages' words are wanted in English
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--preset", default="quick")
    parser.add_argument("--iterations", type=int, help="training steps at most, to be quicker")
    parser.add_argument(
        "--clock", choices=sorted(CLOCKS), default="wall", help="cpu: for a busy machine"
    )
    parser.add_argument("--others", action="store_true", help="judge ten other sets of photos")
    parser.add_argument("--out", type=Path, help="keep what was measured here, as JSON")
    parser.add_argument("--save", action="store_true", help="add it to docs/measurements")
    parser.add_argument("--replay", type=Path, help="judge what --out kept, without running jobs")
    options = parser.parse_args()
    if options.replay:
        record = json.loads(options.replay.read_text())
        show(record["jobs"], record["machine"], record["command"], options.save)
        return
    os.environ["ETA_CLOCK"] = options.clock
    jobs: list[Measured] = []
    with tempfile.TemporaryDirectory(prefix="bench-eta-") as folder:
        wanted = JOBS[:LEARNT_FROM] + OTHERS if options.others else JOBS
        for number, (name, photos) in enumerate(wanted):
            jobs.append(
                run(name, photos, options.preset, options.iterations, Path(folder) / str(number))
            )
            done = jobs[-1]
            print(f"{name}, {photos} photos: {done['status']}, {done['said'][-1][0]:.0f} s",
                  file=sys.stderr, flush=True)  # fmt: skip
            if options.out:
                options.out.write_text(
                    json.dumps({"machine": machine(), "command": command(), "jobs": jobs})
                )
    show(jobs, machine(), command(), options.save)


def command() -> str:
    return " ".join(["python", *sys.argv])


def run(name: str, count: int, preset: str, iterations: int | None, folder: Path) -> Measured:
    """One job in a fresh process: what it was to do, and when it reported what."""
    photos = chosen(name, count, folder.parent)
    program = [sys.executable, __file__, "--job", str(folder), preset, str(iterations or 0)]
    program += map(str, photos)
    subprocess.run(program, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    measured: Measured = json.loads((folder / "measured.json").read_text())
    found = name if (PHOTOS / name).is_dir() else "samples"
    return {"set": found, "preset": preset, "iterations": iterations, **measured}


def chosen(name: str, count: int, folder: Path) -> list[Path]:
    """`count` neighbouring photos of the set, or rendered ones if the set is missing."""
    place = PHOTOS / name
    if not place.is_dir():
        place = folder / "samples"
        if not place.is_dir():
            subprocess.run(
                [sys.executable, "-m", "recon.samples", str(place)], cwd=ROOT, check=True
            )
    photos = sorted(p for p in place.iterdir() if p.suffix.lower() in (".jpg", ".jpeg", ".png"))
    begin = (len(photos) - min(count, len(photos))) // 2
    return photos[begin : begin + count]


def job(folder: Path, preset: str, iterations: int | None, photos: list[Path]) -> None:
    """What the fresh process does."""
    from PIL import Image

    from recon.pipeline.photos.uploads import bring_in
    from recon.pipeline.runner import run_pipeline
    from recon.pipeline.workspace import Workspace

    workspace = Workspace(folder)
    bring_in(photos, workspace)
    config = config_of(preset, iterations)
    clock = Clock(CLOCKS[os.environ["ETA_CLOCK"]])
    summary = run_pipeline(workspace, config, clock)
    sizes = [Image.open(photo).size for photo in photos]
    measured = {
        "status": summary.status,
        "sizes": sizes,
        "said": clock.said,
        "seconds": clock.seconds,
    }
    (folder / "measured.json").write_text(json.dumps(measured))


def show(jobs: list[Measured], where: str, how: str, save: bool) -> None:
    """Judges every job but the first ones, each predicted from those before it."""
    plans = [plan(measured) for measured in jobs]
    rows, held, judged, widest = [], 0, 0, 0.0
    for at, measured in enumerate(jobs[LEARNT_FROM:], LEARNT_FROM):
        past = [
            Run(plans[i], {Step(step): s for step, s in jobs[i]["seconds"].items()})
            for i in range(at - 1, -1, -1)
        ]
        left, truth = at_a_quarter(measured, plans[at], past)
        low, high, unit = shown_range(*left)
        size = 60.0 if unit == "min" else 1.0
        good = low * size <= truth <= high * size
        judged, held, widest = judged + 1, held + good, max(widest, high / low)
        width, height = measured["sizes"][0]
        rows.append([
            measured["set"], plans[at].photos, f"{width}×{height}", measured["preset"],
            f"{measured['said'][-1][0]:.0f}", time_range(left), f"{high / low:.2f}",
            f"{truth:.0f} s", "yes" if good else "no",
        ])  # fmt: skip
    head = ["set", "photos", "size", "preset", "whole job s", f"shown at {AT:.0f}%", "high / low"]
    head += ["was left", "in the range"]
    if save:
        measurement_pages.save("time-left.csv", where, how, head, rows)
    print(f"{datetime.date.today()}, {where}, `{how}`\n")
    print(table(head, rows))
    verdict = "reached" if held >= WANTED and widest <= WIDEST else "NOT REACHED"
    print(
        f"\nIn the range: {held} of {judged}; the widest high end is {widest:.2f} times its low "
        f"end. Wanted: {WANTED} of 10, {WIDEST}: {verdict}."
    )


def plan(measured: Measured) -> Plan:
    sizes = [tuple(size) for size in measured["sizes"]]
    config = config_of(measured["preset"], measured["iterations"])
    return plan_of(sizes, config, gpu=has_gpu())


def config_of(preset: str, iterations: int | None) -> PipelineConfig:
    overrides = {"evaluate": {"lpips": False}}
    return resolve(Wishes(preset), overrides=overrides, max_iterations=iterations)


def has_gpu() -> bool:
    import torch

    return torch.cuda.is_available()


def at_a_quarter(
    measured: Measured, asked: Plan, past: list[Run]
) -> tuple[tuple[float, float], float]:
    """The range shown at `AT` per cent, and the seconds that were actually left then."""
    said = measured["said"]
    now, step, fraction = next(
        (when, Step(step), fraction)
        for when, step, fraction in said
        if overall_percent(Step(step), fraction) >= AT
    )
    began = next(when for when, name, _ in said if name == step)
    done = {
        Step(name): seconds
        for name, seconds in measured["seconds"].items()
        if list(Step).index(Step(name)) < list(Step).index(step)
    }
    told = forecast(
        expect(asked, past), step=step, fraction=fraction, in_step=now - began, done=done
    )
    return told.left, said[-1][0] - now


if __name__ == "__main__":
    if sys.argv[1:2] == ["--job"]:
        os.environ.setdefault("OMP_WAIT_POLICY", "passive")
        folder, preset, iterations, *photos = sys.argv[2:]
        job(Path(folder), preset, int(iterations) or None, [Path(photo) for photo in photos])
    else:
        main()
