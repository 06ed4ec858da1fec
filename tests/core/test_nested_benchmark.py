"""The benchmark of nested subsets: which photos, which figures, and when it says worse."""

import json
from pathlib import Path

import pytest

from benchmarks import nested
from tests.core.tiny_scene import NAMES, write_tiny_workspace


@pytest.mark.parametrize("count", [2, 5, 8, 11, 20])
def test_each_beginning_lies_evenly_among_all(count: int) -> None:
    order = nested.spread_evenly(count)
    assert sorted(order) == list(range(count))
    for size in range(2, count + 1):
        chosen = sorted(order[:size])
        gaps = [b - a for a, b in zip(chosen, [*chosen[1:], chosen[0] + count], strict=True)]
        assert max(gaps) <= 2.5 * count / size + 1


@pytest.mark.slow
def test_subsets_share_their_held_out_photos_and_are_scored_on_these(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    job = write_tiny_workspace(tmp_path / "tiny").root
    sizes = ["--sizes", "4", "20"]
    with pytest.raises(SystemExit) as ended:
        nested.main(
            ["--sets", str(job), *sizes, "--preset", "quick", "--steps", "4",
             "--seeds", "1", "2", "--out", str(tmp_path / "out")]
        )  # fmt: skip
    results = json.loads((tmp_path / "out" / "nested.json").read_text())
    rows = results["rows"]
    assert [(row["photos"], row["seed"]) for row in rows] == [
        (size, seed) for size in (4, 6) for seed in (1, 2)
    ]
    [shared] = {tuple(row["shared"]) for row in rows}
    assert len(shared) == 1
    assert shared[0] in NAMES
    assert all(row["figures"]["raw"]["psnr"] > 5 for row in rows)
    assert ended.value.code == (1 if nested.worse(rows) else 0)
    assert "| tiny | 6 | 6 |" in capsys.readouterr().out


def row(size: int, psnr: float | None, seed: int = 1) -> nested.Row:
    figures = psnr and {"raw": {"psnr": psnr, "ssim": 0.5}, "corrected": {"psnr": psnr}}
    return {"set": "a", "photos": size, "placed": size, "seed": seed, "left_out": [],
            "figures": figures}  # fmt: skip


@pytest.mark.parametrize(
    ("rows", "found"),
    [
        ([row(5, 20.0), row(8, 19.85), row(12, 25.0)], []),
        ([row(5, 20.0), row(8, 19.7), row(12, 19.6)], [("a", 8)]),
        ([row(5, 20.0), row(5, 19.0, seed=2), row(8, 19.4)], []),  # the mean over seeds
        ([row(5, 20.0), row(8, None), row(12, 19.0)], [("a", 12)]),  # nothing found a place
    ],
)
def test_worse_is_what_loses_more_than_noise(
    rows: list[nested.Row], found: list[tuple[str, int]]
) -> None:
    assert nested.worse(rows) == found
    assert (
        "none."
        in nested.markdown({"date": "", "machine": "", "command": "", "notes": [], "rows": rows})
    ) == (not found)
