"""The delivered scene: refined with all photos, or the measured one if that fails."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from recon.pipeline.config import PipelineConfig
from recon.pipeline.errors import Cancelled, Interrupted, TimeLimit
from recon.pipeline.progress import ListReporter
from recon.pipeline.results import UNFILTERED, Results
from recon.pipeline.stages import export
from recon.pipeline.workspace import Workspace
from recon.splats import engine, learner
from recon.splats.config import TrainConfig
from recon.splats.evaluation import score
from recon.splats.formats import read_ply
from recon.splats.gaussians import Gaussians
from recon.splats.rasterizers import rasterize
from recon.splats.scene import load_view, read_model
from tests.core.test_scene import spoil_test_photo
from tests.core.tiny_scene import NAMES, tiny_gaussians, write_tiny_workspace, write_trained

CONFIG = PipelineConfig(
    train=TrainConfig(
        iterations=60,
        final_refine=0.5,
        max_image_size=None,
        sh_degree=0,
        max_gaussians=300,
        opacity_decay=1.0,  # thirty steps are too few to make up for it
    )
)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """A measured model with dull colours, which more training corrects."""
    workspace = write_tiny_workspace(tmp_path)
    write_trained(workspace, dull(), CONFIG.train)
    Results(scene=UNFILTERED).write(workspace)
    return workspace


def dull() -> Gaussians:
    gaussians = tiny_gaussians()
    gaussians.sh0 = gaussians.sh0 * 0.6
    return gaussians


def scenes(workspace: Workspace) -> tuple[Gaussians, Gaussians]:
    """(measured, delivered), both unfiltered."""
    return (
        read_ply(workspace.held_out_iteration(60) / "point_cloud.ply"),
        read_ply(workspace.iteration(60) / "point_cloud.ply"),
    )


def held_out_psnr(workspace: Workspace, gaussians: Gaussians) -> float:
    model = read_model(workspace.undistorted_sparse, workspace.train_txt, workspace.test_txt)
    views = [load_view(photo, workspace.images, None) for photo in model.test]
    return score(gaussians, views, None).means["psnr"] or 0.0


def test_the_delivered_scene_learnt_from_the_held_out_photo(workspace: Workspace) -> None:
    report = ListReporter()
    facts = export.run(workspace, CONFIG, report)
    measured, delivered = scenes(workspace)
    assert facts["refined"] is True
    assert held_out_psnr(workspace, delivered) > held_out_psnr(workspace, measured) + 1
    assert any("all 6 photos" in line for line in report.named("log"))
    first = delivered.means.clone()
    spoil_test_photo(workspace)
    export.run(workspace, CONFIG, ListReporter())
    assert not torch.equal(scenes(workspace)[1].means, first)


def test_the_measured_model_is_left_as_it_was(workspace: Workspace) -> None:
    before = (workspace.held_out_iteration(60) / "point_cloud.ply").read_bytes()
    export.run(workspace, CONFIG, ListReporter())
    assert (workspace.held_out_iteration(60) / "point_cloud.ply").read_bytes() == before
    names = sorted(path.name for path in workspace.iteration(60).iterdir())
    plys = ["point_cloud.ply", "point_cloud_filtered.ply"]
    assert [n for n in names if n != "other.spz"] == [*plys, "scene.splat", "scene.spz"]


@pytest.mark.parametrize(
    "config",
    [
        replace(CONFIG, export=replace(CONFIG.export, final_refine=False)),
        # A recipe may give refinement no steps at all.
        replace(CONFIG, train=replace(CONFIG.train, final_refine=0.0)),
    ],
)
def test_without_it_the_measured_model_is_delivered(
    workspace: Workspace, config: PipelineConfig
) -> None:
    write_trained(workspace, dull(), config.train)
    report = ListReporter()
    facts = export.run(workspace, config, report)
    measured, delivered = scenes(workspace)
    assert facts["refined"] is False
    assert torch.equal(measured.means, delivered.means)
    assert torch.equal(measured.sh0, delivered.sh0)
    assert report.named("warn") == []


def test_it_uses_the_settings_that_training_used(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[TrainConfig] = []
    real = engine.refine

    def refine(gaussians, photos, images, config, **rest):
        seen.append(config)
        assert [photo.name for photo in photos] == NAMES
        return real(gaussians, photos, images, config, **rest)

    monkeypatch.setattr(engine, "refine", refine)
    reduced = replace(CONFIG.train, max_image_size=45, max_gaussians=150)
    write_trained(workspace, dull(), reduced)
    export.run(workspace, CONFIG, ListReporter())
    assert seen == [reduced]


def test_a_photo_that_training_left_out_stays_out(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []
    real = engine.refine

    def refine(gaussians, photos, *rest, **named):
        seen.extend(photo.name for photo in photos)
        return real(gaussians, photos, *rest, **named)

    monkeypatch.setattr(engine, "refine", refine)
    write_trained(workspace, dull(), CONFIG.train, left_out=[NAMES[4]])
    export.run(workspace, CONFIG, ListReporter())
    assert seen == [name for name in NAMES if name != NAMES[4]]


def test_haze_in_front_of_the_scene_goes(workspace: Workspace) -> None:
    haze = tiny_gaussians(2)
    haze.means = torch.tensor([[0.2, 0.1, -2.4], [-0.3, 0.0, -2.2]])
    haze.scales = torch.full((2, 3), -1.0)
    # A surface consists of many: each Gaussian has neighbours.
    parts = [part.named() for part in [*[dull()] * 21, haze]]
    hazy = Gaussians(**{name: torch.cat([part[name] for part in parts]) for name in parts[0]})
    write_trained(workspace, hazy, CONFIG.train)
    report = ListReporter()
    export.run(workspace, CONFIG, report)
    measured, delivered = scenes(workspace)
    assert (measured.means[:, 2] < -1.5).sum() == 2
    assert not (delivered.means[:, 2] < -1.5).any()
    assert any("2 Gaussians look like haze" in line for line in report.named("log"))
    never = replace(CONFIG, export=replace(CONFIG.export, max_haze_loss_db=-100.0))
    export.run(workspace, never, ListReporter())
    assert (scenes(workspace)[1].means[:, 2] < -1.5).any()


def failing(error: BaseException) -> Callable[..., None]:
    def fail(*args: object, **kwargs: object) -> None:
        raise error

    return fail


class FullAfter:
    """Stands in for `rasterize`; the GPU is full after some steps."""

    def __init__(self, steps: int) -> None:
        self.left = steps

    def __call__(self, *args, **kwargs):
        self.left -= 1
        if self.left < 0:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return rasterize(*args, **kwargs)


def test_a_full_gpu_delivers_the_measured_model_and_says_so(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(learner, "rasterize", FullAfter(5))
    report = ListReporter()
    facts = export.run(workspace, CONFIG, report)
    measured, delivered = scenes(workspace)
    assert facts["refined"] is False
    assert torch.equal(measured.means, delivered.means)
    ((code, told),) = report.named("warn")
    assert code == "not_finished_with_all_photos"
    assert told["reason"]["code"] == "out_of_memory"


def test_a_fault_in_it_does_not_cost_the_job(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "refine", failing(RuntimeError("nobody foresaw this")))
    report = ListReporter()
    assert export.run(workspace, CONFIG, report)["refined"] is False
    ((_, told),) = report.named("warn")
    assert told["reason"]["detail"] == "RuntimeError: nobody foresaw this"
    assert any("Traceback" in line for line in report.named("log"))


def test_a_scene_that_broke_is_not_delivered(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = dull()
    broken.means[7, 1] = float("nan")
    monkeypatch.setattr(engine, "refine", lambda *args, **kwargs: broken)
    assert export.run(workspace, CONFIG, ListReporter())["refined"] is False
    assert scenes(workspace)[1].means.isfinite().all()


@pytest.mark.parametrize("stop", [Cancelled, TimeLimit])
def test_a_stop_in_the_middle_leaves_the_older_scene_whole(
    workspace: Workspace, stop: type[BaseException]
) -> None:
    class Stopping(ListReporter):
        def __call__(self, fraction: float, code: str = "", /, **facts: Any) -> None:
            if facts.get("inner", {}).get("code") == "training_step":
                raise stop

    with pytest.raises(stop):
        export.run(workspace, CONFIG, Stopping())
    assert not workspace.point_cloud.exists()
    export.run(workspace, CONFIG, ListReporter())
    before = (workspace.iteration(60) / "scene.splat").read_bytes()
    with pytest.raises(stop):
        export.run(workspace, CONFIG, Stopping())
    assert (workspace.iteration(60) / "scene.splat").read_bytes() == before
    assert not list(workspace.root.rglob("*.partial"))


def test_a_disk_that_fills_up_while_writing_leaves_no_half_scene(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "write_splat", failing(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        export.run(workspace, CONFIG, ListReporter())
    assert not workspace.point_cloud.exists()


def test_progress_never_goes_backwards_and_says_what_it_does(workspace: Workspace) -> None:
    report = ListReporter()
    export.run(workspace, CONFIG, report)
    told = report.named("progress")
    fractions = [fraction for fraction, _ in told]
    assert fractions == sorted(fractions)
    assert 0 <= fractions[0] < fractions[-1] <= 1
    assert any(m.startswith("finishing with all 6 photos: training step 30 of 30") for _, m in told)


def test_the_seed_and_the_switch_decide_the_result() -> None:
    off = replace(CONFIG, export=replace(CONFIG.export, final_refine=False))
    assert export.settings(off) != export.settings(CONFIG)
    assert export.settings(replace(CONFIG, seed=1)) != export.settings(CONFIG)


def test_every_photo_is_part_of_the_result(workspace: Workspace) -> None:
    before = export.inputs(workspace, CONFIG)
    spoil_test_photo(workspace)
    assert export.inputs(workspace, CONFIG) != before


@pytest.mark.usefixtures("every_step_is_told")
def test_a_finish_that_was_interrupted_goes_on_where_it_was(
    workspace: Workspace, tmp_path_factory: pytest.TempPathFactory
) -> None:
    class Stopping(ListReporter):
        def __call__(self, fraction: float, code: str = "", /, **facts: Any) -> None:
            super().__call__(fraction, code, **facts)
            told = self.named("progress")[-1][1]
            if told.startswith("finishing with all 6 photos: training step 17 of 30"):
                raise Interrupted

    with pytest.raises(Interrupted):
        export.run(workspace, CONFIG, Stopping())
    report = ListReporter()
    export.run(workspace, CONFIG, report)
    assert "finishing with all 6 photos: continued at step 17 of 30" in report.named("log")
    other = write_tiny_workspace(tmp_path_factory.mktemp("whole"))
    write_trained(other, dull(), CONFIG.train)
    Results(scene=UNFILTERED).write(other)
    export.run(other, CONFIG, ListReporter())
    for one, same in zip(scenes(workspace), scenes(other), strict=True):
        assert torch.equal(one.means, same.means)
        assert torch.equal(one.opacities, same.opacities)
