"""What one odd photo does to the check of all: it gets advice, and stops no other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from recon.pipeline.errors import Cancelled, PipelineError, TimeLimit
from recon.pipeline.photo_check import check
from recon.poses.photo_check import quick_pairs
from recon.poses.photo_check.findings import Finding
from tests.faults import fault
from tests.odd_files import texture


@pytest.fixture(scope="module")
def ordinary(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("ordinary")
    for index in range(3):
        texture(index).save(folder / f"{index}.jpg")
    return sorted(folder.iterdir())


@pytest.mark.parametrize("size", [(150, 24000), (3000, 110)])
def test_a_strip_beside_good_photos_gets_advice_and_the_others_their_check(
    size: tuple[int, int], ordinary: list[Path], tmp_path: Path
) -> None:
    strip = tmp_path / "strip.jpg"
    noise = np.random.default_rng(1).integers(0, 255, (size[1] // 5, size[0] // 5), dtype=np.uint8)
    Image.fromarray(noise).resize(size).save(strip)
    report = check.check([*ordinary, strip], tmp_path / "check")
    assert len(report.photos) == 4
    of_strip = [f for f in report.findings if f.photos == ("strip.jpg",)]
    assert {f.code for f in of_strip} <= {"strip", "stranger"}
    [said] = [f for f in of_strip if f.code == "strip"]
    assert said.facts == {"width": size[0], "height": size[1]}


def test_the_strip_that_stopped_the_check(ordinary: list[Path], tmp_path: Path) -> None:
    report = check.check([*ordinary, fault("strip/strip.jpg")], tmp_path / "check")
    assert ("strip", ["strip.jpg"]) in [(f.code, list(f.photos)) for f in report.findings]


@pytest.mark.parametrize("error", [IndexError(), MemoryError()])
def test_a_photo_that_nobody_can_look_at_stops_no_other(
    error: Exception, ordinary: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    look_at = check.look_at

    def look(path: Path) -> Any:
        if path.name == "1.jpg":
            raise error
        return look_at(path)

    monkeypatch.setattr(check, "look_at", look)
    report = check.check(ordinary, tmp_path / "check")
    assert [photo.name for photo in report.photos] == ["0.jpg", "2.jpg"]
    assert report.findings[0] == Finding("not_looked_at", ("1.jpg",))
    assert report.complete
    monkeypatch.undo()  # nothing of the stopped check is kept
    report = check.check(ordinary, tmp_path / "check")
    assert len(report.photos) == 3


def test_what_is_the_machine_s_fault_is_said_of_no_photo(
    ordinary: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(path: Path) -> Any:
        raise PipelineError("environment_broken", problem="decoding process")

    monkeypatch.setattr(check, "look_at", broken)
    with pytest.raises(PipelineError):
        check.check(ordinary, tmp_path / "check")
    assert not (tmp_path / "check" / "report.json").exists()


def test_a_pair_that_can_t_be_compared_stops_no_other(
    ordinary: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def compare(a: Any, b: Any) -> Any:
        asked.append(1)
        raise np.linalg.LinAlgError("Singular matrix")

    monkeypatch.setattr(quick_pairs, "compare", compare)
    report = check.check(ordinary, tmp_path / "check")
    assert len(asked) == 3
    assert (len(report.photos), report.pairs) == (3, ())


def test_a_photo_that_makes_no_sense_beside_the_others_is_left_out_of_the_check(
    ordinary: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    check_set = check.check_set

    def picky(photos: Any) -> Any:
        if "2.jpg" in photos.names:
            raise ZeroDivisionError
        return check_set(photos)

    monkeypatch.setattr(check, "check_set", picky)
    report = check.check(ordinary, tmp_path / "check")
    assert [photo.name for photo in report.photos] == ["0.jpg", "1.jpg"]
    assert ("not_looked_at", ["2.jpg"]) in [(f.code, list(f.photos)) for f in report.findings]

    def never(photos: Any) -> Any:
        raise ZeroDivisionError

    monkeypatch.setattr(check, "check_set", never)
    report = check.check(ordinary, tmp_path / "check")
    assert report.findings[0].photos == ("0.jpg", "1.jpg", "2.jpg")


def test_a_file_that_can_t_be_opened_stops_no_other(
    ordinary: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = Path.open

    def refuse(path: Path, *args: Any, **kwargs: Any) -> Any:
        if path.name == "0.jpg":
            raise PermissionError(13, "Permission denied")
        return opened(path, *args, **kwargs)

    monkeypatch.setattr(Path, "open", refuse)
    report = check.check(ordinary, tmp_path / "check")
    assert report.findings[0] == Finding("unreadable", ("0.jpg",))


@pytest.mark.parametrize("stop", [TimeLimit, Cancelled])
def test_the_check_itself_can_still_be_stopped(
    stop: type[BaseException], ordinary: list[Path], tmp_path: Path
) -> None:
    def cancel(fraction: float, code: str = "", /, **facts: Any) -> None:
        raise stop

    with pytest.raises(stop):
        check.check(ordinary, tmp_path / "check", progress=cancel)
