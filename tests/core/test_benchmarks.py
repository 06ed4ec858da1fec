"""The engine benchmark, on the tiny scene."""

import json
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from benchmarks import checkpoints, engine, engine_run
from benchmarks.engine_run import Clock
from benchmarks.parts import large, scoring, tables
from benchmarks.parts.graphdeco import Recipe
from benchmarks.parts.references import Cache
from recon.pipeline.config import PipelineConfig
from recon.pipeline.progress import Step
from recon.pipeline.workspace import Workspace
from recon.splats.config import TrainConfig
from recon.splats.evaluation import draw
from recon.splats.exposure import expose_crosswise
from recon.splats.metrics import psnr
from recon.splats.scene import load_view, read_model
from tests.core.tiny_scene import NAMES, TEST, TRAIN, tiny_gaussians, write_tiny_workspace
from tests.photos import PROJECT

pytestmark = pytest.mark.slow

CONFIG = PipelineConfig(
    train=TrainConfig(
        iterations=6, max_image_size=30, max_gaussians=250, sh_degree=0, refine_every=2
    )
)
CPU = torch.device("cpu")


@pytest.fixture
def job(tmp_path: Path) -> Workspace:
    return write_tiny_workspace(tmp_path / "tiny")


def options(*arguments: object) -> Any:
    return engine_run.parse([str(argument) for argument in arguments])


def from_poses(job: Workspace, tmp_path: Path, *more: object) -> dict[str, Any]:
    given = ("poses", job.root, tmp_path / "run", tmp_path / "r.json", "--preset", "quick")
    return engine_run.from_poses(options(*given, "--no-lpips", *more), CONFIG, CPU)


def test_scores_are_those_of_the_evaluation(job: Workspace) -> None:
    model = read_model(job.undistorted_sparse, job.train_txt, job.test_txt)
    gaussians = tiny_gaussians(seed=1)
    figures = scoring.score(gaussians, model.test, job.images, 30)
    (view,) = (load_view(photo, job.images, 30) for photo in model.test)
    image, truth = draw(gaussians, view.camera), view.colours
    assert figures["raw"]["psnr"] == psnr(image, truth)
    assert figures["corrected"]["psnr"] == psnr(expose_crosswise(image, truth), truth)
    assert figures["raw"]["psnr"] != figures["corrected"]["psnr"]
    assert figures["raw"]["lpips"] is None


def test_a_run_from_poses_measures_the_held_out_model(job: Workspace, tmp_path: Path) -> None:
    report = from_poses(job, tmp_path, "--finish")
    assert report["held_out"] == TEST
    assert report["training_size"] == [30, 20]
    assert report["iterations"] == 6
    assert report["figures"]["raw"]["psnr"] > 8
    assert report["compared"]["raw"] != report["figures"]["raw"]  # at 60 px, not 30
    assert set(report["seconds"]) == {"load", "dense_start", "train", "write", "evaluate"}
    assert all(seconds >= 0 for seconds in report["seconds"].values())
    assert report["snapshots"]["history"][-1][0] == 6
    assert report["peak_gb"]["rss"] > 0.1
    assert set(report["stage_seconds"]) == {"EVALUATION", "EXPORT_PLY"}
    results = json.loads((tmp_path / "run" / "output" / "results.json").read_text())
    assert results["unfiltered"]["PSNR"] == pytest.approx(report["figures"]["raw"]["psnr"])
    json.dumps(report)


def test_a_fold_holds_out_its_photo_alone(job: Workspace, tmp_path: Path) -> None:
    report = from_poses(job, tmp_path, "--held-out", NAMES[4])
    assert report["held_out"] == [NAMES[4]]
    borrowed = Workspace(tmp_path / "run")
    assert borrowed.train_txt.read_text().split() == [n for n in NAMES if n != NAMES[4]]
    assert job.test_txt.read_text().split() == TEST  # the job is as it was
    assert job.train_txt.read_text().split() == TRAIN


def test_the_clock_tells_the_parts_of_training(monkeypatch: pytest.MonkeyPatch) -> None:
    now = iter(range(100))
    monkeypatch.setattr(engine_run.time, "monotonic", lambda: next(now))
    clock = Clock()
    clock(0.5, "training_step", step=1, total=9)  # from some other stage
    clock.start(Step.GS_TRAIN)  # 0, 1
    clock(0.0, "photo_loaded", name="001.jpg")
    clock(0.0, "photo_loaded", name="002.jpg")
    loaded = next(now)
    clock.log("dense points found")
    clock.log("training begins")
    began = next(now)
    for step in (1, 2):
        clock(step / 2, "training_step", step=step, total=2, seconds_left=1)
        clock.log("a line")
    clock.finish(Step.GS_TRAIN, 0.0, reused=False)
    clock(1.0, "training_step", step=7, total=7)  # the refinement's
    parts = clock.parts()
    assert parts["dense_start"] == (began - 1) - (loaded - 1)
    assert parts["train"] == 3
    assert parts["load"] > 0
    assert Clock().parts() == {}


def test_larger_photos_keep_their_cameras(job: Workspace, tmp_path: Path) -> None:
    target = Workspace(tmp_path / "large")
    large.enlarge(job, target, 300)
    before = read_model(job.undistorted_sparse, job.train_txt, job.test_txt)
    after = read_model(target.undistorted_sparse, target.train_txt, target.test_txt)
    assert [photo.name for photo in after.test] == TEST
    for small, big in zip(before.photos, after.photos, strict=True):
        assert (big.camera.width, big.camera.height) == (300, 200)
        np.testing.assert_allclose(big.camera.K[:2], 5 * small.camera.K[:2], rtol=1e-5)
        assert torch.equal(big.camera.viewmat, small.camera.viewmat)
        np.testing.assert_allclose(big.xys, 5 * small.xys, atol=1e-3)
        np.testing.assert_array_equal(big.point_ids, small.point_ids)
        with Image.open(target.images / big.name) as picture:
            assert picture.size == (300, 200)
            shrunk = np.asarray(picture.resize((60, 40), Image.Resampling.BOX), float)
        with Image.open(job.images / big.name) as picture:
            assert np.abs(np.asarray(picture, float) - shrunk).mean() < 8


def test_few_photos_are_held_out_one_by_one(job: Workspace) -> None:
    assert engine.folds(job, True) == NAMES
    assert engine.folds(job, False) == [None]
    job.train_txt.write_text("".join(f"{index}.png\n" for index in range(10)))
    assert engine.folds(job, True) == [None]


def test_large_means_full_size_and_nothing_but_the_engine() -> None:
    given = engine.parse(["--large", "--steps", "50", "--max-gpu-memory-gb", "16"])
    assert given.presets == ["standard"]
    assert given.original_resolution
    assert given.poses_only
    assert given.finish
    assert given.no_reference
    assert (given.steps, given.max_gpu_memory_gb) == (50, 16)


def test_a_set_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="no photos in"):
        list(engine.sources(["no-such-set"], tmp_path))


def test_the_whole_benchmark_from_poses(job: Workspace, tmp_path: Path) -> None:
    # A stored result of the reference, as a run on a GPU would have left it.
    recipe = {**vars(Recipe()), "seed": 42}
    figures = {"psnr": 5.0, "ssim": 0.1, "lpips": None}
    Cache(tmp_path / "kept", job, recipe).write(
        {
            "device": "H100",
            "date": "2026-11-23",
            "raw": figures,
            "corrected": figures,
            "seconds": {"train": 73.0},
        }
    )
    command = [
        sys.executable, "benchmarks/engine.py", "--sets", job.root, "--presets", "quick",
        "--seeds", "1", "2", "--steps", "4", "--no-folds", "--snapshots", "--no-lpips",
        "--out", tmp_path / "out", "--cache", tmp_path / "kept", "--set", "train.sh_degree=1",
    ]  # fmt: skip
    done = subprocess.run(
        list(map(str, command)), cwd=PROJECT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    results = json.loads((tmp_path / "out" / "engine.json").read_text())
    text = (tmp_path / "out" / "engine.md").read_text()
    assert text in done.stdout
    assert [run["seed"] for run in results["runs"]] == [1, 2]
    assert all(run["iterations"] == 4 for run in results["runs"])
    assert all(run["process_seconds"] > run["seconds"]["train"] for run in results["runs"])
    assert results["references"][0]["cached"]
    assert "| tiny | quick | 2 seeds |" in text
    assert "### Beside the reference" in text
    assert "### Snapshots" in text


class Programs:
    """Stands in for the programs that the benchmark starts, and notes their commands."""

    def __init__(self) -> None:
        self.commands: list[list[str]] = []

    def __call__(self, command: list[Any]) -> subprocess.CompletedProcess[str]:
        self.commands.append(words := [str(word) for word in command])
        said = ""
        if Path(words[1]).name == "reference.py":
            result = cached_result("", 24.1, cached="--fresh" not in words)
            said = json.dumps({k: v for k, v in result.items() if k not in ("set", "preset")})
        elif words[2] == "job":
            write_tiny_workspace(Path(words[4]))
            Path(words[5]).write_text(json.dumps({"status": "STOPPED", "error": ""}))
        else:
            Path(words[5]).write_text(json.dumps({**run("", 27.0), "warnings": []}))
        return subprocess.CompletedProcess(words, 0, said, "")

    def of(self, name: str) -> list[list[str]]:
        """The arguments of each start of one program."""
        return [words[2:] for words in self.commands if Path(words[1]).name == name]


def measured(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, folder: Path, *more: object, gpu: bool = True
) -> tuple[Programs, dict[str, Any]]:
    """The programs that the benchmark of `folder` started, and its results."""
    given = ["--sets", folder, "--presets", "quick", "standard", "--no-folds", "--poses-only"]
    given += ["--out", tmp_path / "out", "--set", "train.sh_degree=1", *more]
    monkeypatch.setattr(engine, "has_gpu", lambda: gpu)
    bench, programs = engine.Bench(engine.parse(list(map(str, given)))), Programs()
    monkeypatch.setattr(bench, "_process", programs)
    for preset in ("quick", "standard"):
        bench.measure(folder.name, folder, preset)
    bench.control({folder.name: folder})
    return programs, bench.results


def test_the_control_runs_afresh_once_on_plain_poses(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "fern").mkdir()
    programs, results = measured(monkeypatch, tmp_path, tmp_path / "fern")
    *jobs, plain = [words for words in programs.of("engine_run.py") if words[0] == "job"]
    assert len(jobs) == 2
    changes = [b for a, b in pairwise(plain) if a == "--set"]
    assert changes == ["mapping.own_principal_points=false"]
    assert plain[plain.index("--until") + 1] == "COLMAP_UNDIST"
    *others, control = programs.of("reference.py")
    assert control[0] == plain[2]
    assert "--fresh" in control
    assert not any("--fresh" in words for words in others)
    assert [run["cached"] for run in results["references"]] == [True, True]
    assert [run["set"] for run in results["controls"]] == ["fern"]
    assert "24.0 ± 0.5 dB holds" in (tmp_path / "out" / "engine.md").read_text()


def test_a_reference_is_run_again_where_that_is_asked_for(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "lund").mkdir()
    programs, results = measured(
        monkeypatch, tmp_path, tmp_path / "lund", "--fresh-reference", "lund"
    )
    assert ["--fresh" in words for words in programs.of("reference.py")] == [True, False]
    assert results["controls"] == []


def test_from_a_jobs_folder_the_control_needs_plain_poses(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    fern, plain = (write_tiny_workspace(tmp_path / name).root for name in ("fern", "plain"))
    _, results = measured(monkeypatch, tmp_path, fern)
    assert results["controls"] == []
    assert any("--control" in note for note in results["notes"])
    programs, results = measured(monkeypatch, tmp_path, fern, "--control", plain)
    assert programs.of("reference.py")[-1][0] == str(plain)
    assert len(results["controls"]) == 1
    assert results["notes"] == []


@pytest.mark.parametrize(("more", "notes"), [([], 1), (["--no-reference"], 0)])
def test_without_a_gpu_there_is_no_control(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, more: list[str], notes: int
) -> None:
    (tmp_path / "fern").mkdir()
    programs, results = measured(monkeypatch, tmp_path, tmp_path / "fern", *more, gpu=False)
    assert results["controls"] == []
    assert len(results["notes"]) == notes
    assert len(programs.of("reference.py")) == 2 * notes  # those of the measured poses


def test_plain_poses_that_are_not_there_are_said(tmp_path: Path) -> None:
    with pytest.raises(SystemExit):
        engine.parse(["--control", str(tmp_path)])


def run(name: str, psnr: float, seed: int = 1, **more: Any) -> dict[str, Any]:
    """What `engine_run.py` reports, as far as tables read it."""
    raw = {"psnr": psnr, "ssim": 0.8, "lpips": None}
    figures = {"raw": raw, "corrected": {**raw, "psnr": psnr + 1}}
    return {
        "set": name, "preset": "standard", "seed": seed, "fold": None, "pose_run": 0,
        "iterations": 2000, "gaussians": 150_000, "training_size": [700, 520], "figures": figures,
        "compared": figures, "peak_gb": {"rss": 2.0, "allocated": 3.0, "reserved": 4.0},
        "seconds": {"load": 0.5, "dense_start": 1.0, "train": 7.0, "write": 0.1, "evaluate": 0.4},
        "snapshots": None, "stage_seconds": {}, **more,
    }  # fmt: skip


def cached_result(name: str, psnr: float, **more: Any) -> dict[str, Any]:
    raw = {"psnr": psnr, "ssim": 0.7, "lpips": None}
    curve = [{"step": step, "seconds": step / 125, "raw": raw} for step in (3000, 10_000)]
    return {
        "set": name, "preset": "standard", "raw": raw, "corrected": raw, "cached": True,
        "seconds": {"train": 80.0}, "gaussians": 802_000, "curve": curve, "opacity_resets": 0,
        "date": "2026-11-23", "device": "NVIDIA H100",
        **more,
    }  # fmt: skip


def rows(text: str) -> list[list[str]]:
    return [
        [cell.strip() for cell in line.split("|")[1:-1]]
        for line in text.splitlines()
        if line.startswith("|") and not line.startswith("|-")
    ]


def test_the_engine_table_has_means_and_their_spread() -> None:
    head, row = rows(tables.engine([run("fern", 27.0), run("fern", 28.0, seed=2)]))
    cells = dict(zip(head, row, strict=True))
    assert cells["runs"] == "2 seeds"
    assert cells["PSNR"] == "27.50 (27.00–28.00)"
    assert cells["PSNR corrected"] == "28.50"
    assert cells["LPIPS"] == "absent"
    assert cells["Gaussians"] == "150,000"
    assert cells["all s"] == "9.0"
    assert cells["peak GB"] == "GPU 3.0 (4.0 reserved)"


def test_the_comparison_has_differences_and_their_mean_over_sets() -> None:
    runs = [run("fern", 27.0), run("fern", 28.0, seed=2), run("sceaux", 19.0), run("new", 1.0)]
    head, fern, sceaux, mean, worst = rows(
        tables.comparison(runs, [cached_result("fern", 24.0), cached_result("sceaux", 17.0)])
    )
    cells = dict(zip(head, fern, strict=True))
    assert (cells["raw dB"], cells["corrected dB"]) == ("+3.50", "+4.50")
    assert (cells["raw SSIM"], cells["times faster"]) == ("+0.100", "10.0")
    assert (cells["reference s"], cells["ours s"]) == ("80.0", "8.0")
    assert sceaux[4] == "+2.00"
    assert (mean[0], mean[4], mean[5], mean[-1]) == ("**mean**", "+2.75", "+3.75", "10.0")
    assert worst[4:6] == ["+2.00 (sceaux)", "+3.00 (sceaux)"]
    assert tables.comparison(runs, []) == ""


def test_pose_runs_are_compared_with_each_other_over_all_seeds() -> None:
    again = {"pose_run": 1}
    runs = [run("fox", 25.0), run("fox", 25.2, 2), run("fox", 24.0, **again)]
    [_, row] = rows(tables.pose_runs([*runs, run("fox", 24.4, 2, **again), run("fern", 27.0)]))
    assert row == ["fox", "standard", "2", "25.10, 24.20", "0.90", "26.10, 25.20", "0.90"]
    assert tables.pose_runs([run("fern", 27.0), run("fern", 28.0, seed=2)]) == ""


def test_all_sets_with_enough_photos_are_measured_unless_some_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, count in (("b", 8), ("a", 12), ("few", 7)):
        (tmp_path / name).mkdir()
        for number in range(count):
            Image.new("RGB", (8, 8)).save(tmp_path / name / f"{number}.png")
    (tmp_path / "README.md").touch()
    monkeypatch.setattr(engine.jobs, "PHOTOS", tmp_path)
    assert engine.parse(["--presets", "quick"]).sets == ["a", "b"]
    assert engine.parse(["--presets", "quick", "--sets", "few"]).sets == ["few"]


@pytest.mark.parametrize(("psnr", "verdict"), [(24.4, " holds"), (24.6, "DOES NOT HOLD")])
def test_the_control_says_whether_the_reference_comes_out_as_it_has_to(
    psnr: float, verdict: str
) -> None:
    fresh = cached_result("fern", psnr, cached=False, before=24.0)
    (line,) = tables.control([fresh])
    assert verdict in line
    assert "opacity resets seen: 0" in line
    assert "kept until now: 24.00 dB" in line
    (line,) = tables.origins([fresh])  # it was on other poses: nothing to compare
    assert f"run afresh on NVIDIA H100, {psnr:.2f} dB" in line
    assert "±" not in line


def test_a_kept_reference_says_when_and_where_it_was_measured() -> None:
    assert tables.origins([cached_result("sceaux", 17.0)]) == [
        "Reference of sceaux: kept from 2026-11-23, NVIDIA H100."
    ]


def test_the_snapshot_table_says_when_it_was_worth_looking_at() -> None:
    history = [[100, 1.2, 20.0], [400, 3.4, 25.5], [900, 7.0, 27.0]]
    sizes = {"splat_bytes": 640_000, "render_bytes": 21_000}
    seen = {"history": history, "spent_seconds": 0.14, **sizes}
    head, row = rows(tables.snapshots([run("fern", 27.0, snapshots=seen), run("lost", 1.0)]))
    cells = dict(zip(head, row, strict=True))
    assert (cells["first s"], cells["first dB"], cells["behind dB"]) == ("1.2", "20.00", "7.00")
    assert cells["within 2 dB after s"] == "3.4"
    assert cells["cost %"] == "2.0"
    assert (cells["splat kB"], cells["picture kB"]) == ("640", "21")


def test_a_failed_job_is_a_row_that_says_why() -> None:
    good = {
        "set": "fern", "preset": "quick", "seed": 1, "status": "COMPLETED", "registered": 20,
        "total": 20, "psnr": 26.0, "ssim": 0.8, "lpips": None, "gaussian_count": 9,
        "seconds": {"PREFLIGHT": 1.0, "GS_TRAIN": 50.0}, "process_seconds": 55.0,
        "train_parts": {"dense_start": 9.0, "train": 40.0}, "peak_gb_end": {"rss": 1.0},
    }  # fmt: skip
    bad = {**good, "status": "FAILED", "seconds": {}, "error": "too few photos"}
    head, first, second = rows(tables.jobs([good, bad]))
    cells = dict(zip(head, first, strict=True))
    assert (cells["all steps s"], cells["dense start"], cells["peak GB"]) == (
        "51.0",
        "9.0",
        "RAM 1.0",
    )
    assert second[3] == "too few photos"


def test_a_smaller_card_is_a_limit_on_a_gpu_only(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr(
        torch.cuda, "set_per_process_memory_fraction", lambda *given: asked.append(given)
    )
    scoring.limit_gpu_memory(CPU, 16)
    assert asked == []


@pytest.mark.gpu
def test_a_smaller_card_runs_out_of_memory() -> None:
    program = (
        "import torch\nfrom benchmarks.parts import scoring\n"
        "device = torch.device('cuda')\nscoring.limit_gpu_memory(device, 2)\n"
        "half = torch.empty(10**9, dtype=torch.uint8, device=device)\n"
        "try:\n    torch.empty(15 * 10**8, dtype=torch.uint8, device=device)\n"
        "except torch.OutOfMemoryError:\n    print('full')"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=PROJECT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "full"


def test_the_cost_of_checkpoints_and_of_a_kill_is_summed_up() -> None:
    figures = {"without": (10.0, 20.0), "with": (10.2, 20.1), "resumed": (7.0, 20.4)}
    rows = [
        {"seed": seed, "way": way, "device": "CPU", "seconds": seconds, "psnr": psnr + seed}
        for seed in range(2)
        for way, (seconds, psnr) in figures.items()
    ]
    assert checkpoints.summary_of(rows) == (
        "CPU: checkpoints cost 2.0% of training.\n"
        "Killed and resumed 20.900 dB, in one go 20.600 dB.\n"
        "At most 0.300 dB apart at one seed; seeds spread 1.000 dB.\n"
    )
    row = {**rows[2], "steps": 600, "lost_at": 250, "resumed_at": 240}
    assert checkpoints.line_of(row) == (
        "seed 0, resumed     7.00 s, 20.400 dB, "
        "killed after step 250, went on from step 240 of 600\n"
    )
