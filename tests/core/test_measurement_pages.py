"""The tables in docs/measurements match their data."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from scripts import measurement_pages
from scripts.measurement_pages import BLOCK, DATA, PAGES, Wish, block, rendered, runs_of

PAGE = "<!-- measured: paint.csv; by: page; trend: paint ms -->\n<!-- end -->\n"
HEAD = ["page", "paint ms"]


@pytest.mark.parametrize("page", measurement_pages.pages(), ids=lambda page: page.stem)
def test_every_page_is_up_to_date(page: Path) -> None:
    assert rendered(page) == page.read_text(), "run scripts/measurement_pages.py"


def test_every_file_of_data_is_on_a_page_once() -> None:
    texts = [page.read_text() for page in measurement_pages.pages()]
    used = [found["wish"].split(";")[0] for text in texts for found in BLOCK.finditer(text)]
    assert sorted(used) == sorted(path.name for path in DATA.iterdir())


@pytest.mark.parametrize("path", sorted(DATA.iterdir()), ids=lambda path: path.stem)
def test_data_say_when_and_on_what_and_go_forward_in_time(path: Path) -> None:
    runs = runs_of(path.name)
    assert all(run.machine for run in runs)
    assert [run.date for run in runs] == sorted(run.date for run in runs)
    assert all(len(run.date) == len("2026-11-30") for run in runs)
    with path.open(newline="", encoding="utf-8") as file:
        assert {len(line) for line in csv.reader(file)} == {len(next(csv.reader(path.open())))}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "data").mkdir()
    (tmp_path / "pages.md").write_text(PAGE)
    monkeypatch.setattr(measurement_pages, "PAGES", tmp_path)
    monkeypatch.setattr(measurement_pages, "DATA", tmp_path / "data")
    return tmp_path


def test_a_saved_run_is_shown_with_how_it_went_before(folder: Path) -> None:
    for value in ("120 (100 to 130)", "1,240", "60"):
        measurement_pages.save("paint.csv", "2 cores", "paint.py", HEAD, [["home", value]])
    page = (folder / "pages.md").read_text()
    assert "| home | 60 |" in page
    assert "| home | ▁█▁ | 120 (" in page
    assert "with 2 earlier runs" in page
    assert [run.rows[0]["paint ms"] for run in runs_of("paint.csv")][-1] == "60"


def test_a_run_with_other_columns_is_refused(folder: Path) -> None:
    measurement_pages.save("paint.csv", "2 cores", "paint.py", HEAD, [["home", 60]])
    with pytest.raises(ValueError, match="has the columns"):
        measurement_pages.save("paint.csv", "2 cores", "paint.py", ["page"], [["home"]])


def test_columns_that_a_run_leaves_empty_are_not_shown(folder: Path) -> None:
    measurement_pages.save("paint.csv", "2 cores", "paint.py", HEAD, [["home", ""]])
    assert "paint ms" not in block(Wish("paint.csv", ("page",), "", 1))


def test_a_page_in_another_folder_says_where_the_data_are(folder: Path) -> None:
    measurement_pages.save("paint.csv", "2 cores", "paint.py", HEAD, [["home", 60]])
    shown = block(Wish("paint.csv", ("page",), "", 1), folder.parent / "operate")
    assert f"(../{folder.name}/data/paint.csv)" in shown


def test_pages_are_where_their_data_are() -> None:
    assert DATA.parent == PAGES
