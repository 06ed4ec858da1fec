import itertools
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from recon.pipeline.progress import ListReporter
from recon.splats import live
from recon.splats.config import TrainConfig
from recon.splats.evaluation import draw, score
from recon.splats.formats import read_splat
from recon.splats.gaussians import Gaussians
from recon.splats.live import LiveSnapshots, live_snapshots, middle_photo, most_visible
from recon.splats.scene import View, read_model
from recon.splats.snapshots import Snapshot, read_snapshot, remove_snapshots
from recon.splats.training import fit, observe_nothing
from tests.core.tiny_scene import TEST, tiny_camera, tiny_gaussians, write_tiny_workspace
from tests.photos import PROJECT

CONFIG = TrainConfig(iterations=12, max_gaussians=400, sh_degree=0, refine_every=4)


class Clock:
    """A clock that advances only when told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def view() -> View:
    camera = tiny_camera(2)
    return View("002.png", camera, (draw(tiny_gaussians(), camera) * 255).byte())


def watcher(folder: Path, view: View, clock: Clock, log: list[str] | None = None) -> LiveSnapshots:
    return LiveSnapshots(
        folder, view, held_out=True, log=[].append if log is None else log.append, clock=clock
    )


def newest(folder: Path) -> Snapshot:
    snapshot = read_snapshot(folder)
    assert snapshot is not None
    return snapshot


def test_after_two_seconds_then_steadily_and_the_last_step(tmp_path: Path, view: View) -> None:
    clock = Clock()
    watch = watcher(tmp_path / "s", view, clock)
    clock.now += 3  # loading
    taken = []
    for step in range(1, 61):
        watch(step, 60, tiny_gaussians())
        taken.append(newest(tmp_path / "s").step if (tmp_path / "s").is_dir() else 0)
        clock.now += 0.125
    assert sorted(set(taken)) == [0, 19, 29, 39, 49, 59, 60]
    last = newest(tmp_path / "s")
    assert (last.of, last.gaussians, last.shown) == (60, 300, 300)
    assert last.start_seconds == 3
    assert [(step, seconds) for step, seconds, _ in last.history] == [
        (19, 2.25), (29, 3.5), (39, 4.75), (49, 6.0), (59, 7.25), (60, 7.375),
    ]  # fmt: skip


def test_slow_snapshots_come_less_often(
    tmp_path: Path, view: View, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()

    def slow(*args):
        clock.now += 0.6
        return draw(*args)

    monkeypatch.setattr(live, "draw", slow)
    watch = watcher(tmp_path / "s", view, clock)
    for step in range(1, 3001):
        watch(step, 10_000, tiny_gaussians(20))
        clock.now += 0.1
    seconds = [entry[1] for entry in newest(tmp_path / "s").history]
    assert newest(tmp_path / "s").spent_seconds == pytest.approx(0.6 * (len(seconds) - 1))
    assert 15 < len(seconds) <= 25  # each took 0.6 of 300 seconds: 25 are 5%
    assert min(after - before for before, after in itertools.pairwise(seconds)) > 12


def test_a_snapshot_says_what_evaluation_would(tmp_path: Path, view: View) -> None:
    gaussians = tiny_gaussians(seed=1)
    watcher(tmp_path / "s", view, Clock())(5, 5, gaussians)
    snapshot = newest(tmp_path / "s")
    expected = score(gaussians, [view], None).means["psnr"]
    assert snapshot.psnr == pytest.approx(expected, abs=1e-3)
    assert snapshot.held_out
    assert snapshot.photo == "002.png"
    with Image.open(snapshot.render) as picture:
        seen = np.asarray(picture, float)
    drawn = draw(gaussians, view.camera).numpy() * 255
    assert np.abs(seen - drawn).mean() < 6  # JPEG
    json.loads((tmp_path / "s" / "snapshot.json").read_text(), parse_constant=pytest.fail)


def test_the_render_is_small_and_the_splat_has_the_most_visible(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "MAX_SHOWN", 40)
    camera = tiny_camera(2, 960, 640)
    large = View("002.png", camera, torch.zeros(640, 960, 3, dtype=torch.uint8))
    gaussians = tiny_gaussians()
    watcher(tmp_path / "s", large, Clock())(1, 1, gaussians)
    snapshot = newest(tmp_path / "s")
    with Image.open(snapshot.render) as picture:
        assert picture.size == (480, 320)
    shown = read_splat(snapshot.splat)
    assert len(shown) == snapshot.shown == 40
    ahead = shown["rgba"][:, 3] / 255 * np.sort(shown["scales"], axis=1)[:, 1:].prod(axis=1)
    everyone = gaussians.opacities.sigmoid() * gaussians.scales.exp().sort().values[:, 1:].prod(1)
    assert ahead.min() > everyone.sort(descending=True).values[41] * 0.98


def test_a_flat_disc_counts_by_its_face_and_broken_ones_not_at_all() -> None:
    gaussians = tiny_gaussians(4)
    gaussians.scales = torch.tensor(
        [[0.0, 0.0, -9.0], [-2.0, -2.0, -2.0], [float("nan"), 5.0, 5.0], [0.0, 8.0, -9.0]]
    )
    gaussians.opacities = torch.tensor([3.0, 3.0, 3.0, float("inf")])
    assert most_visible(gaussians, 2).tolist() == [3, 0]


def test_training_is_the_same_with_snapshots_as_without(tmp_path: Path, view: View) -> None:
    def train_with(watch) -> Gaussians:
        start = tiny_gaussians(150)
        return fit(start, [view], CONFIG, extent=1.0, seed=0, report=ListReporter(), observe=watch)

    always = LiveSnapshots(tmp_path / "s", view, held_out=False, log=[].append, every=0, first=0)
    watched, alone = train_with(always), train_with(observe_nothing)
    assert newest(tmp_path / "s").step == 12
    for name, tensor in alone.named().items():
        assert torch.equal(tensor, getattr(watched, name)), name


def test_the_set_before_stays_for_whoever_is_reading_it(tmp_path: Path, view: View) -> None:
    watch = watcher(tmp_path / "s", view, Clock())
    sets = []
    for _ in range(3):
        watch(7, 7, tiny_gaussians())
        sets.append(newest(tmp_path / "s"))
    assert len({found.splat for found in sets}) == 3  # the same step again, but other files
    assert not sets[0].splat.exists()
    assert not sets[0].render.exists()
    assert sets[1].splat.exists()
    assert sets[1].render.exists()
    assert len(list((tmp_path / "s").iterdir())) == 5


def test_a_new_attempt_begins_without_the_old_snapshots(tmp_path: Path, view: View) -> None:
    watcher(tmp_path / "s", view, Clock())(1, 1, tiny_gaussians())
    assert read_snapshot(tmp_path / "s")
    watcher(tmp_path / "s", view, Clock())
    assert read_snapshot(tmp_path / "s") is None


def test_a_set_with_a_lost_file_is_none(tmp_path: Path, view: View) -> None:
    watcher(tmp_path / "s", view, Clock())(1, 1, tiny_gaussians())
    newest(tmp_path / "s").render.unlink()
    assert read_snapshot(tmp_path / "s") is None


@pytest.mark.parametrize("text", ["{}", "[]", "", '{"step": 3}'])
def test_what_another_version_wrote_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "snapshot.json").write_text(text)
    assert read_snapshot(tmp_path) is None
    assert read_snapshot(tmp_path / "snapshot.json") is None


def test_a_folder_that_cannot_be_written_ends_the_snapshots_only(
    tmp_path: Path, view: View
) -> None:
    (tmp_path / "file").write_text("in the way")
    log: list[str] = []
    clock = Clock()
    watch = watcher(tmp_path / "file" / "s", view, clock, log)
    for step in range(1, 9):
        watch(step, 9, tiny_gaussians(20))
        clock.now += 1
    assert len(log) == 1
    assert log[0].startswith("No more snapshots: ")
    remove_snapshots(tmp_path / "file" / "s")


def test_a_broken_picture_has_no_psnr(tmp_path: Path, view: View) -> None:
    gaussians = tiny_gaussians()
    gaussians.sh0 = torch.full_like(gaussians.sh0, float("nan"))
    watcher(tmp_path / "s", view, Clock())(1, 1, gaussians)
    snapshot = newest(tmp_path / "s")
    assert snapshot.psnr is None
    assert snapshot.history[-1][2] is None


def test_the_pose_is_the_middle_held_out_photo(tmp_path: Path) -> None:
    workspace = write_tiny_workspace(tmp_path)
    model = read_model(workspace.undistorted_sparse, workspace.train_txt, workspace.test_txt)
    photo, held_out = middle_photo(model)
    assert (photo.name, held_out) == (TEST[0], True)
    both = replace(model, test=[*model.test, model.train[0]])
    assert middle_photo(both)[0].name == TEST[0]
    nobody = replace(model, train=model.photos, test=[])
    photo, held_out = middle_photo(nobody)
    assert photo.name in ("002.png", "003.png")
    assert not held_out


def test_it_looks_at_the_size_trained_at(tmp_path: Path) -> None:
    workspace = write_tiny_workspace(tmp_path)
    model = read_model(workspace.undistorted_sparse, workspace.train_txt, workspace.test_txt)
    watch = live_snapshots(tmp_path / "s", model, workspace.images, 30, log=[].append)
    watch(1, 1, tiny_gaussians())
    with Image.open(newest(tmp_path / "s").render) as picture:
        assert picture.size == (30, 20)


@pytest.mark.slow
def test_reading_snapshots_needs_no_torch() -> None:
    program = "import sys, recon.splats.snapshots; print('torch' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=PROJECT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False"


def test_none_is_taken_just_after_gaussians_came(tmp_path: Path, view: View) -> None:
    clock = Clock()
    watch = watcher(tmp_path / "s", view, clock)
    clock.now += 10
    watch(1, 60, tiny_gaussians(20))
    for step in range(2, 60):
        clock.now += 3
        watch(step, 60, tiny_gaussians(20 if step < 10 else 21))
    steps = [step for step, _, _ in newest(tmp_path / "s").history]
    assert steps == [*range(2, 10), *range(40, 60)]
