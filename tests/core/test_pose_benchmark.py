"""The pose benchmark: what it chooses, computes and prints, and one short run of it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks import poses
from benchmarks.parts import pose_sets, pose_tables
from tests.core.walls import write_wall
from tests.photos import PROJECT


def rows(text: str) -> list[dict[str, str]]:
    """A table's rows, each by column; of the two columns "worst" the later one counts."""
    lines = [
        [cell.strip() for cell in line.split("|")[1:-1]]
        for line in text.splitlines()
        if line.startswith("|") and not line.startswith("|-")
    ]
    return [dict(zip(lines[0], line, strict=True)) for line in lines[1:]]


def run(**more: Any) -> dict[str, Any]:
    """A result of `pose_runs` for a set of eight photos."""
    return {
        "set": "cake", "photos": 8, "registered": 8, "error": None, "load": 0.5, "warnings": [],
        "seconds": {"PREFLIGHT": 1.0, "COLMAP_FEAT": 3.0, "COLMAP_MATCH": 6.0, "COLMAP_MAP": 40.0},
        "all_seconds": 50.0, "rung": "learned", "groups": [], "placed": [],
        "model": {"points_per_photo": 123.4},
        "default": {"registered": 0, "seconds": 1.5},
        "rungs": [
            {"name": "incremental", "outcome": "tried", "seconds": 2.0, "registered": 0},
            {"name": "global", "outcome": "skipped", "seconds": 0.0, "registered": 0},
            {"name": "learned", "outcome": "won", "seconds": 37.0, "registered": 8},
        ],
        **more,
    }  # fmt: skip


def test_a_set_is_a_row_with_the_seconds_of_every_rung() -> None:
    [row] = rows(pose_tables.sets([run()]))
    assert (row["default COLMAP"], row["whole ladder"], row["rung"]) == ("0/8", "8/8", "learned")
    assert (row["incremental s"], row["global s"], row["learned s"]) == ("2.0", "–", "37.0")
    assert row["all s"] == "50.0"
    assert row["outside the first rung %"] == "76.0"  # 38 of 50 s


def test_a_set_without_a_model_says_why() -> None:
    failed = run(registered=0, error="no_features", rung=None, rungs=[], model=None)
    [row] = rows(pose_tables.sets([failed]))
    assert (row["whole ladder"], row["outside the first rung %"]) == ("no_features", "")


def test_subsets_are_counted_by_set_and_size() -> None:
    whole = run(photos=3, registered=3, default={"registered": 3, "seconds": 1.0})
    rescued = run(photos=3, registered=3, default={"registered": 0, "seconds": 1.0})
    partly = run(photos=3, registered=2, default={"registered": 2, "seconds": 1.0})
    lost = run(photos=3, registered=0, error="x", default={"registered": 0, "seconds": 1.0})
    three, eight = rows(pose_tables.subsets([whole, rescued, partly, lost, run()]))
    assert (three["subsets"], three["default: all placed"]) == ("4", "25%")
    assert (three["ladder: all placed"], three["ladder: photos placed"]) == ("50%", "67%")
    assert three["no model"] == "1"
    assert (eight["photos"], eight["ladder: all placed"]) == ("8", "100%")


@pytest.mark.parametrize(
    ("more", "within"),
    [
        ({}, "yes"),
        ({"rotation": 0.21}, "NO"),
        ({"position": 0.0051}, "NO"),
        ({"registered": 7}, "NO"),
    ],
)
def test_accuracy_is_held_against_its_targets(more: dict[str, Any], within: str) -> None:
    good = {"models": ["RADIAL"], "rotation": 0.1, "rotation_max": 3.0, "position": 0.004}
    text = pose_tables.accuracy([run(**{**good, "position_max": 0.9, **more})])
    [row] = rows(text)
    assert row["within target"] == within
    assert f"{pose_tables.MAX_ROTATION}° and 0.5%" in text


def test_the_spread_is_what_runs_have_in_common_and_what_each_has() -> None:
    runs = [run(cpu_seconds=9.0, model={"points": points}) for points in (900, 901)]
    [row] = rows(pose_tables.spread([run(runs=runs, rotation=0.79, position=0.036)]))
    assert (row["runs"], row["photos"], row["points"]) == ("2", "8/8", "900, 901")
    assert (row["rotation °"], row["position %"]) == ("0.7900", "3.6000")
    [failed] = rows(pose_tables.spread([run(runs=runs, rotation=None, position=None)]))
    assert failed["rotation °"] == ""


def test_a_mixture_says_whose_photos_were_placed() -> None:
    fern, cake = [[f"{name}--{index}.jpg" for index in range(6)] for name in ("fern", "cake")]
    glued = run(placed=[*fern, cake[0]], groups=[fern, cake, ["lund--1.jpg"]])
    [row] = rows(pose_tables.mixtures([glued]))
    assert row["placed"] == "fern ×6, cake ×1"
    assert row["groups by shared matches"] == "fern ×6; cake ×6"


def test_subsets_are_random_but_the_same_every_time() -> None:
    photos = [Path(f"{index:02d}.jpg") for index in range(20)]
    chosen = list(pose_sets.subsets(photos, 5, 20, seed=1))
    assert chosen == list(pose_sets.subsets(photos, 5, 20, seed=1))
    assert chosen != list(pose_sets.subsets(photos, 5, 20, seed=2))
    assert all(len(set(subset)) == 5 and subset == sorted(subset) for subset in chosen)
    assert len({tuple(subset) for subset in chosen}) > 15


def test_copies_are_twenty_files_of_one_photo(tmp_path: Path) -> None:
    (tmp_path / "one.jpg").write_bytes(b"photo")
    copies = pose_sets.copies(tmp_path / "one.jpg", tmp_path / "copies")
    assert len(copies) == 20
    assert {path.read_bytes() for path in copies} == {b"photo"}


def test_quick_means_the_scenes_that_have_targets() -> None:
    options = poses.parse(["--quick"])
    assert (options.parts, options.scenes) == (("accuracy",), poses.SCENES)


@pytest.mark.slow
def test_a_short_run_of_the_benchmark(tmp_path: Path) -> None:
    write_wall(tmp_path / "wall", seed=1, count=4)
    command = [
        sys.executable, "benchmarks/poses.py", "--parts", "sets", "subsets", "spread",
        "--sizes", "3", "--subsets", "1", "--runs", "2",
        "--sets", tmp_path / "wall", "--out", tmp_path / "out",
    ]  # fmt: skip
    done = subprocess.run(
        list(map(str, command)), cwd=PROJECT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    results = json.loads((tmp_path / "out" / "poses.json").read_text())
    [whole], [subset] = results["sets"], results["subsets"]
    assert (whole["set"], whole["registered"], whole["default"]["registered"]) == ("wall", 4, 4)
    assert (subset["photos"], len(subset["names"])) == (3, 3)
    [spread] = results["spread"]
    assert len(spread["runs"]) == 2
    assert max(spread["rotation"], spread["position"]) < 1e-9
    assert set(whole["seconds"]) == {"PREFLIGHT", "COLMAP_FEAT", "COLMAP_MATCH", "COLMAP_MAP"}
    assert (tmp_path / "out" / "poses.md").read_text() in done.stdout
    assert not (tmp_path / "out" / "jobs" / "subsets" / "wall-3-0").exists()
