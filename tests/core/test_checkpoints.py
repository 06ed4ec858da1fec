"""A training that is interrupted and resumed: that the result is the same, and what it may cost."""

from __future__ import annotations

import errno
import itertools
import pickle
import random
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from recon.pipeline.progress import ListReporter
from recon.splats import checkpoints as module
from recon.splats.checkpoints import Checkpoints, remove_checkpoints
from recon.splats.config import TrainConfig
from recon.splats.gaussians import Gaussians
from recon.splats.live import LiveSnapshots
from recon.splats.scene import View
from recon.splats.snapshots import read_snapshot
from recon.splats.stop_signal import Stopped
from recon.splats.training import fit
from tests.core.tiny_scene import tiny_camera, tiny_gaussians, tiny_views

#: Everything that a step may change is on: growth, dropout, backgrounds, exposures, harmonics, the
#: mean.
CONFIG = TrainConfig(
    iterations=60,
    max_gaussians=400,
    sh_degree=1,
    sh_degree_interval=12,
    refine_start=0.1,
    refine_stop=0.8,
    refine_every=8,
    average_from=0.5,
    exposure_lr=0.01,
)


pytestmark = pytest.mark.usefixtures("every_step_is_told")


class Killed(BaseException):
    """As when the kernel kills it: nothing is tidied up, nothing more is written."""


class Report(ListReporter):
    """Ends the training after step `at` by raising `end`, and counts the steps."""

    def __init__(self, at: int = 0, end: type[BaseException] = Killed) -> None:
        super().__init__()
        self._at, self._end, self.steps = at, end, 0

    def observe(self, done: int, of: int, gaussians: Gaussians) -> None:
        self.steps += 1
        wait_for_writing()
        if done == self._at and self._end is Killed:
            raise Killed

    def __call__(self, fraction: float, code: str = "", /, **facts: Any) -> None:
        super().__call__(fraction, code, **facts)
        if self._end is not Killed and code == "training_step" and facts["step"] == self._at:
            raise self._end


@pytest.fixture(scope="module")
def views() -> list[View]:
    return tiny_views((0, 1, 3, 5))


@pytest.fixture(scope="module")
def whole(views: list[View]) -> Gaussians:
    """What the training gives when nothing interrupts it."""
    return train(views)


def every_step(folder: Path, log: Any = print, key: str = "this") -> Checkpoints:
    """A checkpoint is due after every step, and costs nothing."""
    return Checkpoints(folder, key, log=log, every=0.0, clock=lambda: 0.0)


def wait_for_writing() -> None:
    for thread in threading.enumerate():
        if thread.name == "checkpoint":
            thread.join()


def train(
    views: list[View],
    checkpoints: Checkpoints | None = None,
    report: Report | None = None,
    config: TrainConfig = CONFIG,
    observe: Any = None,
) -> Gaussians:
    report = report or Report()
    start = tiny_gaussians(sh_degree=1).select(torch.arange(0, 300, 2))
    return fit(
        start,
        views,
        config,
        extent=1.0,
        seed=3,
        report=report,
        observe=observe or report.observe,
        checkpoints=checkpoints,
    )


def assert_same(one: Gaussians, other: Gaussians) -> None:
    for name, tensor in one.named().items():
        assert torch.equal(tensor, getattr(other, name)), name


def test_an_interrupted_training_comes_to_the_same_bits(
    views: list[View], whole: Gaussians, tmp_path: Path
) -> None:
    """Killed at random steps, again and again, between growths and while the mean is taken."""
    ends = sorted(random.Random(1).sample(range(2, 60), 5))
    begun = 0
    for end in ends:
        report = Report(end)
        with pytest.raises(Killed):
            train(views, every_step(tmp_path), report)
        assert report.steps == end - begun  # no step is done twice
        begun = end
    report = Report()
    assert_same(train(views, every_step(tmp_path), report), whole)
    assert report.named("log")[0] == f"continued at step {ends[-1]} of 60"
    assert report.steps == 60 - ends[-1]
    assert report.named("taken_over") == [ends[-1] / 60]


def test_a_stop_keeps_the_very_last_step(
    views: list[View], whole: Gaussians, tmp_path: Path
) -> None:
    with pytest.raises(Stopped):
        train(views, Checkpoints(tmp_path, "this"), Report(37, Stopped))
    report = Report()
    assert_same(train(views, Checkpoints(tmp_path, "this"), report), whole)
    assert report.named("log")[0] == "continued at step 37 of 60"


def test_a_training_that_was_stopped_at_its_end_only_gives_its_result(
    views: list[View], whole: Gaussians, tmp_path: Path
) -> None:
    with pytest.raises(Stopped):
        train(views, Checkpoints(tmp_path, "this"), Report(60, Stopped))
    report = Report()
    assert_same(train(views, Checkpoints(tmp_path, "this"), report), whole)
    assert report.steps == 0


def test_checkpoints_change_nothing_and_other_ends_write_none(
    views: list[View], whole: Gaussians, tmp_path: Path
) -> None:
    assert_same(train(views, every_step(tmp_path / "busy")), whole)
    with pytest.raises(ZeroDivisionError):
        train(views, Checkpoints(tmp_path / "idle", "this"), Report(5, ZeroDivisionError))
    assert not (tmp_path / "idle").exists()


@pytest.fixture
def interrupted(views: list[View], tmp_path: Path) -> Path:
    """A folder with the checkpoint of step 20."""
    with pytest.raises(Stopped):
        train(views, Checkpoints(tmp_path, "this"), Report(20, Stopped))
    return tmp_path


def test_a_checkpoint_of_something_else_is_as_good_as_none(
    views: list[View], whole: Gaussians, interrupted: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert Checkpoints(interrupted, "this").exist()
    assert not Checkpoints(interrupted, "other").exist()
    report = Report()
    assert_same(train(views, Checkpoints(interrupted, "other"), report), whole)
    assert report.steps == 60
    monkeypatch.setattr(module, "_FORMAT", -1)
    assert not Checkpoints(interrupted, "this").exist()


@pytest.mark.parametrize("damage", ["empty", "cut", "flipped", "other parts"])
def test_a_damaged_checkpoint_costs_the_steps_and_not_the_job(
    views: list[View], whole: Gaussians, interrupted: Path, damage: str
) -> None:
    path = interrupted / "state.pt"
    content = bytearray(path.read_bytes())
    if damage == "empty":
        content = bytearray()
    elif damage == "cut":
        del content[len(content) // 2 :]
    elif damage == "flipped":
        content[len(content) // 2] ^= 255
    path.write_bytes(content)
    if damage == "other parts":
        state = torch.load(path, weights_only=True)
        del state["state"]["run"]["parts"][1]["counts"]  # the part before is loaded by then
        torch.save(state, path)
    report = Report()
    said: list[str] = []
    assert_same(train(views, Checkpoints(interrupted, "this", log=said.append), report), whole)
    assert report.steps == 60
    (line,) = said
    assert "can't be" in line


def test_code_in_a_checkpoint_is_not_run(interrupted: Path, tmp_path: Path) -> None:
    mark = tmp_path / "executed"

    class Trap:
        def __reduce__(self) -> tuple[Any, ...]:
            return Path.touch, (mark,)

    for write in (torch.save, lambda value, path: path.write_bytes(pickle.dumps(value))):
        write({"key": "1 this", "state": Trap()}, interrupted / "state.pt")
        assert not Checkpoints(interrupted, "this").exist()
        assert not mark.exists()


def test_a_full_disk_ends_the_checkpoints_and_not_the_training(
    views: list[View], whole: Gaussians, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = iter([True, True, False])
    real = torch.save

    def save(value: Any, path: Path) -> None:
        if next(left):
            return real(value, path)
        path.write_bytes(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(torch, "save", save)
    said: list[str] = []
    assert_same(train(views, every_step(tmp_path, said.append)), whole)
    assert said == ["No more checkpoints: [Errno 28] No space left on device"]
    assert [path.name for path in tmp_path.iterdir()] == ["state.pt"]  # the last good one
    remove_checkpoints(tmp_path)
    assert not tmp_path.exists()


def test_torchs_own_word_for_a_full_disk_is_understood(
    views: list[View], whole: Gaussians, tmp_path: Path
) -> None:
    (tmp_path / ".state.partial").symlink_to("/dev/full")
    said: list[str] = []
    assert_same(train(views, every_step(tmp_path, said.append)), whole)
    (line,) = said
    assert line.startswith("No more checkpoints: ")


def test_what_a_checkpoint_costs_is_bounded(tmp_path: Path) -> None:
    """A slow copy or a slow disk is followed by a longer pause."""
    now = 0.0

    class Slow:
        copies: list[float] = []

        def state(self) -> dict[str, Any]:
            nonlocal now
            self.copies.append(now)
            now += 0.3  # of which 1.5% are 20 s
            return {}

        def load(self, state: dict[str, Any]) -> None: ...

    checkpoints = Checkpoints(tmp_path, "this", every=5.0, clock=lambda: now)
    with checkpoints.of(Slow()) as done:
        for step in range(600):
            now += 0.1
            done(step)
            wait_for_writing()
    assert Slow.copies[0] == pytest.approx(5.0, abs=0.2)
    assert Slow.copies[1] == pytest.approx(25.3, abs=0.3)
    assert len(Slow.copies) == 3


def test_the_curve_and_its_seconds_go_on(views: list[View], tmp_path: Path) -> None:
    def watched(clock: Iterator[float]) -> LiveSnapshots:
        view = replace(tiny_views((2,))[0], name="2.png")
        return LiveSnapshots(
            tmp_path / "snapshot", view, held_out=True, log=print, every=1.0, first=1.0,
            clock=lambda: next(clock),
        )  # fmt: skip

    folder = tmp_path / "checkpoint"
    observe = watched(itertools.count(0.0, 10.0))
    with pytest.raises(Stopped):
        train(views, every_step(folder), Report(20, Stopped), observe=observe)
    before = read_snapshot(tmp_path / "snapshot")
    assert before is not None
    train(views, every_step(folder), observe=watched(itertools.count(5000.0, 10.0)))
    after = read_snapshot(tmp_path / "snapshot")
    assert after is not None
    assert after.history[: len(before.history)] == before.history
    steps, seconds, _ = zip(*after.history, strict=True)
    assert list(steps) == sorted(set(steps))
    assert list(seconds) == sorted(seconds)
    assert seconds[-1] < 4000  # without the time in which nothing ran
    assert after.step == 60


def test_the_time_left_counts_what_was_done_before(
    views: list[View], interrupted: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = torch.load(interrupted / "state.pt", weights_only=True)
    (teller,) = (part for part in state["state"]["run"]["parts"] if set(part) == {"seconds"})
    teller["seconds"] = 2000.0  # for 20 steps
    torch.save(state, interrupted / "state.pt")
    report = Report()
    train(views, Checkpoints(interrupted, "this"), report)
    _, message = report.named("progress")[0]
    assert message.startswith("training step 21 of 60")
    assert float(message.split(", ")[-1].split()[0]) == pytest.approx(39 * 2000 / 21, rel=0.02)


@pytest.mark.gpu
def test_on_a_gpu_it_comes_to_the_same_within_the_spread_of_runs(tmp_path: Path) -> None:
    """Atomic sums differ from run to run, interrupted or not."""
    views = [view.to("cuda") for view in tiny_views((0, 1, 3, 5))]
    camera = tiny_camera(2).to("cuda")
    from recon.splats.evaluation import draw
    from recon.splats.metrics import psnr

    truth = draw(tiny_gaussians().to("cuda"), camera)
    config = replace(CONFIG, iterations=400, sh_degree_interval=100, refine_every=40)

    def train_until(end: int, folder: Path) -> float:
        report = Report(end, Stopped)
        start = tiny_gaussians(sh_degree=1).select(torch.arange(0, 300, 2)).to("cuda")
        scene = fit(
            start, views, config, extent=1.0, seed=3, report=report,
            observe=report.observe, checkpoints=Checkpoints(folder, "this"),
        )  # fmt: skip
        return psnr(draw(scene, camera), truth)

    whole = [train_until(0, tmp_path / f"whole {run}") for run in range(4)]
    resumed = []
    for end in (45, 199, 300, 399):
        folder = tmp_path / f"resumed {end}"
        with pytest.raises(Stopped):
            train_until(end, folder)
        assert (folder / "state.pt").is_file()
        resumed.append(train_until(0, folder))
    spread = max(whole) - min(whole)
    middle = sum(whole) / len(whole)
    assert all(abs(value - middle) < max(3 * spread, 0.5) for value in resumed), (whole, resumed)
