"""The photo check against faults planted in real and rendered photos, and its speed.

    python benchmarks/photos/photo_check.py                 # faults in all sets, clean sets, speed
    python benchmarks/photos/photo_check.py --sets fern sceaux --no-speed

Photo sets are found in RECON_PHOTOS (default ../shared/photos); the rendered ones are our own. Each
trial has one fault in an otherwise untouched set. Prints Markdown: recall per kind of fault and
set, what was said about the clean sets, limits chosen without the set that they are tried on
(--margins), and seconds for 20 photos of 12 megapixels.
"""

from __future__ import annotations

import argparse
import datetime
import os
import resource
import shutil
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from benchmarks.jobs import PHOTOS, machine
from benchmarks.parts import planted_faults
from benchmarks.parts.check_margins import Margins
from recon.pipeline.photo_check import check
from recon.pipeline.photo_check.check_texts import explain_finding, explain_findings
from recon.pipeline.photo_check.report import CheckReport
from recon.samples import write_photos

RENDERED = ["courtyard", "orbit", "wall", "corner"]
SETS = ["fern", "sceaux", "berlin", "lund", "cake", *RENDERED]
STRANGERS = 3  # per set

#: What the check may say about a planted fault, if that is not its kind.
SAID = {
    "exposure": ("too_dark", "too_bright"),
    "near_duplicates": ("near_duplicates", "copies"),
}
SPEED_PHOTOS, SPEED_LONGEST = 20, 4000


@dataclass(frozen=True)
class Trial:
    """One fault in a set."""

    kind: str  # "blurred", "near_duplicates", "stranger", "exposure"
    detail: str
    photos: list[Path]  # the whole set with the fault in it
    fault: str  # the faulty photo's name


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--sets", nargs="+", default=SETS)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--margins", action="store_true", help="leave each set out in turn")
    parser.add_argument("--no-speed", dest="speed", action="store_false")
    parser.add_argument("--no-faults", dest="faults", action="store_false")
    arguments = parser.parse_args()
    print(f"\n{datetime.date.today()}, {machine()}\n`{' '.join(['python', *sys.argv])}`\n")
    with tempfile.TemporaryDirectory(prefix="bench-check-") as scratch:
        sets = {name: photos_of(name, Path(scratch)) for name in arguments.sets}
        if arguments.faults:
            clean_sets(sets, Path(scratch))
            faults(sets, Path(scratch), arguments.seed, Margins() if arguments.margins else None)
        if arguments.speed:
            speed(next(iter(sets.values())), Path(scratch))


def photos_of(name: str, scratch: Path) -> list[Path]:
    folder = PHOTOS / name
    if name in RENDERED:
        folder = scratch / name
        write_photos(folder, scene=name)
    return sorted(p for p in folder.iterdir() if p.suffix.lower() in (".jpg", ".jpeg"))


def clean_sets(sets: dict[str, list[Path]], scratch: Path) -> None:
    print("What the check says of the sets as they are:\n")
    for name, photos in sets.items():
        report = check.check(photos, scratch / f"check-{name}")
        said = explain_findings(report.findings, numbers(photos))
        print(f"- {name}: " + (" ".join(s.sentence for s in said) or "nothing"), flush=True)


def faults(sets: dict[str, list[Path]], scratch: Path, seed: int, margins: Margins | None) -> None:
    caught: dict[str, dict[str, list[bool]]] = defaultdict(lambda: defaultdict(list))
    wrong: list[str] = []
    for name, photos in sets.items():
        others = {n: p for n, p in sets.items() if n != name}
        folder = scratch / f"check-{name}"
        clean = check.check(photos, folder)
        known = {f.code for f in clean.findings}
        if margins:
            margins.note_clean(name, photos, clean)
        for trial in trials(photos, others, scratch, np.random.default_rng(seed)):
            report = check.check(trial.photos, folder)
            hit = is_caught(trial, report)
            if margins:
                margins.note_fault(trial.kind, name, trial.photos, trial.fault, report)
            caught[trial.kind][name].append(hit)
            if not hit:
                print(f"missed: {name}, {trial.detail}, {about(trial, report)}", flush=True)
            wrong += [f"{name}, {trial.detail}: {w}" for w in wrong_words(trial, report, known)]
    table(caught, list(sets))
    trials_done = sum(len(hits) for by_set in caught.values() for hits in by_set.values())
    print(f"\nWrong words in {trials_done} trials: {len(wrong)}")
    for line in wrong:
        print(f"- {line}")
    if margins:
        margins.print()


def trials(
    photos: list[Path], others: dict[str, list[Path]], scratch: Path, rng: np.random.Generator
) -> Iterator[Trial]:
    """Each fault in a photo drawn at random. The faulty file is in a separate folder."""
    folder = scratch / "faults"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for kind, planted in (
        ("blurred", planted_faults.blurs()),
        ("exposure", planted_faults.exposures()),
    ):
        for detail, fault in planted.items():
            index = int(rng.integers(len(photos)))
            bad = folder / photos[index].name
            planted_faults.plant(fault, photos[index], bad, rng)
            yield Trial(kind, detail, [*photos[:index], bad, *photos[index + 1 :]], bad.name)
    for detail, fault in planted_faults.copies().items():
        index = int(rng.integers(len(photos)))
        copy = folder / f"{photos[index].stem}_copy.jpg"
        planted_faults.plant(fault, photos[index], copy, rng)
        yield Trial("near_duplicates", detail, insert(photos, copy, rng), copy.name)
    for name in rng.choice(list(others), min(STRANGERS, len(others)), replace=False):
        stranger = folder / f"stranger_{name}.jpg"
        shutil.copyfile(others[name][int(rng.integers(len(others[name])))], stranger)
        yield Trial("stranger", f"one of {name}", insert(photos, stranger, rng), stranger.name)


def insert(photos: list[Path], one: Path, rng: np.random.Generator) -> list[Path]:
    place = int(rng.integers(len(photos) + 1))
    return [*photos[:place], one, *photos[place:]]


def is_caught(trial: Trial, report: CheckReport) -> bool:
    codes = SAID.get(trial.kind, (trial.kind,))
    return any(f.code in codes and trial.fault in f.photos for f in report.findings)


def about(trial: Trial, report: CheckReport) -> str:
    """What the report has on the faulty photo: figures, and what it said."""
    [photo] = [p for p in report.photos if p.name == trial.fault]
    said = [f.code for f in report.findings if trial.fault in f.photos]
    return f"sharpness {photo.sharpness}, exposure {photo.exposure}, said {said}"


def wrong_words(trial: Trial, report: CheckReport, known: set[str]) -> list[str]:
    """Findings on photos without a fault, of kinds that the clean set does not have."""
    places = numbers(trial.photos)
    return [
        explain_finding(finding, places).title
        for finding in report.findings
        if finding.code not in known and trial.fault not in finding.photos
    ]


def numbers(photos: list[Path]) -> dict[str, int]:
    return {path.name: number for number, path in enumerate(photos, start=1)}


def table(caught: dict[str, dict[str, list[bool]]], sets: list[str]) -> None:
    print("\n| fault | " + " | ".join(sets) + " | all |")
    print("|---" * (len(sets) + 2) + "|")
    every: list[bool] = []
    for kind, by_set in caught.items():
        hits = [hit for row in by_set.values() for hit in row]
        every += hits
        cells = [f"{sum(by_set[name])}/{len(by_set[name])}" for name in sets]
        print(f"| {kind} | " + " | ".join(cells) + f" | {sum(hits)}/{len(hits)} |")
    print(f"\nCaught {sum(every)} of {len(every)}: {100 * np.mean(every):.0f}%")


def speed(photos: list[Path], scratch: Path) -> None:
    """Seconds for 20 photos of 12 megapixels at once, and for one more; disk caches are warm."""
    folder = scratch / "large"
    folder.mkdir()
    large = []
    for index in range(SPEED_PHOTOS + 1):
        source = photos[index % len(photos)]  # if there are fewer, they repeat, one px larger
        with Image.open(source) as image:
            factor = (SPEED_LONGEST + index // len(photos)) / max(image.size)
            size = (round(image.width * factor), round(image.height * factor))
            picture = image.convert("RGB").resize(size, Image.Resampling.LANCZOS)
        target = folder / f"{index:02}.jpg"
        picture.save(target, quality=90)
        large.append(target)
    for shown, done in ((f"{SPEED_PHOTOS} photos", large[:-1]), ("one more", large)):
        began, used = time.perf_counter(), cpu_seconds()
        check.check(done, scratch / "check-speed")
        print(
            f"\n{shown}, {size[0]}×{size[1]} px: {time.perf_counter() - began:.1f} s, "
            f"{cpu_seconds() - used:.1f} s of CPU, load {os.getloadavg()[0]:.1f}"
        )


def cpu_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    main()
