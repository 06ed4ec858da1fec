import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from recon.pipeline.config import ExportConfig, PipelineConfig
from recon.pipeline.errors import Cancelled, TimeLimit
from recon.pipeline.outcome import PreparedPhotos, TrainingRecord
from recon.pipeline.photos.prepare import PreparedPhoto
from recon.pipeline.progress import ListReporter
from recon.pipeline.stages import evaluate
from recon.pipeline.workspace import Workspace
from recon.splats import evaluation, metrics
from recon.splats.config import TrainConfig
from recon.splats.gaussians import Gaussians
from tests.core.tiny_scene import (
    TEST,
    TRAIN,
    tiny_gaussians,
    write_tiny_workspace,
    write_trained,
)

CONFIG = PipelineConfig(
    train=TrainConfig(iterations=6), export=ExportConfig(outlier_std_threshold=4.0)
)


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """A trained workspace on a machine that can't reach LPIPS's backbone."""
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "hub"))
    monkeypatch.setattr(metrics, "BACKBONE_URL", "http://127.0.0.1:9/alexnet-owt-7be5be79.pth")
    workspace = write_tiny_workspace(tmp_path / "job")
    give_model(workspace, tiny_gaussians())
    return workspace


def give_model(workspace: Workspace, gaussians: Gaussians, trained_at: int | None = 30) -> None:
    write_trained(workspace, gaussians, replace(CONFIG.train, max_image_size=trained_at))


def with_floater() -> Gaussians:
    """A black wall in front of the camera, a single Gaussian: the filter removes it."""
    scene = tiny_gaussians()
    wall = scene.select(torch.tensor([0]))
    wall.means = torch.tensor([[0.0, 0.0, -3.0]])
    wall.scales = torch.full((1, 3), 1.0)
    wall.sh0 = torch.full((1, 1, 3), -2.0)
    pairs = zip(scene.named().items(), wall.named().values(), strict=True)
    return Gaussians(**{name: torch.cat([a, b]) for (name, a), b in pairs})


def results_of(workspace: Workspace, config: PipelineConfig = CONFIG) -> dict:
    evaluate.run(workspace, config, ListReporter())
    return json.loads(workspace.results_json.read_text())


def test_the_true_scene_scores_as_well_as_bytes_allow(workspace: Workspace) -> None:
    give_model(workspace, tiny_gaussians(), trained_at=None)
    facts = evaluate.run(workspace, CONFIG, ListReporter())
    assert facts["psnr"] > 50
    assert facts["ssim"] > 0.999
    assert facts["lpips"] is None
    assert facts["lpips_reason"]["code"] == "lpips_offline"
    assert "can't be downloaded" in facts["lpips_reason"]["detail"]
    json.dumps(facts)


def test_the_facts_have_what_the_word_is_made_of(workspace: Workspace) -> None:
    """The photos are smaller than the size at which words are given: the figures are the same."""
    give_model(workspace, tiny_gaussians(), trained_at=20)
    facts = evaluate.run(workspace, CONFIG, ListReporter())
    assert facts["small_psnr"] == pytest.approx(facts["psnr_corrected"], abs=0.1)
    assert facts["small_ssim"] == pytest.approx(facts["ssim_corrected"], abs=0.005)
    assert facts["held_out"] == len(TEST)
    assert facts["confirmed"] is None, "no depth maps were made"


def test_results_have_graphdecos_layout_and_ours(workspace: Workspace) -> None:
    results = results_of(workspace)
    ours = results["ours_6"]
    assert ours["PSNR"] == results["psnr"] == pytest.approx(ours["per_view"][TEST[0]]["PSNR"])
    assert ours["SSIM"] == results["ssim"]
    assert ours["LPIPS"] is None
    assert ours["at_photo_size"]["PSNR"] > ours["PSNR"]  # the truth was rendered at that size
    assert {"PSNR", "SSIM", "LPIPS"} <= set(results["filtered"]) & set(results["unfiltered"])
    assert results["split"] == {"train": TRAIN, "test": TEST}
    assert results["protocol"] == "held-out"
    assert results["max_image_size"] == 30


def test_corrected_figures_stand_beside_the_raw_ones(workspace: Workspace) -> None:
    give_model(workspace, tiny_gaussians(), trained_at=None)
    photo = workspace.images / TEST[0]
    with Image.open(photo) as file:
        darker = np.asarray(file) * np.array([0.6, 0.7, 0.8]) + 12
    Image.fromarray(darker.round().astype(np.uint8)).save(photo)
    results = results_of(workspace)
    assert results["psnr"] < 25
    assert results["psnr_corrected"] > 45
    assert results["ssim_corrected"] > results["ssim"]
    ours = results["ours_6"]
    assert ours["PSNR"] == results["psnr"]  # raw is the headline
    assert ours["corrected"]["PSNR"] == results["psnr_corrected"]
    assert ours["corrected"]["per_view"][TEST[0]]["PSNR"] == results["psnr_corrected"]
    assert set(ours["per_view"][TEST[0]]) == {"PSNR", "SSIM", "LPIPS"}
    assert ours["corrected"]["LPIPS"] is None


def expose(workspace: Workspace, light: dict[str, float]) -> None:
    """Says by how much light each photo was taken, and that training learnt what that makes."""
    gains = {name: exposure ** (1 / 2.2) for name, exposure in light.items()}
    maps = {name: (gains[name] * torch.eye(3, 4)).tolist() for name in TRAIN}
    replace(TrainingRecord.read(workspace), exposures=maps).write(workspace)
    prepared = [
        PreparedPhoto(name, name, 60, 40, None, "0f", ev100=12 - math.log2(exposure))
        for name, exposure in light.items()
    ]
    PreparedPhotos(photos=tuple(prepared)).write(workspace)
    for name in TEST:
        with Image.open(workspace.images / name) as photo:
            darker = photo.point(lambda value, gain=gains[name]: round(gain * value))
        darker.save(workspace.images / name)


def test_raw_figures_use_what_the_camera_says_of_a_held_out_photo(workspace: Workspace) -> None:
    without_rhyme = [1.0, 2.0, 0.6, 1.7, 0.8]
    expose(workspace, {**dict(zip(TRAIN, without_rhyme, strict=True)), **dict.fromkeys(TEST, 0.4)})
    before = evaluate.inputs(workspace, CONFIG)
    told = results_of(workspace)["psnr"]
    workspace.photos_json.unlink()
    assert evaluate.inputs(workspace, CONFIG) != before
    assert told > results_of(workspace)["psnr"] + 5


def test_the_filter_is_decided_on_the_raw_figures(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evaluation, "expose_crosswise", lambda image, truth: truth)
    greedy = replace(CONFIG, export=replace(CONFIG.export, outlier_std_threshold=0.0))
    results = results_of(workspace, greedy)
    assert results["psnr_corrected"] == 100.0  # for both scenes, so the filter would pass by it
    assert results["scene"] == "unfiltered"


def test_renders_lie_beside_the_truth_at_the_size_trained_at(workspace: Workspace) -> None:
    evaluate.run(workspace, CONFIG, ListReporter())
    folder = workspace.output / "test" / "ours_6"
    with (
        Image.open(folder / "renders" / "00000.png") as render,
        Image.open(folder / "gt" / "00000.png") as truth,
    ):
        assert render.size == truth.size == (30, 20)
        difference = np.abs(np.asarray(render, float) - np.asarray(truth, float)).mean()
    assert difference < 10
    assert sorted(path.name for path in folder.iterdir()) == ["gt", "renders"]


def test_the_filter_is_used_where_it_costs_nothing(workspace: Workspace) -> None:
    give_model(workspace, with_floater())
    results = results_of(workspace)
    assert results["scene"] == "filtered"
    assert results["filter_loss_db"] < -1  # it even helps
    assert results["ours_6"] == results["filtered"]
    counts = results["gaussian_counts"]
    assert counts["filtered"] < counts["unfiltered"] == 301


@pytest.mark.parametrize(("wish", "scene"), [("always", "filtered"), ("never", "unfiltered")])
def test_the_filter_is_used_or_not_where_that_is_asked_for(
    workspace: Workspace, wish: str, scene: str
) -> None:
    against = {"always": 0.0, "never": CONFIG.export.outlier_std_threshold}[wish]
    give_model(workspace, with_floater())
    asked = replace(
        CONFIG,
        export=replace(CONFIG.export, outlier_std_threshold=against),
        evaluate=replace(CONFIG.evaluate, outlier_filter=wish),
    )
    results = results_of(workspace, asked)
    assert results["scene"] == scene
    assert results["ours_6"] == results[scene]
    workspace.test_txt.write_text("")  # nothing can be measured
    assert results_of(workspace, asked)["scene"] == scene


def test_the_filter_is_not_used_where_it_costs_quality(workspace: Workspace) -> None:
    greedy = replace(CONFIG, export=replace(CONFIG.export, outlier_std_threshold=0.0))
    results = results_of(workspace, greedy)
    assert results["scene"] == "unfiltered"
    assert results["filter_loss_db"] > 0.1
    assert results["ours_6"] == results["unfiltered"]


def test_lpips_is_measured_where_its_backbone_is(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def random_backbone(device: torch.device, report: object) -> metrics.Lpips:
        return metrics.load_lpips(device, pnet_rand=True)

    monkeypatch.setattr(evaluate, "load_lpips", random_backbone)
    give_model(workspace, tiny_gaussians(), trained_at=None)
    results = results_of(workspace)
    assert results["lpips_reason"] is None
    assert 0 <= results["lpips"] < 1
    assert results["ours_6"]["per_view"][TEST[0]]["LPIPS"] == results["lpips"]


def test_lpips_can_be_switched_off(workspace: Workspace) -> None:
    off = replace(CONFIG, evaluate=replace(CONFIG.evaluate, lpips=False))
    assert results_of(workspace, off)["lpips_reason"] == {"code": "lpips_off", "detail": ""}


def test_an_evaluation_that_fails_leaves_no_numbers_and_a_reason(workspace: Workspace) -> None:
    (workspace.images / TEST[0]).write_bytes(b"no picture")
    report = ListReporter()
    facts = evaluate.run(workspace, CONFIG, report)
    assert facts["psnr"] is facts["ssim"] is facts["lpips"] is None
    assert facts["scene"] == "unfiltered"
    ((code, told),) = report.named("warn")
    assert code == "metrics_absent"
    assert told["reason"]["code"] == "unforeseen"
    assert "UnidentifiedImageError" in told["reason"]["detail"]
    assert json.loads(workspace.results_json.read_text())["reason"] == told["reason"]


def test_no_held_out_photo_is_a_reason_too(workspace: Workspace) -> None:
    workspace.test_txt.write_text("")
    report = ListReporter()
    evaluate.run(workspace, CONFIG, report)
    reason = {"code": "nothing_held_out", "detail": ""}
    assert json.loads(workspace.results_json.read_text())["reason"] == reason
    assert report.named("warn") == [("metrics_absent", {"reason": reason})]


@pytest.mark.parametrize("stop", [Cancelled, TimeLimit])
def test_a_cancel_and_the_time_limit_are_no_failed_evaluation(
    workspace: Workspace, stop: type[BaseException]
) -> None:
    class Stopping(ListReporter):
        def __call__(self, fraction: float, code: str = "", /, **facts: Any) -> None:
            raise stop

    with pytest.raises(stop):
        evaluate.run(workspace, CONFIG, Stopping())
    assert not workspace.results_json.exists()


def test_progress_reaches_the_end(workspace: Workspace) -> None:
    report = ListReporter()
    evaluate.run(workspace, CONFIG, report)
    fractions = [fraction for fraction, _ in report.named("progress")]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0


def test_it_follows_the_steps_that_training_took(workspace: Workspace) -> None:
    write_trained(workspace, tiny_gaussians(), replace(CONFIG.train, iterations=4))
    assert "ours_4" in results_of(workspace)
    assert (workspace.output / "test" / "ours_4" / "renders" / "00000.png").exists()


def test_the_filters_settings_are_part_of_the_evaluation() -> None:
    other = replace(CONFIG, export=replace(CONFIG.export, outlier_k_neighbors=5))
    assert evaluate.settings(other) != evaluate.settings(CONFIG)
    poster = replace(CONFIG, export=replace(CONFIG.export, poster_size=5))
    assert evaluate.settings(poster) == evaluate.settings(CONFIG)
