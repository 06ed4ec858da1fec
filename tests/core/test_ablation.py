"""The benchmark of each part of the training recipe, on the tiny scene."""

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks import ablation
from recon.pipeline.presets import PRESETS
from recon.pipeline.workspace import Workspace
from recon.splats import engine
from tests.core.tiny_scene import NAMES, TEST, TRAIN, write_tiny_workspace

pytestmark = pytest.mark.slow

DECIDED = 4  # steps
SCORED = [TRAIN[2]]
RUN = ["--preset", "quick", "--steps", DECIDED, "--max-image-size", 30, "--seeds", 1, 2]


@pytest.fixture
def job(tmp_path: Path) -> Workspace:
    return write_tiny_workspace(tmp_path / "tiny")


def measured(job: Workspace, out: Path, *more: object) -> dict[str, Any]:
    ablation.main(list(map(str, [job.root, *RUN, "--out", out, *more])))
    results: dict[str, Any] = json.loads((out / "ablation.json").read_text())
    return results


def rows(text: str) -> dict[str, dict[str, str]]:
    """Variant -> column -> cell."""
    head, *lines = [
        [cell.strip() for cell in line.split("|")[1:-1]]
        for line in text.splitlines()
        if line.startswith("|") and not line.startswith("|-")
    ]
    return {line[0]: dict(zip(head, line, strict=True)) for line in lines}


def test_variants_stand_beside_the_recipe(
    job: Workspace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in TEST:
        (job.images / name).unlink()  # nobody may look at the job's own held-out photos
    results = measured(job, tmp_path / "out", "--variants", "dropout", "STEPS")
    text = (tmp_path / "out" / "ablation.md").read_text()
    assert text in capsys.readouterr().out
    assert results["sets"]["tiny"]["scored"] == SCORED
    assert results["sets"]["tiny"]["train"] == [n for n in NAMES if n not in (*TEST, *SCORED)]
    table = rows(text)
    assert list(table) == ["the recipe", "dropout .2", "half the steps", "twice the steps"]
    assert {row["seeds"] for row in table.values()} == {"2"}
    assert table["the recipe"]["gain dB"] == ""
    assert all(" to " in row["gain dB"] for name, row in table.items() if name != "the recipe")
    steps = {run["variant"]: run["iterations"] for run in results["runs"]}
    assert (steps["half the steps"], steps["twice the steps"]) == (DECIDED / 2, DECIDED * 2)
    assert results["notes"] == ["tiny: no dropout is what the recipe has"]  # quick has none
    assert all(run["figures"]["raw"]["psnr"] > 5 for run in results["runs"])


def test_a_limit_ends_it_with_what_it_has(
    job: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train, started = engine.train, []

    def running_out(*given: Any, **named: Any) -> engine.TrainedScene:
        started.append(named["seed"])
        if len(started) > 2:  # the warm-up, and the first of the recipe
            monkeypatch.setattr(ablation.time, "monotonic", lambda: float("inf"))
        return train(*given, **named)

    monkeypatch.setattr(engine, "train", running_out)
    results = measured(job, tmp_path / "out", "--limit", 3600)
    assert [(run["variant"], run["seed"]) for run in results["runs"]] == [("the recipe", 1)]
    assert results["notes"] == ["Ended after 3600 s, as asked; runs are missing."]
    assert list(rows((tmp_path / "out" / "ablation.md").read_text())) == ["the recipe"]


def test_a_limit_that_is_over_at_once_is_no_error(job: Workspace, tmp_path: Path) -> None:
    assert measured(job, tmp_path / "out", "--limit", 0)["runs"] == []


@pytest.mark.parametrize("preset", list(PRESETS))
def test_each_variant_is_a_recipe_of_its_own(job: Workspace, preset: str) -> None:
    photos, base = ablation.read_scene(job.root).train, PRESETS[preset]
    recipes = [ablation.recipe(base, variant, photos) for variant in ablation.VARIANTS]
    assert len(set(recipes) - {engine.fit_to_photos(base.train, photos)}) >= len(recipes) - 8
    if preset == "standard":
        assert len(set(recipes) - {engine.fit_to_photos(base.train, photos)}) == len(recipes)


def run(variant: str, psnr: float, seed: int) -> dict[str, Any]:
    raw = {"psnr": psnr, "ssim": psnr / 40, "lpips": None}
    figures = {"raw": raw, "corrected": {**raw, "psnr": psnr + 1}}
    return {
        "variant": variant, "seed": seed, "seconds": 8.0, "gaussians": 150_000, "figures": figures,
    }  # fmt: skip


def test_a_gain_is_over_the_recipe_with_the_same_seed() -> None:
    table = rows(
        ablation.comparison(
            [
                run("the recipe", 26.0, 1),
                run("the recipe", 28.0, 2),
                run("SH 2", 26.5, 1),
                run("SH 2", 28.1, 2),
                run("SH 0", 27.0, 2),  # the time limit came before its other seed
            ]
        )
    )
    assert table["the recipe"]["PSNR"] == "27.00 (26.00–28.00)"
    assert table["the recipe"]["PSNR corrected"] == "28.00 (27.00–29.00)"
    assert table["SH 2"]["gain dB"] == "+0.30 (+0.10 to +0.50)"
    assert table["SH 2"]["gain SSIM"] == "+0.0075 (+0.0025 to +0.0125)"
    assert (table["SH 0"]["seeds"], table["SH 0"]["gain dB"]) == ("1", "-1.00")
    assert (table["SH 0"]["seconds"], table["SH 0"]["Gaussians"]) == ("8.0", "150,000")


def test_variants_are_picked_by_part_of_their_name() -> None:
    assert [v.name for v in ablation.chosen(["exposure", "sh"])] == [
        "SH 0",
        "SH 2",
        "no exposure",
        "no exposure at the start",
    ]
    assert ablation.chosen([""]) == list(ablation.VARIANTS)
    with pytest.raises(SystemExit):
        ablation.parse(["job", "--preset", "quick", "--variants", "no such"])


def test_too_few_photos_for_another_split_are_said(job: Workspace) -> None:
    job.train_txt.write_text("".join(f"{name}\n" for name in TRAIN[:2]))
    with pytest.raises(SystemExit, match="too few photos"):
        ablation.read_scene(job.root)
