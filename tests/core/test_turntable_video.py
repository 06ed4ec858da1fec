"""The turntable video: rendered, encoded, and read back by another library."""

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from recon.pipeline.after_training.turntable_size import video_size
from recon.pipeline.after_training.turntable_video import film, write_mp4
from recon.pipeline.config import ExportConfig, PipelineConfig
from recon.pipeline.errors import Cancelled, explain
from recon.pipeline.progress import ListReporter
from recon.pipeline.workspace import Workspace
from recon.splats.config import TrainConfig
from tests.core.tiny_scene import tiny_camera, tiny_gaussians, write_trained

CONFIG = PipelineConfig(train=TrainConfig(iterations=6, max_image_size=31))


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    workspace = Workspace(tmp_path)
    write_trained(workspace, tiny_gaussians(), CONFIG.train)
    return workspace


def shoot(workspace: Workspace, report: Any, config: PipelineConfig = CONFIG) -> None:
    cameras = [tiny_camera(index) for index in range(6)]
    film(workspace, config, tiny_gaussians(), cameras, cameras[2], [0.0, 0.0, 0.0], report)


def frames_of(path: Path) -> tuple[Any, list[np.ndarray]]:
    """What the first stream says about itself, and the decoded pictures."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        about = {
            "codec": stream.codec_context.name,
            "pixels": stream.codec_context.pix_fmt,
            "size": (stream.width, stream.height),
            "rate": stream.average_rate,
            "tags": dict(container.metadata),
        }
        return about, [f.to_ndarray(format="rgb24") for f in container.decode(stream)]


def test_the_video_is_one_that_every_browser_plays(workspace: Workspace) -> None:
    shoot(workspace, ListReporter())
    about, frames = frames_of(workspace.turntable)
    assert about["codec"] == "h264"
    assert about["pixels"] == "yuv420p"
    assert about["size"] == (30, 20)  # 31 px at most, and even
    assert about["rate"] == 15
    assert len(frames) == 24
    assert frames[0].std() > 10
    assert np.abs(frames[0].astype(int) - frames[12]).mean() > 2, "the camera moves"


def test_it_says_nothing_of_anybody(workspace: Workspace) -> None:
    shoot(workspace, ListReporter())
    about, _ = frames_of(workspace.turntable)
    assert set(about["tags"]) == {"major_brand", "minor_version", "compatible_brands", "encoder"}


def test_the_index_comes_first_so_that_it_plays_while_it_loads(workspace: Workspace) -> None:
    shoot(workspace, ListReporter())
    content = workspace.turntable.read_bytes()
    assert 0 < content.find(b"moov") < content.find(b"mdat")


def test_colours_come_back_as_they_were(tmp_path: Path) -> None:
    colours = [(200, 40, 40), (40, 200, 60), (60, 90, 230), (250, 250, 250), (5, 5, 5)]
    pictures = [np.full((48, 64, 3), colour, np.uint8) for colour in colours for _ in range(5)]
    write_mp4(pictures, tmp_path / "a.mp4", 30)
    _, frames = frames_of(tmp_path / "a.mp4")
    for picture, frame in zip(pictures, frames, strict=True):
        np.testing.assert_allclose(frame.astype(int), picture, atol=8)


def test_progress_never_goes_back_and_a_cancel_is_asked_for_at_every_frame(
    workspace: Workspace,
) -> None:
    report = ListReporter()
    shoot(workspace, report)
    told = [fraction for fraction, _ in report.named("progress")]
    assert told == sorted(told)
    assert len(told) == 24
    assert report.named("progress")[3][1] == "frame 4 of 24"


def test_a_cancel_ends_it_at_once_and_leaves_nothing(workspace: Workspace) -> None:
    class Cancelling(ListReporter):
        def __call__(self, fraction: float, code: str = "", /, **facts: Any) -> None:
            super().__call__(fraction, code, **facts)
            if len(self.events) == 5:
                raise Cancelled

    report = Cancelling()
    with pytest.raises(Cancelled):
        shoot(workspace, report)
    assert len(report.events) == 5
    assert not list(workspace.output.glob("*turntable*"))
    assert not list(workspace.output.glob(".*"))


@pytest.mark.parametrize("how", ["no PyAV", "no encoder", "no drawing"])
def test_a_video_that_fails_is_a_warning_and_no_failed_job(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise ValueError("there is no such thing")

    if how == "no PyAV":
        monkeypatch.setitem(sys.modules, "av", None)
    elif how == "no encoder":
        monkeypatch.setattr(
            "recon.pipeline.after_training.turntable_video._ENCODING", {"preset": "no such thing"}
        )
    else:
        monkeypatch.setattr("recon.pipeline.after_training.turntable_video.draw", fail)
    workspace.turntable.write_bytes(b"an earlier run's")
    report = ListReporter()
    shoot(workspace, report)
    [(code, facts)] = report.named("warn")
    assert code == "turntable_absent"
    assert explain(code, facts).title.startswith("The video could not be made: ")
    assert any("Traceback" in line for line in report.named("log"))
    assert not list(workspace.output.glob("*turntable*")), "an earlier scene's video is gone, too"


def test_it_can_be_switched_off(workspace: Workspace) -> None:
    report = ListReporter()
    off = replace(CONFIG, export=replace(ExportConfig(), turntable=False))
    shoot(workspace, report, off)
    assert not workspace.turntable.exists()
    assert report.events == []


def test_no_picture_is_no_video(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="needs a picture"):
        write_mp4([], tmp_path / "a.mp4", 30)


def test_a_gpu_makes_seven_smooth_seconds() -> None:
    take = video_size(gpu=True, steps=2000, trained_size=1600, most_pixels=1280)
    assert (take.frames / take.rate, take.rate, take.longest) == (7, 30, 1280)


@pytest.mark.parametrize(
    ("steps", "frames", "rate"),
    [(7000, 180, 30), (1200, 180, 30), (719, 90, 15), (300, 75, 15), (6, 24, 15)],
)
def test_a_cpu_makes_as_many_frames_as_a_tenth_of_the_job_pays(
    steps: int, frames: int, rate: int
) -> None:
    take = video_size(gpu=False, steps=steps, trained_size=400, most_pixels=1280)
    assert (take.frames, take.rate, take.longest) == (frames, rate, 400)


def test_a_cpu_draws_no_larger_than_it_can() -> None:
    take = video_size(gpu=False, steps=2000, trained_size=None, most_pixels=1280)
    assert take.longest == 480
