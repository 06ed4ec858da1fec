"""Every photo held out once: which photos each fold sees, what its figures mean, how it may end."""

from __future__ import annotations

import json
import statistics
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from recon.pipeline.after_training import cross_validation
from recon.pipeline.config import EvaluateConfig, PipelineConfig
from recon.pipeline.errors import Cancelled, Interrupted, TimeLimit
from recon.pipeline.outcome import PreparedPhotos
from recon.pipeline.photos.prepare import PreparedPhoto
from recon.pipeline.progress import ListReporter
from recon.pipeline.same_spot import write_same_spot
from recon.pipeline.stages import evaluate
from recon.pipeline.words.reasons import Reason
from recon.pipeline.workspace import Workspace
from recon.poses.splits import folds, split
from recon.splats import engine
from recon.splats.config import TrainConfig
from recon.splats.exposure_prediction import predict_exposures
from tests.core.tiny_scene import NAMES, tiny_gaussians, write_tiny_workspace, write_trained

CONFIG = PipelineConfig(
    train=TrainConfig(iterations=3, max_image_size=None, sh_degree=0, max_gaussians=300),
    evaluate=EvaluateConfig(lpips=False, cross_validate=True),
)
#: The six photos' folds; the third is the job's own split.
FOLDS = [[NAMES[0], NAMES[5]], [NAMES[1]], [NAMES[2]], [NAMES[3]], [NAMES[4]]]


class Trainings:
    """Watches `engine.train`, which works as usual, except in the calls numbered in `fail`."""

    def __init__(self, fail: dict[int, Exception] | None = None) -> None:
        self.photos: list[list[str]] = []
        self.settings: list[TrainConfig] = []
        self._fail = fail or {}
        self._real = engine.train

    def __call__(
        self, photos: Sequence[Any], images: Path, config: TrainConfig, **rest: Any
    ) -> Any:
        self.photos.append([photo.name for photo in photos])
        self.settings.append(config)
        if len(self.photos) in self._fail:
            raise self._fail[len(self.photos)]
        return self._real(photos, images, config, **rest)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    workspace = write_tiny_workspace(tmp_path)
    write_trained(workspace, tiny_gaussians(), CONFIG.train)
    return workspace


@pytest.fixture
def trainings(monkeypatch: pytest.MonkeyPatch) -> Trainings:
    trainings = Trainings()
    monkeypatch.setattr(engine, "train", trainings)
    return trainings


def results_of(
    workspace: Workspace, config: PipelineConfig = CONFIG, report: ListReporter | None = None
) -> dict[str, Any]:
    evaluate.run(workspace, config, report or ListReporter())
    found: dict[str, Any] = json.loads(workspace.results_json.read_text())
    return found


def use_only(workspace: Workspace, train: list[str], test: list[str]) -> None:
    """The other photos found no place in the scene."""
    workspace.train_txt.write_text("".join(f"{name}\n" for name in train))
    workspace.test_txt.write_text("".join(f"{name}\n" for name in test))


def test_a_photo_that_training_left_out_is_in_no_fold(
    workspace: Workspace, trainings: Trainings
) -> None:
    wrong = NAMES[1]
    write_trained(workspace, tiny_gaussians(), CONFIG.train, left_out=[wrong])
    results = results_of(workspace)
    assert results["cross_validation"]["folds"] == [fold for fold in FOLDS if fold != [wrong]]
    assert len(trainings.photos) == 3
    assert not any(wrong in photos for photos in trainings.photos)
    others = [name for name in NAMES if name not in (wrong, NAMES[2])]
    assert results["split"] == {"train": others, "test": [NAMES[2]], "left_out": [wrong]}


def test_each_fold_is_trained_from_its_own_photos_and_the_jobs_split_not_again(
    workspace: Workspace, trainings: Trainings
) -> None:
    results = results_of(workspace)
    assert results["protocol"] == "cross-validation"
    assert results["cross_validation"]["folds"] == FOLDS
    others = [fold for fold in FOLDS if fold != [NAMES[2]]]
    assert trainings.photos == [[n for n in NAMES if n not in fold] for fold in others]
    assert list(results["cross_validation"]["per_view"]) == NAMES
    assert not workspace.folds.exists()


def test_every_photo_lies_beside_its_render_by_the_model_that_did_not_see_it(
    workspace: Workspace,
) -> None:
    views = results_of(workspace)["cross_validation"]["per_view"]
    others = [name for name in NAMES if name != NAMES[2]]  # the job's own split has a folder
    for kind in ("renders", "gt"):
        found = sorted(path.name for path in (workspace.fold_pictures / kind).iterdir())
        assert found == [f"{Path(name).stem}.png" for name in others]
    for name in others:
        render, truth = (
            np.asarray(Image.open(workspace.fold_pictures / kind / f"{Path(name).stem}.png"), float)
            for kind in ("renders", "gt")
        )
        psnr = 20 * np.log10(255) - 10 * np.log10(np.mean((render - truth) ** 2))
        assert psnr == pytest.approx(views[name]["PSNR"], abs=0.1)


def test_folds_use_what_the_camera_says_of_the_photos(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = {name: 10.0 + number for number, name in enumerate(NAMES)}
    photos = [PreparedPhoto(name, name, 60, 40, None, "0f", ev100=values[name]) for name in NAMES]
    PreparedPhotos(photos=tuple(photos)).write(workspace)
    given = []

    def spy(*arguments: Any) -> Any:
        given.append(arguments[-1])
        return predict_exposures(*arguments)

    monkeypatch.setattr(cross_validation, "predict_exposures", spy)
    results_of(workspace)
    assert given == [values] * (len(FOLDS) - 1)  # the job's own split was scored before


def test_the_headline_is_the_mean_over_all_photos_with_its_spread(workspace: Workspace) -> None:
    results = results_of(workspace)
    views = results["cross_validation"]["per_view"]
    psnrs = [view["PSNR"] for view in views.values()]
    assert results["psnr"] == pytest.approx(statistics.mean(psnrs))
    assert results["spread"]["psnr"] == pytest.approx(statistics.stdev(psnrs))
    assert results["spread"]["ssim"] > 0
    assert results["spread"]["lpips"] is None
    corrected = results["cross_validation"]["corrected"]
    assert results["psnr_corrected"] == corrected["PSNR"]
    # The job's split has the true scene here, the folds were hardly trained.
    assert views[NAMES[2]] == results["ours_3"]["per_view"][NAMES[2]]
    assert results["ours_3"]["PSNR"] > results["psnr"] + 5


def test_the_summary_says_which_protocol_it_was(workspace: Workspace) -> None:
    facts = evaluate.run(workspace, CONFIG, ListReporter())
    assert facts["protocol"] == "cross-validation"
    assert facts["spread"]["psnr"] > 0
    plain = replace(CONFIG, evaluate=replace(CONFIG.evaluate, cross_validate=False))
    facts = evaluate.run(workspace, plain, ListReporter())
    assert (facts["protocol"], facts["spread"]) == ("held-out", None)


def test_fewer_than_five_photos_are_left_out_one_by_one(
    workspace: Workspace, trainings: Trainings
) -> None:
    few = NAMES[:4]
    use_only(workspace, [few[0], few[2], few[3]], [few[1]])
    results = results_of(workspace)
    assert results["cross_validation"]["folds"] == [[name] for name in few]
    assert trainings.photos == [[n for n in few if n != out] for out in few if out != few[1]]


def test_photos_from_one_spot_are_held_out_by_one_fold(
    workspace: Workspace, trainings: Trainings
) -> None:
    write_same_spot(workspace, [NAMES[:2]])
    results = results_of(workspace)
    assert results["cross_validation"]["folds"] == [NAMES[:2], *([name] for name in NAMES[2:])]
    assert trainings.photos[0] == NAMES[2:], "neither is trained on"


@pytest.mark.parametrize("count", range(3, 11))
def test_every_photo_is_in_one_fold_and_the_split_is_one_of_them(count: int) -> None:
    names = [f"{index:02}.jpg" for index in range(count)]
    found = folds(reversed(names), every=5)
    assert sorted(name for fold in found for name in fold) == names
    assert len(found) == min(count, 5)
    _, test = split(names, every=5, offset=2, offset_few=1)
    assert test in found


def test_folds_are_trained_with_the_settings_that_training_used(
    workspace: Workspace, trainings: Trainings
) -> None:
    used = replace(CONFIG.train, iterations=2, max_image_size=45, max_gaussians=150)
    write_trained(workspace, tiny_gaussians(), used)
    results_of(workspace)
    assert trainings.settings == [used] * 4


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        (replace(CONFIG, preset="quick"), "quick"),
        (
            replace(CONFIG, evaluate=replace(CONFIG.evaluate, cross_validate_max_photos=5)),
            "5 photos or fewer, and 6",
        ),
    ],
)
def test_where_it_does_not_apply_the_log_says_why(
    workspace: Workspace, trainings: Trainings, config: PipelineConfig, reason: str
) -> None:
    report = ListReporter()
    results = results_of(workspace, config, report)
    assert results["protocol"] == "held-out"
    assert trainings.photos == []
    assert any(reason in line for line in report.named("log"))
    assert report.named("warn") == []


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (RuntimeError("nobody foresaw"), Reason("unforeseen", "RuntimeError: nobody foresaw")),
        (torch.OutOfMemoryError("CUDA out of memory"), Reason("out_of_memory")),
    ],
)
def test_a_fold_that_fails_leaves_the_figures_of_the_jobs_split(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, error: Exception, reason: Reason
) -> None:
    monkeypatch.setattr(engine, "train", Trainings({2: error}))
    report = ListReporter()
    results = results_of(workspace, CONFIG, report)
    assert results["protocol"] == "held-out"
    assert results["psnr"] == results["ours_3"]["PSNR"]
    assert results["cross_validation"] == {"reason": reason.to_dict()}
    assert report.named("warn") == [
        ("not_cross_validated", {"reason": reason.to_dict(), "held_out": 1, "total": 6})
    ]


@pytest.mark.parametrize("stop", [Cancelled, TimeLimit])
def test_a_stop_inside_a_fold_ends_the_stage_and_finished_folds_are_kept(
    workspace: Workspace, trainings: Trainings, stop: type[BaseException]
) -> None:
    class Stopping(ListReporter):
        def __call__(self, fraction: float, code: str = "", /, **facts: Any) -> None:
            super().__call__(fraction, code, **facts)
            if self.named("progress")[-1][1].startswith("fold 2 of 5: training step"):
                raise stop

    report = Stopping()
    with pytest.raises(stop):
        evaluate.run(workspace, CONFIG, report)
    assert not workspace.results_json.exists()
    assert len(trainings.photos) == 2
    again = results_of(workspace)
    assert len(trainings.photos) == 2 + 3  # the first fold's figures still held
    assert again["protocol"] == "cross-validation"
    del trainings.photos[:]
    assert results_of(workspace) == again
    assert len(trainings.photos) == 4  # a new run makes all of them again


def test_a_kept_fold_does_not_outlive_what_it_was_made_of(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "train", Trainings({4: RuntimeError("stopped here")}))
    results_of(workspace)
    assert len(list(workspace.folds.iterdir())) == 3
    monkeypatch.undo()
    trainings = Trainings()
    monkeypatch.setattr(engine, "train", trainings)
    results_of(workspace, replace(CONFIG, seed=CONFIG.seed + 1))
    assert len(trainings.photos) == 4


def test_progress_says_which_fold_runs_and_never_goes_backwards(workspace: Workspace) -> None:
    report = ListReporter()
    evaluate.run(workspace, CONFIG, report)
    told = report.named("progress")
    fractions = [fraction for fraction, _ in told]
    assert fractions == sorted(fractions)
    assert fractions[-1] == pytest.approx(1.0)
    for number in (1, 2, 4, 5):
        assert any(
            message.startswith(f"fold {number} of 5: training step 3 of 3") for _, message in told
        )
    assert any("fold 4 of 5: Training on cpu" in line for line in report.named("log"))


def test_the_seed_decides_only_where_folds_are_trained() -> None:
    other = replace(CONFIG, seed=1)
    assert evaluate.settings(other) != evaluate.settings(CONFIG)
    draft, other_draft = replace(CONFIG, preset="quick"), replace(other, preset="quick")
    assert evaluate.settings(draft) == evaluate.settings(other_draft)
    plain = replace(draft, evaluate=replace(CONFIG.evaluate, cross_validate=False))
    assert evaluate.settings(draft) == evaluate.settings(plain)


@pytest.mark.usefixtures("every_step_is_told")
def test_a_fold_that_was_interrupted_goes_on_where_it_was(
    workspace: Workspace, tmp_path_factory: pytest.TempPathFactory
) -> None:
    class Stopping(ListReporter):
        def __call__(self, fraction: float, code: str = "", /, **facts: Any) -> None:
            super().__call__(fraction, code, **facts)
            if self.named("progress")[-1][1].startswith("fold 4 of 5: training step 2 of 3"):
                raise Interrupted

    with pytest.raises(Interrupted):
        results_of(workspace, report=Stopping())
    report = ListReporter()
    results = results_of(workspace, report=report)
    assert "fold 4 of 5: continued at step 2 of 3" in report.named("log")
    begun = {m.split(":")[0] for _, m in report.named("progress") if ": training step" in m}
    assert begun == {"fold 4 of 5", "fold 5 of 5"}
    share = 0.9 / 5  # of the step, per fold
    assert report.named("taken_over") == [
        pytest.approx(part) for part in (share, share, 0.9 * share * 0.1, 0.9 * share * 0.9 * 2 / 3)
    ]
    other = write_tiny_workspace(tmp_path_factory.mktemp("whole"))
    write_trained(other, tiny_gaussians(), CONFIG.train)
    assert results_of(other) == results
