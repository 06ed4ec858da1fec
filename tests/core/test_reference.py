"""The benchmark's reference: what can be checked without a GPU, and one run with one."""

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
import torch

from benchmarks import reference
from benchmarks.parts.graphdeco import Recipe, Training, initial, joint_points, means_lr, ssim
from benchmarks.parts.references import Cache, scene_hash
from recon.pipeline.workspace import Workspace
from recon.splats import metrics
from recon.splats.evaluation import draw
from recon.splats.gaussians import Camera, Gaussians
from recon.splats.rasterizers import rasterize
from recon.splats.scene import View, load_view, read_model
from tests.core.tiny_scene import NAMES, tiny_gaussians, write_tiny_workspace

RECIPE = Recipe(steps=30, sh_degree_interval=10, reset_every=10)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return write_tiny_workspace(tmp_path / "job")


@pytest.fixture
def views(workspace: Workspace) -> list[View]:
    model = read_model(workspace.undistorted_sparse, workspace.train_txt, workspace.test_txt)
    return [load_view(photo, workspace.images, None) for photo in model.train]


class Strategy:
    """Stands in for gsplat's `DefaultStrategy`: notes its arguments, changes nothing."""

    made: list["Strategy"] = []
    resets = False  # if True, it resets opacities as the paper's does

    def __init__(self, **settings: float) -> None:
        self.settings, self.told = settings, []
        Strategy.made.append(self)

    def check_sanity(self, params, optimizers) -> None:
        assert set(params) == set(optimizers)
        assert all(len(optimizer.param_groups) == 1 for optimizer in optimizers.values())

    def initialize_state(self, scene_scale: float) -> dict[str, float]:
        return {"scene_scale": scene_scale}

    def step_pre_backward(self, params, optimizers, state, step, info) -> None:
        self.told.append(("before", step, info["sh_degree"]))
        assert params["means"].grad is None

    def step_post_backward(self, params, optimizers, state, step, info) -> None:
        self.told.append(("after", step, optimizers["means"].param_groups[0]["lr"]))
        if self.resets and step and step % self.settings["reset_every"] == 0:
            limit = torch.tensor(2 * self.settings["prune_opa"]).logit()
            params["opacities"].data.clamp_(max=float(limit))


def rasterization(
    means, quats, scales, opacities, colors, viewmats, Ks, width, height, sh_degree, packed
):
    """Stands in for gsplat's, with our CPU rasteriser; takes activated values, as that does."""
    gaussians = Gaussians(
        means, quats, scales.log(), opacities.logit(), colors[:, :1], colors[:, 1:]
    )
    drawn = rasterize(gaussians, Camera(viewmats[0], Ks[0], width, height), sh_degree=sh_degree)
    return drawn.image[None], drawn.alpha[None, ..., None], {"sh_degree": sh_degree}


@pytest.fixture
def gsplat(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    module = ModuleType("gsplat")
    module.rasterization, module.DefaultStrategy = rasterization, Strategy
    monkeypatch.setitem(sys.modules, "gsplat", module)
    yield
    Strategy.made.clear()


def start(recipe: Recipe = RECIPE) -> Gaussians:
    gaussians = tiny_gaussians(sh_degree=recipe.sh_degree)
    gaussians.sh0 = torch.zeros_like(gaussians.sh0)
    gaussians.shN = torch.zeros_like(gaussians.shN)
    return gaussians


def test_the_loop_trains_and_tells_the_strategy_every_step(gsplat, views: list[View]) -> None:
    def quality(gaussians: Gaussians) -> float:
        each = [metrics.psnr(draw(gaussians, view.camera), view.colours) for view in views]
        return sum(each) / len(each)

    training = Training(start(), views, 2.0, RECIPE, seed=0)
    training.until(12)
    training.until(30)
    assert quality(training.gaussians) > quality(start()) + 0.5
    told = Strategy.made[0].told
    assert [(when, step) for when, step, _ in told[:4]] == [
        ("before", 0), ("after", 0), ("before", 1), ("after", 1),
    ]  # fmt: skip
    assert [step for when, step, _ in told if when == "after"] == list(range(30))
    assert [degree for when, _, degree in told if when == "before"][::10] == [0, 1, 2]
    rates = [rate for when, _, rate in told if when == "after"]
    assert rates[0] == pytest.approx(3.2e-4)
    assert rates == sorted(rates, reverse=True)


def test_the_strategy_gets_graphdecos_numbers(gsplat, views: list[View]) -> None:
    Training(start(), views, 2.0, Recipe(), seed=0)
    assert Strategy.made[0].settings == {
        "prune_opa": 0.005, "grow_grad2d": 2e-4, "grow_scale3d": 0.01, "refine_start_iter": 500,
        "refine_stop_iter": 15_000, "refine_every": 100, "reset_every": 3000,
    }  # fmt: skip


@pytest.mark.parametrize(("resets", "seen"), [(False, 0), (True, 2)])
def test_opacity_resets_are_counted(
    gsplat, views: list[View], monkeypatch: pytest.MonkeyPatch, resets: bool, seen: int
) -> None:
    monkeypatch.setattr(Strategy, "resets", resets)
    training = Training(start(), views, 2.0, RECIPE, seed=0)
    training.until(30)
    assert training.resets == seen


def test_every_photo_has_its_turn_before_one_comes_again(gsplat, views: list[View]) -> None:
    seen = []
    training = Training(start(), views, 2.0, RECIPE, seed=0)
    draw_one = training._draw

    def noting(view: View, sh_degree: int):
        seen.append(view.name)
        return draw_one(view, sh_degree)

    training._draw = noting
    training.until(15)
    rounds = [seen[:5], seen[5:10], seen[10:]]
    assert all(sorted(each) == sorted(view.name for view in views) for each in rounds)
    assert rounds[0] != rounds[1] or rounds[1] != rounds[2]


def test_the_means_learning_rate_falls_to_a_hundredth() -> None:
    recipe = Recipe()
    assert means_lr(recipe, 0) == pytest.approx(1.6e-4)
    assert means_lr(recipe, 5000) == pytest.approx(1.6e-5)
    assert means_lr(recipe, 10_000) == pytest.approx(1.6e-6)


def test_its_ssim_is_the_metric() -> None:
    generator = torch.Generator().manual_seed(0)
    one, other = (torch.rand(40, 52, 3, generator=generator) for _ in range(2))
    blend = 0.7 * one + 0.3 * other
    assert float(ssim(one, blend)) == pytest.approx(float(metrics.ssim(one, blend)), abs=1e-5)
    assert float(ssim(one, one)) == pytest.approx(1)


def test_it_starts_from_the_joint_points(workspace: Workspace) -> None:
    xyz, rgb = joint_points(workspace.undistorted_sparse / "points3D.txt")
    torch.testing.assert_close(xyz, tiny_gaussians().means, atol=1e-5, rtol=0)
    torch.testing.assert_close(rgb[7] * 255, torch.tensor([10.0, 20.0, 30.0]))


def test_the_start_is_graphdecos() -> None:
    xyz = torch.tensor([[0.0, 0, 0], [1, 0, 0], [2, 0, 0], [4, 0, 0], [9, 0, 0]])
    begun = initial(xyz, torch.full((5, 3), 0.5), Recipe())
    expected = np.sqrt((1 + 4 + 16) / 3)
    np.testing.assert_allclose(begun.scales[0].exp(), expected, rtol=1e-5)
    np.testing.assert_allclose(begun.opacities.sigmoid(), 0.1, rtol=1e-5)
    assert begun.shN.shape == (5, 15, 3)
    assert not begun.sh0.any()


def test_a_scene_is_known_by_its_photos_poses_and_split(tmp_path: Path) -> None:
    workspace = write_tiny_workspace(tmp_path / "one")
    seen = [scene_hash(workspace)]
    assert scene_hash(write_tiny_workspace(tmp_path / "other")) == seen[0]
    (workspace.images / "not-in-the-split.png").write_bytes(b"other")
    assert scene_hash(workspace) == seen[0]
    for path in (
        workspace.images / NAMES[2],
        workspace.undistorted_sparse / "images.txt",
        workspace.undistorted_sparse / "points3D.txt",
        workspace.test_txt,
    ):
        path.write_text(f"{NAMES[3]}\n")
        seen.append(scene_hash(workspace))
    assert len(set(seen)) == 5


def test_results_are_kept_by_scene_recipe_and_device(tmp_path: Path, workspace: Workspace) -> None:
    cache = Cache(tmp_path / "kept", workspace, {"steps": 10})
    assert cache.read("NVIDIA H100") is None
    assert cache.read_any() is None
    fresh = cache.write({"device": "NVIDIA H100", "raw": {"psnr": 24.0}})
    assert not fresh["cached"]
    again = Cache(tmp_path / "kept", workspace, {"steps": 10})
    assert again.read("NVIDIA H100") == {**fresh, "cached": True}
    assert again.read("NVIDIA A10") is None
    assert again.read_any() == {**fresh, "cached": True}
    assert Cache(tmp_path / "kept", workspace, {"steps": 11}).read_any() is None


def test_without_a_gpu_only_kept_results_are_shown(
    tmp_path: Path, workspace: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    options = argparse.Namespace(cache=tmp_path / "kept", seed=42, fresh=True)

    def shown():
        return reference.result(workspace, Recipe(), options, torch.device("cpu"))

    assert shown() is None
    assert "needs a CUDA GPU" in capsys.readouterr().err
    recipe = {**vars(Recipe()), "seed": 42}
    Cache(options.cache, workspace, recipe).write({"device": "H100", "raw": {"psnr": 24.0}})
    assert shown()["raw"]["psnr"] == 24.0


@pytest.mark.parametrize(("fresh", "runs"), [(False, 1), (True, 2)])
def test_with_a_gpu_it_runs_once_unless_asked_to(
    tmp_path: Path,
    workspace: Workspace,
    monkeypatch: pytest.MonkeyPatch,
    fresh: bool,
    runs: int,
) -> None:
    ran = []

    def run(*args):
        ran.append(args)
        return {"device": "H100", "raw": {"psnr": 23.0 + len(ran)}}

    monkeypatch.setattr(reference, "run", run)
    monkeypatch.setattr(reference.scoring, "device_name", lambda device: "H100")
    options = argparse.Namespace(cache=tmp_path / "kept", seed=42, fresh=fresh)
    device = SimpleNamespace(type="cuda")
    first, second = (reference.result(workspace, Recipe(), options, device) for _ in range(2))
    assert len(ran) == runs
    assert first["raw"]["psnr"] == 24.0
    assert second["raw"]["psnr"] == 23.0 + runs
    assert second.get("before") == (24.0 if fresh else None)


def test_a_run_reports_figures_seconds_and_the_way_there(
    gsplat, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "synchronize", lambda: None)
    monkeypatch.setattr(reference, "CHECKED_AT", 10)
    monkeypatch.setattr(reference.scoring, "lpips_or_reason", lambda *args, wanted: (None, "no"))
    result = reference.run(workspace, RECIPE, 0, torch.device("cpu"))
    assert [entry["step"] for entry in result["curve"]] == [10, 30]
    assert result["curve"][1]["raw"] == result["raw"] != result["curve"][0]["raw"]
    assert 0 < result["curve"][0]["seconds"] < result["seconds"]["train"]
    assert (result["steps"], result["gaussians"], result["opacity_resets"]) == (30, 300, 0)
    assert result["corrected"]["ssim"] is not None
    json.dumps(result)


@pytest.mark.gpu
def test_the_reference_trains_with_gsplat(workspace: Workspace) -> None:
    recipe = Recipe(steps=700, densify_from=100)
    result = reference.run(workspace, recipe, 0, torch.device("cuda"))
    assert result["raw"]["psnr"] > 15
    assert result["gaussians"] != 300
    assert result["opacity_resets"] == 0
    assert result["seconds"]["train"] > 0
    assert [entry["step"] for entry in result["curve"]] == [700]
    json.dumps(result)
