"""Does a scene's word agree with a person who looked at it?

    python benchmarks/grade.py rows JOBS/ ... > new.csv    # what finished runs in JOBS/ measured
    python benchmarks/grade.py sheets JOBS/ ... OUT/       # each one's held-out photos and renders
    python benchmarks/grade.py check                       # the limits against the person's words

`rows` prints one line for each run (its folder's name begins with the set's, up to a dash), for
docs/measurements/data/grade.csv; the person's word is for a person to fill in, from the sheets and
before looking at the figures. `check` prints how often the limits of `recon.pipeline.quality` agree
with that column, and how often limits would that were fitted without the set of each scene.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path

from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from recon.pipeline import quality
from recon.pipeline.after_training.evidence import gather_evidence
from recon.pipeline.outcome import PreparedPhotos, read_pair_graph
from recon.pipeline.quality import LIMITS, WORDS, Evidence, Limits
from recon.pipeline.results import Results
from recon.pipeline.workspace import Workspace

DATA = Path(__file__).resolve().parents[1] / "docs" / "measurements" / "data" / "grade.csv"
COLUMNS = ("scene", "photos", "placed", "held out", "raw", "corrected", "SSIM", "confirmed")
FITTED = ("confirmed", "psnr", "ssim")
PICTURE = (300, 230)  # px, on a sheet

Row = Mapping[str, str]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("what", choices=["rows", "sheets", "check"])
    parser.add_argument("folders", type=Path, nargs="*")
    options = parser.parse_args()
    if options.what == "check":
        check(read(DATA))
    elif options.what == "rows":
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(row_of(run) for run in runs_in(options.folders))
    else:
        *folders, out = options.folders
        out.mkdir(parents=True, exist_ok=True)
        for run in runs_in(folders):
            write_sheet(run, out / f"{run.root.name}.png")


def runs_in(folders: Iterable[Path]) -> Iterator[Workspace]:
    """The runs that came as far as EVALUATION."""
    for folder in folders:
        for root in sorted(folder.iterdir()):
            if Workspace(root).results_json.is_file():
                yield Workspace(root)


def row_of(run: Workspace) -> list[str]:
    """`COLUMNS` of one run."""
    results = Results.read(run)
    evidence = gather_evidence(run, results)
    placed = sum(photo.registered for photo in read_pair_graph(run).photos)
    figures = (results.means["psnr"], evidence.psnr, evidence.ssim, evidence.confirmed)
    digits = ("{:.1f}", "{:.1f}", "{:.2f}", "{:.2f}")
    told = ["" if v is None else d.format(v) for v, d in zip(figures, digits, strict=True)]
    given = len(PreparedPhotos.read(run).photos)
    return [run.root.name, str(given), str(placed), str(evidence.held_out or 0), *told]


def write_sheet(run: Workspace, path: Path, most: int = 2) -> None:
    """The first held-out photos, each beside what the scene shows from there."""
    (folder,) = (run.output / "test").glob("ours_*")
    photos = sorted((folder / "gt").iterdir())[:most]
    pictures = [each for gt in photos for each in (gt, folder / "renders" / gt.name)]
    sheet = Image.new("RGB", ((PICTURE[0] + 10) * len(pictures), PICTURE[1] + 10), "white")
    for number, file in enumerate(pictures):
        with Image.open(file) as opened:
            picture = opened.convert("RGB")
        picture.thumbnail(PICTURE)
        sheet.paste(picture, ((PICTURE[0] + 10) * number, 5))
    sheet.save(path)


def read(path: Path) -> list[Row]:
    """The rows that have a person's word."""
    with path.open(newline="", encoding="utf-8") as file:
        return [row for row in csv.DictReader(file) if row["person"]]


def check(rows: Sequence[Row]) -> None:
    print(f"{len(rows)} scenes of {len({set_of(row) for row in rows})} sets")
    tell("as it is", rows, [word_by(LIMITS, row) for row in rows])
    sets = {set_of(row): fit([r for r in rows if set_of(r) != set_of(row)]) for row in rows}
    tell("fitted without each scene's set", rows, [word_by(sets[set_of(r)], r) for r in rows])
    print("fitted on all:", fit(rows))
    for row in rows:
        word = word_by(LIMITS, row)
        if word != row["person"]:
            print(f"  {row['scene']}: {word}, a person says {row['person']}")


def tell(how: str, rows: Sequence[Row], words: Sequence[str]) -> None:
    """How often the words are the person's, and how often the next better or worse."""
    apart = [distance(word, row["person"]) for word, row in zip(words, rows, strict=True)]
    exact, near = apart.count(0), sum(d <= 1 for d in apart)
    print(f"{how}: {exact} of {len(rows)} the same word, {near} within one")


def set_of(row: Row) -> str:
    return row["scene"].partition("-")[0]


def evidence_of(row: Row) -> Evidence:
    def value(name: str) -> float | None:
        return float(row[name]) if row[name] else None

    return Evidence(
        psnr=value("corrected"),
        ssim=value("SSIM"),
        confirmed=value("confirmed"),
        registered=int(row["placed"]),
        total=int(row["photos"]),
    )


def word_by(limits: Mapping[str, Limits], row: Row) -> str:
    """The word with other limits than those of `quality`."""
    evidence = evidence_of(row)
    if quality.is_fog(evidence):
        return quality.NOT_A_SCENE
    known = {name: evidence.value(name) for name in limits}
    words = [limits[name].word(value) for name, value in known.items() if value is not None]
    return max(words, key=WORDS.index)


def distance(one: str, other: str) -> int:
    return abs(WORDS.index(one) - WORDS.index(other))


def fit(rows: Sequence[Row], rounds: int = 3) -> dict[str, Limits]:
    """The limits that are nearest to the person's words on `rows`: one limit is moved at a time, to
    half way between two scenes' values, from limits that allow everything. So nothing is known of
    other rows; but the limits on photos placed and `FOG` are those of the product."""
    limits = {**LIMITS, **dict.fromkeys(FITTED, Limits(0.0, 0.0, 0.0))}
    for _ in range(rounds):
        for name in FITTED:
            for word in ("usable", "good", "excellent"):
                limits[name] = moved(limits, name, word, rows)
    return limits


def moved(limits: Mapping[str, Limits], name: str, word: str, rows: Sequence[Row]) -> Limits:
    """`limits[name]` with the best place for one of its limits; of equals the middle one."""
    values = sorted({v for row in rows if (v := evidence_of(row).value(name)) is not None})
    middles = [(a + b) / 2 for a, b in pairwise(values)]

    def cost(one: Limits) -> int:
        tried = {**limits, name: one}
        return sum(distance(word_by(tried, row), row["person"]) for row in rows)

    now = limits[name]
    choices = [placed_at(now, word, middle) for middle in (0.0, *middles)]
    costs = [cost(one) for one in choices]
    best = [one for one, its in zip(choices, costs, strict=True) if its == min(costs)]
    return best[len(best) // 2] if min(costs) < cost(now) else now


def placed_at(limits: Limits, word: str, value: float) -> Limits:
    """With another limit for `word`; those for better words are no lower, for worse no higher."""
    order = ("usable", "good", "excellent")
    at = order.index(word)
    moved_too = {
        name: (min if order.index(name) < at else max)(getattr(limits, name), value)
        for name in order
        if name != word
    }
    return Limits(**{**moved_too, word: value})


if __name__ == "__main__":
    main()
