"""The tables of docs/measurements, and of pages for whoever runs a site, from the data.

    .venv/bin/python scripts/measurement_pages.py           # writes the tables anew
    .venv/bin/python scripts/measurement_pages.py --check   # says which pages are out of date

docs/measurements/data/NAME.csv has one row of a table per line, oldest run first; before the
table's own columns come when it was measured, on what, by which command, and anything else worth
knowing. A page holds prose, and between two comments the tables made from a file: the newest run
(or as many as `runs` says) and, if `trend` names a column, the trend from run to run.

    <!-- measured: NAME.csv; runs: 2; by: set, preset; trend: PSNR -->
    <!-- end -->
"""

from __future__ import annotations

import argparse
import csv
import os
import re
import sys
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from pathlib import Path

PAGES = Path(__file__).resolve().parents[1] / "docs" / "measurements"
DATA = PAGES / "data"
ABOUT = ("date", "machine", "command", "note")  # the columns that say what a run was
BLOCK = re.compile(r"(<!-- measured: (?P<wish>[^>]+) -->\n).*?(<!-- end -->)", re.DOTALL)
NUMBER = re.compile(r"-?\d[\d,]*(?:\.\d+)?|-?\.\d+")
BARS = "▁▂▃▄▅▆▇█"


@dataclass(frozen=True)
class Run:
    """What one command measured on one machine."""

    date: str  # ISO 8601
    machine: str
    command: str
    note: str
    rows: tuple[dict[str, str], ...]  # cells by column

    @property
    def columns(self) -> list[str]:
        """The columns in which this run has something."""
        return [name for name in self.rows[0] if any(row[name] for row in self.rows)]


@dataclass(frozen=True)
class Wish:
    """What a page's comment asks for."""

    file: str
    by: tuple[str, ...]  # the columns that say which rows of two runs measure the same thing
    trend: str  # a column; "" for none
    shown: int  # how many runs, the newest last


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--check", action="store_true", help="write nothing; fail if one differs")
    check = parser.parse_args().check
    different = [path for path in pages() if rendered(path) != path.read_text()]
    for path in different:
        if not check:
            path.write_text(rendered(path))
        print(f"{path.name} {'is out of date' if check else 'written'}")  # noqa: T201
    sys.exit(1 if check and different else 0)


def save(
    name: str, machine: str, command: str, head: Sequence[str], rows: Sequence[Sequence[object]]
) -> None:
    """Adds a run of today to a file with the same columns, or makes it; then writes the pages.

    Raises ValueError if the file has other columns.
    """
    path = DATA / name
    columns = [*ABOUT, *head]
    runs = runs_of(name) if path.exists() else []
    if runs:
        with path.open(newline="", encoding="utf-8") as file:
            found = next(csv.reader(file))
        if found != columns:
            raise ValueError(f"{name} has the columns {found}, not {columns}")
    with path.open("a", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        if not path.stat().st_size:
            writer.writerow(columns)
        today = date.today().isoformat()
        same = sum(
            (run.date, run.machine, run.command) == (today, machine, command) for run in runs
        )
        about = [today, machine, command, f"Once more ({same})." if same else ""]
        writer.writerows([*about, *row] for row in rows)
    for page in pages():
        page.write_text(rendered(page))


def pages() -> list[Path]:
    return sorted([*PAGES.glob("*.md"), *PAGES.parent.glob("operate/*.md")])


def rendered(path: Path) -> str:
    """The page with its tables made from the data."""
    return BLOCK.sub(
        lambda found: found[1] + block(wish_of(found["wish"]), path.parent) + found[3],
        path.read_text(),
    )


def wish_of(text: str) -> Wish:
    file, *options = [part.strip() for part in text.split(";")]
    said = dict(option.split(": ", 1) for option in options)
    by = tuple(name.strip() for name in said.get("by", "").split(",") if name.strip())
    return Wish(file, by, said.get("trend", ""), int(said.get("runs", "1")))


def runs_of(name: str) -> list[Run]:
    """The runs of a file, in its order: the oldest first."""
    with (DATA / name).open(newline="", encoding="utf-8") as file:
        lines = list(csv.DictReader(file))
    grouped = groupby(lines, key=lambda line: tuple(line[name] for name in ABOUT))
    return [
        Run(*about, rows=tuple({k: v for k, v in line.items() if k not in ABOUT} for line in rows))
        for about, rows in grouped
    ]


def block(wish: Wish, folder: Path = PAGES) -> str:
    """Markdown of the newest run and of the trend, for a page in `folder`."""
    runs = runs_of(wish.file)
    parts = []
    for run in runs[-wish.shown :]:
        parts += [caption(run), table(run.columns, cells(run))]
    hidden = len(runs) - wish.shown
    earlier = f", with {hidden} earlier run{'s' * (hidden > 1)}" if hidden > 0 else ""
    data = os.path.relpath(PAGES / "data" / wish.file, folder)
    parts.append(f"([The data]({data}){earlier})")
    if wish.trend and len(runs) > 1:
        parts += ["From run to run, the oldest first:", trend(wish, runs)]
    return "\n\n".join(parts) + "\n\n"


def caption(run: Run) -> str:
    """When, on what, by what, and anything else worth knowing."""
    command = f"`{run.command}`." if run.command else ""
    text = " ".join(filter(None, [f"{run.date}, {run.machine}.", command, run.note]))
    return textwrap.fill(text, 118, break_long_words=False, break_on_hyphens=False)


def cells(run: Run) -> list[list[str]]:
    return [[row[name] for name in run.columns] for row in run.rows]


def trend(wish: Wish, runs: Sequence[Run]) -> str:
    """A line for each thing that both the newest run and an earlier one measured."""
    lines = []
    for row in runs[-1].rows:
        key = [row[name] for name in wish.by]
        values = list(values_of(wish, runs, key))
        if len(values) > 1:
            steps = " → ".join(f"{value} ({day})" for day, value in values)
            lines.append([*key, sparkline([number(value) for _, value in values]), steps])
    return table([*wish.by, "", wish.trend], lines)


def values_of(wish: Wish, runs: Sequence[Run], key: Sequence[str]) -> Iterator[tuple[str, str]]:
    """(date, value) of one thing in every run that measured it."""
    for run in runs:
        for row in run.rows:
            if [row[name] for name in wish.by] == key and NUMBER.search(row[wish.trend]):
                yield run.date, row[wish.trend].partition(" (")[0]  # without its spread


def number(text: str) -> float:
    """The first number of a cell. Raises ValueError if there is none."""
    found = NUMBER.search(text)
    if not found:
        raise ValueError(f"no number in {text!r}")
    return float(found[0].replace(",", ""))


def sparkline(values: Sequence[float]) -> str:
    """The values as bars between the least and the greatest."""
    least, most = min(values), max(values)
    reach = most - least or 1.0
    return "".join(BARS[round((value - least) / reach * (len(BARS) - 1))] for value in values)


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines).replace("|  |", "| |")


if __name__ == "__main__":
    main()
