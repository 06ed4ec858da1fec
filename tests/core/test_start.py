"""A photo in the wrong place is left out of training; photos that fit stay in."""

from pathlib import Path

import pytest
import torch

from recon.pipeline.outcome import PreparedPhotos, TrainingRecord
from recon.pipeline.photos.prepare import PreparedPhoto
from recon.pipeline.progress import ListReporter
from recon.pipeline.stages import train
from recon.pipeline.workspace import Workspace
from recon.splats import engine
from recon.splats.scene import PosedPhoto, read_model
from recon.splats.start import unconfirmed_photos
from tests.core.test_train_stage import CONFIG
from tests.core.tiny_scene import NAMES, write_tiny_workspace

SOUND = {"a": 0.5, "b": 0.45, "c": 0.6, "d": 0.55, "e": 0.16, "f": 0.5}
WRONG = NAMES[4]


@pytest.mark.parametrize(
    ("shares", "left_out"),
    [
        (SOUND, ()),
        (SOUND | {"c": 0.0}, ("c",)),
        (SOUND | {"f": 0.04, "c": 0.01}, ("c", "f")),
        # A third at most, the least confirmed.
        (SOUND | {"a": 0.03, "c": 0.01, "f": 0.02}, ()),
        ({"a": 0.5, "b": 0.5, "c": 0.5, "d": 0.5, "e": 0.02, "f": 0.01, "g": 0.0}, ("f", "g")),
        # Among many, one has few of the steps.
        (dict.fromkeys("abcdefghi", 0.5) | {"j": 0.0}, ("j",)),
        (dict.fromkeys("abcdefghij", 0.5) | {"k": 0.0}, ()),
        # Three photos stay.
        ({"a": 0.5, "b": 0.5, "c": 0.0}, ()),
        ({"a": 0.5, "b": 0.5, "c": 0.5, "d": 0.0}, ("d",)),
        # Stereo says little of any of them.
        ({"a": 0.05, "b": 0.05, "c": 0.05, "d": 0.0}, ()),
        ({}, ()),
    ],
)
def test_photos_far_below_the_others_are_left_out(
    shares: dict[str, float], left_out: tuple[str, ...]
) -> None:
    assert unconfirmed_photos(shares) == left_out


def scene_of(workspace: Workspace, photos: list[PosedPhoto]) -> engine.TrainedScene:
    return engine.train(
        photos,
        workspace.images,
        CONFIG.train,
        device=torch.device("cpu"),
        seed=3,
        report=ListReporter(),
    )


def misplace(workspace: Workspace) -> None:
    """Moves the camera of `WRONG` in the model: everything else in it stays."""
    path = workspace.undistorted_sparse / "images.txt"
    lines = path.read_text().splitlines(keepends=True)
    [number] = [n for n, line in enumerate(lines) if line.endswith(f" {WRONG}\n")]
    fields = lines[number].split()
    fields[6] = str(float(fields[6]) + 1.0)
    lines[number] = " ".join(fields) + "\n"
    path.write_text("".join(lines))


def test_a_photo_in_the_wrong_place_changes_nothing(tmp_path: Path) -> None:
    workspace = write_tiny_workspace(tmp_path)
    model = read_model(workspace.undistorted_sparse, workspace.train_txt, workspace.test_txt)
    expected = scene_of(workspace, [photo for photo in model.train if photo.name != WRONG])
    assert expected.left_out == scene_of(workspace, model.train).left_out == ()
    misplace(workspace)
    model = read_model(workspace.undistorted_sparse, workspace.train_txt, workspace.test_txt)
    found = scene_of(workspace, model.train)
    assert found.left_out == (WRONG,)
    assert found.confirmed[WRONG] == 0
    assert WRONG not in found.exposures
    for name, values in expected.gaussians.named().items():
        assert torch.equal(getattr(found.gaussians, name), values), name
    assert found.confirmed.items() > expected.confirmed.items()


def test_the_owner_is_told_which_photo_it_is(tmp_path: Path) -> None:
    workspace = write_tiny_workspace(tmp_path)
    misplace(workspace)
    prepared = [PreparedPhoto(name, f"gate {name}", 60, 40, None, "0f") for name in NAMES]
    PreparedPhotos(photos=tuple(prepared)).write(workspace)
    report = ListReporter()
    train.run(workspace, CONFIG, report)
    facts = {"count": 1, "total": 6, "photos": [f"gate {WRONG}"]}
    assert report.named("warn") == [("photos_unconfirmed", facts)]
    assert TrainingRecord.read(workspace).left_out == (WRONG,)
