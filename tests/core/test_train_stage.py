import json
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from plyfile import PlyData

from recon.pipeline import checkpoint_folder
from recon.pipeline.config import PipelineConfig
from recon.pipeline.errors import Cancelled, Interrupted, PipelineError
from recon.pipeline.outcome import settings_used, steps_trained
from recon.pipeline.progress import ListReporter
from recon.pipeline.stages import train
from recon.pipeline.workspace import Workspace
from recon.splats import engine, learner
from recon.splats.config import TrainConfig
from recon.splats.formats import read_ply
from recon.splats.gaussians import Camera
from recon.splats.rasterizers import rasterize
from recon.splats.scene import PosedPhoto, read_model
from recon.splats.snapshots import read_snapshot, remove_snapshots
from tests.core.test_scene import spoil_test_photo
from tests.core.tiny_scene import NAMES, tiny_camera, write_tiny_workspace
from tests.photos import PROJECT
from tests.waiting import wait_until

CONFIG = PipelineConfig(
    train=TrainConfig(
        iterations=6, max_gaussians=250, sh_degree=1, sh_degree_interval=2, refine_every=2
    )
)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return write_tiny_workspace(tmp_path)


def trained_bytes(workspace: Workspace, config: PipelineConfig = CONFIG) -> bytes:
    train.run(workspace, config, ListReporter())
    return (workspace.held_out_iteration(6) / "point_cloud.ply").read_bytes()


def test_training_leaves_its_files(workspace: Workspace) -> None:
    report = ListReporter()
    facts = train.run(workspace, CONFIG, report)
    gaussians = read_ply(workspace.held_out_iteration(6) / "point_cloud.ply")
    assert facts["gaussian_count"] == len(gaussians) <= 250
    assert facts["iterations"] == 6
    assert facts["training_size"] == [60, 40]
    assert len(PlyData.read(workspace.input_ply)["vertex"]) > 100
    assert json.loads(workspace.cfg_args.read_text())["train"]["max_gaussians"] == 250
    assert any("5 photos of 60x40 px" in line for line in report.named("log"))
    json.dumps(facts)
    assert not list(workspace.root.rglob("*.partial"))


def test_where_stereo_finds_too_little_the_sfm_points_are_the_start(workspace: Workspace) -> None:
    said = "Stereo found too little: training starts from the SfM points."
    for min_coverage, falls_back in ((0.0, False), (1.0, True)):
        dense = replace(CONFIG.train.dense, min_coverage=min_coverage, initial_opacity=0.37)
        settings = replace(CONFIG.train, iterations=0, initial_opacity=0.21, dense=dense)
        report = ListReporter()
        model = read_model(workspace.undistorted_sparse, workspace.train_txt, workspace.test_txt)
        result = engine.train(
            model.train,
            workspace.images,
            settings,
            device=torch.device("cpu"),
            seed=0,
            report=report,
        )
        assert (said in report.named("log")) == falls_back
        expected = torch.tensor(0.21 if falls_back else 0.37)
        torch.testing.assert_close(
            result.gaussians.opacities.sigmoid(), expected.expand(len(result.gaussians))
        )


def test_cameras_are_written_as_graphdeco_does(workspace: Workspace) -> None:
    train.run(workspace, CONFIG, ListReporter())
    cameras = json.loads(workspace.cameras_json.read_text())
    assert [camera["img_name"] for camera in cameras] == NAMES
    last = tiny_camera(5)
    np.testing.assert_allclose(cameras[5]["position"], last.position, atol=1e-6)
    np.testing.assert_allclose(cameras[5]["rotation"], np.eye(3), atol=1e-6)
    assert cameras[5]["fx"] == pytest.approx(54.0)
    assert (cameras[5]["cx"], cameras[5]["cy"]) == pytest.approx((last.K[0, 2], last.K[1, 2]))
    assert (cameras[5]["width"], cameras[5]["height"]) == (60, 40)
    assert [camera["id"] for camera in cameras if camera.get("start")] in ([2], [3])


def test_a_test_photo_never_influences_training(workspace: Workspace) -> None:
    before = trained_bytes(workspace)
    spoil_test_photo(workspace)
    assert trained_bytes(workspace) == before


def darken(photo: Path) -> None:
    """Another picture from the same place: one of another place would be left out."""
    with Image.open(photo) as picture:
        darker = picture.point(lambda value: 0.8 * value)
    darker.save(photo)


def test_a_train_photo_does_influence_training(workspace: Workspace) -> None:
    before = trained_bytes(workspace)
    darken(workspace.images / NAMES[3])
    assert trained_bytes(workspace) != before


def test_the_resolution_is_that_of_the_settings(workspace: Workspace) -> None:
    config = replace(CONFIG, train=replace(CONFIG.train, max_image_size=30))
    assert train.run(workspace, config, ListReporter())["training_size"] == [30, 20]


class FullGpu:
    """Stands in for `rasterize`; out of memory for the first `failures` trainings."""

    def __init__(self, failures: int) -> None:
        self.left = failures

    def __call__(self, *args, **kwargs):
        if self.left:
            self.left -= 1
            raise torch.OutOfMemoryError("CUDA out of memory")
        return rasterize(*args, **kwargs)


def test_out_of_memory_tries_once_more_at_three_quarters_and_says_so(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(learner, "rasterize", FullGpu(1))
    report = ListReporter()
    facts = train.run(workspace, CONFIG, report)
    assert report.named("warn") == [("reduced_after_out_of_memory", {"percent": 75})]
    assert facts["training_size"] == [45, 30]
    assert facts["max_gaussians"] == 125
    assert len(read_ply(workspace.held_out_iteration(6) / "point_cloud.ply")) <= 125
    used = settings_used(workspace, CONFIG.train)
    assert (used.max_image_size, used.max_gaussians) == (45, 125)
    assert used == replace(CONFIG.train, max_image_size=45, max_gaussians=125)
    fractions = [fraction for fraction, _ in report.named("progress")]
    assert fractions == sorted(fractions)


def test_out_of_memory_twice_is_the_end(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(learner, "rasterize", FullGpu(2))
    report = ListReporter()
    with pytest.raises(PipelineError) as caught:
        train.run(workspace, CONFIG, report)
    assert caught.value.code == "gpu_out_of_memory"
    assert report.named("warn") == []


def test_a_cancelled_training_leaves_no_model(workspace: Workspace) -> None:
    class Cancelling(ListReporter):
        def __call__(self, fraction: float, code: str = "", /, **facts: Any) -> None:
            if code == "training_step":
                raise Cancelled

    with pytest.raises(Cancelled):
        train.run(workspace, CONFIG, Cancelling())
    assert not (workspace.held_out_iteration(6) / "point_cloud.ply").exists()


def test_watching_the_gpu_is_no_part_of_the_result() -> None:
    watched = replace(CONFIG, train=replace(CONFIG.train, gpu_check_interval=7))
    assert train.settings(watched) == train.settings(CONFIG)
    assert train.settings(replace(CONFIG, seed=1)) != train.settings(CONFIG)


def test_inputs_follow_the_photos_the_poses_and_the_split(workspace: Workspace) -> None:
    seen = [train.inputs(workspace, CONFIG)]
    (workspace.images / NAMES[0]).write_bytes(b"other")
    seen.append(train.inputs(workspace, CONFIG))
    (workspace.undistorted_sparse / "images.txt").write_text("other")
    seen.append(train.inputs(workspace, CONFIG))
    workspace.test_txt.write_text("other")
    seen.append(train.inputs(workspace, CONFIG))
    assert len({json.dumps(digests) for digests in seen}) == 4


def test_what_was_used_is_kept_for_the_stages_after(workspace: Workspace) -> None:
    assert steps_trained(workspace) == 0
    train.run(workspace, CONFIG, ListReporter())
    assert steps_trained(workspace) == 6
    watching = replace(CONFIG.train, gpu_check_interval=7)
    assert settings_used(workspace, watching) == watching
    # What the config says by now does not count.
    assert settings_used(workspace, replace(CONFIG.train, iterations=9)) == CONFIG.train


def test_the_steps_may_be_others_than_asked_for(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    fewer = replace(CONFIG, train=replace(CONFIG.train, iterations=4))
    real = train._train_in_memory
    monkeypatch.setattr(
        train, "_train_in_memory", lambda space, _, *rest: real(space, fewer, *rest)
    )
    before = train.outputs(workspace, CONFIG)
    train.run(workspace, CONFIG, ListReporter())
    assert (workspace.held_out_iteration(4) / "point_cloud.ply").exists()
    after = train.outputs(workspace, CONFIG)
    assert after != before
    (workspace.held_out_iteration(4) / "point_cloud.ply").unlink()
    assert train.outputs(workspace, CONFIG) != after


@pytest.mark.parametrize(
    ("changes", "count", "steps", "cap"),
    [
        ({}, 4, 600, 1_920),  # few photos: the fewest steps; 0.01 of 4 x 240 x 200 px
        ({"steps_per_photo": 200}, 4, 800, 1_920),
        ({"steps_per_photo": 200}, 3, 600, 1_440),
        ({"steps_per_photo": 900}, 4, 3000, 1_920),  # the configured steps are the most
        ({"max_gaussians": 1_000}, 4, 600, 1_000),
        ({"max_image_size": 120}, 4, 600, 480),
        ({"steps_per_photo": 0, "gaussians_per_pixel": 0.0}, 4, 3000, 300_000),
        ({"iterations": 50}, 4, 50, 1_920),
    ],
)
def test_steps_and_cap_follow_the_photos(
    monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any], count: int, steps: int, cap: int
) -> None:
    monkeypatch.setattr(engine, "_MIN_CAP", 100)
    K = torch.tensor([[200.0, 0, 120], [0, 200.0, 100], [0, 0, 1]])
    nothing = np.empty((0, 2)), np.empty(0, np.int64)
    photos = [PosedPhoto(f"{i}", Camera(torch.eye(4), K, 240, 200), *nothing) for i in range(count)]
    asked = replace(TrainConfig(gaussians_per_pixel=0.01), **changes)
    decided = engine.fit_to_photos(asked, photos)
    assert (decided.iterations, decided.max_gaussians) == (steps, cap)


def test_a_tiny_photo_of_a_large_place_gets_gaussians_enough() -> None:
    K = torch.eye(3)
    photo = PosedPhoto("0", Camera(torch.eye(4), K, 8, 8), np.empty((0, 2)), np.empty(0, np.int64))
    assert engine.fit_to_photos(TrainConfig(), [photo]).max_gaussians == 20_000


def test_the_stage_trains_as_long_as_its_photos_are_worth(workspace: Workspace) -> None:
    asked = replace(CONFIG.train, steps_per_photo=2, min_iterations=1)
    asked = replace(asked, iterations=100)
    facts = train.run(workspace, replace(CONFIG, train=asked), ListReporter())
    assert facts["iterations"] == 2 * 5
    assert settings_used(workspace, asked).iterations == 10
    assert steps_trained(workspace) == 10


def test_a_lost_output_changes_the_outputs(workspace: Workspace) -> None:
    train.run(workspace, CONFIG, ListReporter())
    before = train.outputs(workspace, CONFIG)
    workspace.input_ply.unlink()
    assert train.outputs(workspace, CONFIG) != before


def test_training_leaves_a_snapshot_that_is_no_output(workspace: Workspace) -> None:
    train.run(workspace, CONFIG, ListReporter())
    before = train.outputs(workspace, CONFIG)
    snapshot = read_snapshot(workspace.snapshot)
    assert snapshot is not None
    assert (snapshot.step, snapshot.of, snapshot.photo) == (6, 6, NAMES[2])
    assert snapshot.held_out
    remove_snapshots(workspace.snapshot)
    assert train.outputs(workspace, CONFIG) == before


LONG = replace(CONFIG, train=replace(CONFIG.train, iterations=120, refine_every=40))
_TRAINING = """
import signal
import sys
from pathlib import Path
from recon.pipeline.progress import ListReporter
from recon.pipeline.stages import train
from recon.pipeline.workspace import Workspace
from recon.splats import checkpoints
from recon.splats.learner import Learner
from tests.core.test_train_stage import LONG

checkpoints.EVERY = 0.05
workspace, step = Workspace(Path(sys.argv[1])), Learner.step


def wait_for_the_kill_once_kept(self, *view, **pace):
    if (workspace.checkpoint / "state.pt").exists():
        signal.pause()
    return step(self, *view, **pace)


Learner.step = wait_for_the_kill_once_kept
train.run(workspace, LONG, ListReporter())
"""


@pytest.mark.slow
def test_a_training_that_the_kernel_kills_goes_on_and_ends_as_if_nothing_had_been(
    tmp_path: Path,
) -> None:
    killed, whole = (write_tiny_workspace(tmp_path / name) for name in ("killed", "whole"))
    process = subprocess.Popen([sys.executable, "-c", _TRAINING, killed.root], cwd=PROJECT)
    state = killed.checkpoint / "state.pt"
    wait_until(
        lambda: process.poll() is not None or state.exists(), "it keeps its state", longest_s=0.01
    )
    process.kill()
    assert process.wait() == -signal.SIGKILL
    assert not killed.held_out.exists()
    report = ListReporter()
    facts = train.run(killed, LONG, report)
    (said,) = (line for line in report.named("log") if "continued" in line)
    done = int(said.removeprefix("continued at step ").removesuffix(" of 120"))
    assert done > 0
    start, steps = report.named("taken_over")
    assert (start, steps) == (pytest.approx(0.1), pytest.approx(0.9 * done / 120))
    messages = [message for _, message in report.named("progress")]
    assert "measuring depths" not in messages
    first = next(message for message in messages if message.startswith("training step"))
    assert int(first.split()[2]) == done + 1
    assert train.run(whole, LONG, ListReporter()) == facts
    for made in ("held_out/point_cloud/iteration_120/point_cloud.ply", "input.ply"):
        assert (killed.output / made).read_bytes() == (whole.output / made).read_bytes()


class Stopping(ListReporter):
    """Stops, as the machine would, at a message with these words."""

    def __init__(self, words: str) -> None:
        super().__init__()
        self._words = words

    def __call__(self, fraction: float, code: str = "", /, **facts: Any) -> None:
        super().__call__(fraction, code, **facts)
        if self._words in self.named("progress")[-1][1]:
            raise Interrupted


def test_a_start_that_was_measured_is_kept_before_the_first_step(workspace: Workspace) -> None:
    with pytest.raises(Interrupted):
        train.run(workspace, CONFIG, Stopping("training step 1 of"))
    (workspace.checkpoint / "state.pt").unlink()
    report = ListReporter()
    train.run(workspace, CONFIG, report)
    assert report.named("taken_over") == [pytest.approx(0.1)]
    assert "measuring depths" not in {message for _, message in report.named("progress")}


@pytest.mark.parametrize("change", ["photo", "pose", "split", "seed", "setting", "device"])
@pytest.mark.usefixtures("every_step_is_told")
def test_what_was_begun_for_other_photos_or_settings_is_not_gone_on_with(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    with pytest.raises(Interrupted):
        train.run(workspace, CONFIG, Stopping("training step 3 of"))
    config = CONFIG
    if change == "photo":
        darken(workspace.images / NAMES[3])
    elif change == "pose":
        poses = workspace.undistorted_sparse / "images.txt"
        poses.write_text(poses.read_text().replace("1 1 0 0 0 ", "1 0.9999 0.01 0 0 ", 1))
    elif change == "split":
        workspace.test_txt.write_text("")
    elif change == "seed":
        config = replace(CONFIG, seed=5)
    elif change == "setting":
        config = replace(CONFIG, train=replace(CONFIG.train, dropout=0.2))
    else:
        real = checkpoint_folder.digest_json
        monkeypatch.setattr(
            checkpoint_folder, "digest_json", lambda value: real({**value, "device": "cuda"})
        )
    report = ListReporter()
    train.run(workspace, config, report)
    assert report.named("taken_over") == []
    assert not [line for line in report.named("log") if "continued" in line]


@pytest.mark.usefixtures("every_step_is_told")
def test_after_a_full_gpu_it_goes_on_with_the_smaller_settings(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(learner, "rasterize", FullGpu(1))
    with pytest.raises(Interrupted):
        train.run(workspace, CONFIG, Stopping("training step 3 of"))
    monkeypatch.setattr(learner, "rasterize", FullGpu(0))
    report = ListReporter()
    facts = train.run(workspace, CONFIG, report)
    assert facts["training_size"] == [45, 30]
    assert report.named("warn") == [("reduced_after_out_of_memory", {"percent": 75})]
    assert "continued at step 3 of 6" in report.named("log")
    assert not any("Once more" in line for line in report.named("log"))
