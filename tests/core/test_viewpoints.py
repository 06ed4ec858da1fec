"""Bursts and crops stay on one side of the split, in the job's own split and in every fold."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from recon.pipeline.presets import PRESETS
from recon.pipeline.progress import ListReporter
from recon.pipeline.same_spot import read_same_spot
from recon.pipeline.stages import features, mapping, matching, preflight, undistort
from recon.pipeline.workspace import Workspace
from recon.poses.models import viewpoints
from recon.poses.splits import folds, split
from tests.core.walls import write_bursts

DRAFT = replace(
    PRESETS["quick"],
    mapping=replace(PRESETS["quick"].mapping, last_rung="relaxed"),
    features=replace(PRESETS["quick"].features, max_num_features=2000),
)
STAGES = (preflight, features, matching, mapping, undistort)


def run(workspace: Workspace) -> ListReporter:
    report = ListReporter()
    for stage in STAGES:
        stage.run(workspace, DRAFT, report)
    return report


@pytest.fixture(scope="module")
def bursts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two photos each from four places: 0 and 1, 2 and 3, ..."""
    folder = tmp_path_factory.mktemp("bursts")
    write_bursts(folder, seed=1, spots=4, size=(400, 300))
    return folder


def wall(*numbers: int) -> list[str]:
    return [f"wall1_{number}.jpg" for number in numbers]


@pytest.mark.slow
def test_a_burst_is_held_out_as_a_whole(workspace: Workspace, bursts: Path) -> None:
    shutil.copytree(bursts, workspace.upload, dirs_exist_ok=True)
    report = run(workspace)
    together = [wall(0, 1), wall(2, 3), wall(4, 5), wall(6, 7)]
    assert read_same_spot(workspace) == together
    assert workspace.test_txt.read_text().split() == wall(2, 3)  # index 1 of four places
    assert workspace.train_txt.read_text().split() == wall(0, 1, 4, 5, 6, 7)
    [(code, facts)] = report.named("warn")
    assert (code, facts["count"]) == ("near_copies", 8)
    assert facts["photo_groups"] == together


@pytest.mark.slow
def test_a_crop_stands_where_its_photo_does_and_others_do_not(
    workspace: Workspace, bursts: Path
) -> None:
    for name in wall(0, 2, 4, 6):
        shutil.copy(bursts / name, workspace.upload)
    with Image.open(bursts / wall(4)[0]) as photo:
        photo.crop((0, 0, 360, 276)).save(workspace.upload / "cropped.jpg", quality=90)
    report = run(workspace)
    assert read_same_spot(workspace) == [["cropped.jpg", *wall(4)]]
    assert workspace.test_txt.read_text().split() == wall(0)
    assert [code for code, _ in report.named("warn")] == ["near_copies"]


# Spots.


def apart(**distances: float) -> dict[frozenset[str], float]:
    return {frozenset(pair): distance for pair, distance in distances.items()}


def test_a_burst_may_drift_but_a_slow_walk_is_no_spot() -> None:
    drifting = apart(ab=0.012, bc=0.012, ac=0.024, ad=0.4, bd=0.4, cd=0.4)
    assert viewpoints.group_by_spot("abcd", drifting) == [["a", "b", "c"]]
    steps = {
        frozenset((a, b)): abs(i - j) * 0.014
        for i, a in enumerate("abcdef")
        for j, b in enumerate("abcdef")
        if i < j
    }
    assert viewpoints.group_by_spot("abcdef", steps) == [["a", "b", "c"], ["d", "e", "f"]]
    assert viewpoints.group_by_spot("ab", apart(ab=0.02)) == []
    assert viewpoints.group_by_spot("ab", apart(ab=float("inf"))) == []


# Splits.


def test_a_set_without_such_photos_is_split_as_ever() -> None:
    names = [f"{number:02}.jpg" for number in range(12)]
    rule = {"every": 5, "offset": 2, "offset_few": 1}
    assert split(names, **rule)[1] == ["02.jpg", "07.jpg"]
    assert split(names, **rule, together=[]) == split(names, **rule)


def test_photos_from_one_spot_count_as_one_and_go_together() -> None:
    names = "abcdefghijkl"
    train, test = split(names, every=5, offset=2, offset_few=1, together=["bk", "cd"])
    # a, bk, cd, e, f, g, h, i, j, l
    assert test == ["c", "d", "i"]
    assert train == sorted(set(names) - set(test))
    assert folds(names, every=5, together=["bk", "cd"]) == [
        ["a", "g"], ["b", "h", "k"], ["c", "d", "i"], ["e", "j"], ["f", "l"]
    ]  # fmt: skip


@pytest.mark.parametrize("together", [["ab"], ["abc"], ["ab", "cd"], ["abcde", "fg"], ["aj"]])
def test_no_fold_parts_what_belongs_together(together: list[str]) -> None:
    names = "abcdefghij"
    found = folds(names, every=5, together=together)
    assert sorted("".join("".join(fold) for fold in found)) == list(names)
    for group in together:
        assert any(set(group) <= set(fold) for fold in found)
    _, test = split(names, every=5, offset=2, offset_few=1, together=together)
    assert test in found


def test_where_all_are_from_one_spot_they_are_split_as_ever() -> None:
    assert split("abc", every=5, offset=2, offset_few=1, together=["abc"])[1] == ["b"]
    assert folds("abc", every=5, together=["abc"]) == [["a"], ["b"], ["c"]]


def test_most_of_the_photos_are_never_held_out() -> None:
    train, test = split("abcdef", every=5, offset=2, offset_few=1, together=["bcde"])
    assert (train, test) == (["b", "c", "d", "e", "f"], ["a"])
