"""A wall behind a turntable, a frame, an overlay: standing still, they don't make photos copies."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pycolmap
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from recon.pipeline.errors import UserError
from recon.pipeline.photo_check import check
from recon.pipeline.photo_check.check_texts import explain_findings
from recon.pipeline.presets import PRESETS
from recon.pipeline.progress import ListReporter
from recon.pipeline.stages import features, mapping, matching, preflight
from recon.pipeline.workspace import Workspace
from recon.poses import standing_still
from recon.poses.colmap import still_pairs
from recon.poses.standing_still import StillMatches
from recon.samples import pose_errors
from recon.samples.truth import read_poses
from tests.core.walls import write_wall
from tests.faults import fault

pytestmark = pytest.mark.slow

QUICK = PRESETS["quick"]
SIFT_ONLY = replace(
    QUICK,
    mapping=replace(QUICK.mapping, last_rung="relaxed"),
    features=replace(QUICK.features, max_num_features=2000),
)
SIZE = (400, 300)  # px


@pytest.fixture(scope="module")
def walls(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Five photos of one wall."""
    folder = tmp_path_factory.mktemp("walls")
    write_wall(folder, seed=1, count=5, size=SIZE)
    return sorted(folder.iterdir())


def structure(size: tuple[int, int]) -> Image.Image:
    """What a textured wall shows: patches at random, the same every time."""
    rng = np.random.default_rng(8)
    coarse = rng.integers(0, 255, (size[1] // 8, size[0] // 8, 3), np.uint8)
    return Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC)


def before_a_wall(photo: Image.Image) -> Image.Image:
    """What moves is in the middle of the picture, what stands still is all around it."""
    picture = structure((520, 390))
    picture.paste(photo, (60, 45))
    return picture


def with_bars(photo: Image.Image) -> Image.Image:
    """A screenshot."""
    picture = Image.new("RGB", (photo.width, photo.height + 120), "black")
    picture.paste(photo, (0, 60))
    pen, font = ImageDraw.Draw(picture), ImageFont.load_default(size=16)
    for y, words in ((4, "Photos  Edit  Share  09:41"), (28, "DSC_0012.JPG, 4032 by 3024"),
                     (photo.height + 66, "Crop  Rotate  Filters  Markup"),
                     (photo.height + 92, "Delete   Info   Albums   12 likes")):  # fmt: skip
        pen.text((8, y), words, font=font, fill="white")
    return picture


def sent(workspace: Workspace, photos: list[Path], change: Callable[..., Image.Image]) -> None:
    for path in photos:
        with Image.open(path) as photo:
            change(photo.convert("RGB")).save(workspace.upload / path.name, quality=90)


def run(workspace: Workspace) -> ListReporter:
    report = ListReporter()
    for stage in (preflight, features, matching, mapping):
        stage.run(workspace, SIFT_ONLY, report)
    return report


def placed(workspace: Workspace) -> dict[str, NDArray[np.float64]]:
    model = pycolmap.Reconstruction(workspace.sparse)
    images = [model.images[i] for i in model.reg_image_ids()]
    return {image.name: image.cam_from_world().matrix() for image in images}


@pytest.mark.parametrize("change", [before_a_wall, with_bars])
def test_photos_are_placed_by_what_moves(
    change: Callable[..., Image.Image], workspace: Workspace, walls: list[Path]
) -> None:
    sent(workspace, walls, change)
    report = run(workspace)
    assert len(placed(workspace)) == 5
    [(code, facts)] = report.named("warn")
    assert code == "still_parts_left_out"
    share = matching.read_still(workspace)
    assert share is not None
    assert facts == {"percent": round(100 * share)}
    assert 10 <= facts["percent"] <= 80


def test_a_turntable_before_a_wall_is_placed_exactly(workspace: Workspace) -> None:
    """The photos' poses are relative to the thing that turns."""
    folder = fault("turntable/turntable_wall")
    for number in range(1, 9):  # fewer or smaller ones leave the focal length uncertain
        shutil.copy(folder / f"photo_{number:02}.jpg", workspace.upload)
    small = replace(SIFT_ONLY, preflight=replace(SIFT_ONLY.preflight, max_image_size=640))
    report = ListReporter()
    for stage in (preflight, features, matching, mapping):
        stage.run(workspace, small, report)
    found, truth = placed(workspace), read_poses(folder / "poses.json")
    assert len(found) == 8
    errors = pose_errors(found, {name: truth[name] for name in found})
    assert errors.median_rotation < 0.5
    assert [code for code, _ in report.named("warn")] == ["still_parts_left_out"]


def test_where_nothing_else_can_be_seen_that_is_the_reason(
    workspace: Workspace, walls: list[Path]
) -> None:
    def moving_blur(photo: Image.Image) -> Image.Image:
        noise = np.random.default_rng(photo.getpixel((50, 50))[0]).integers(0, 255, (225, 300, 3))
        picture = structure((480, 360))
        picture.paste(Image.fromarray(noise.astype(np.uint8)), (90, 67))
        return picture

    sent(workspace, walls, moving_blur)
    with pytest.raises(UserError) as caught:
        run(workspace)
    assert caught.value.code == "stands_still"
    assert "around the object" in str(caught.value)
    assert 30 <= caught.value.facts["percent"] <= 95


def test_ordinary_photos_have_nothing_that_stands_still(
    workspace: Workspace, walls: list[Path]
) -> None:
    sent(workspace, walls, lambda photo: photo)
    report = ListReporter()
    for stage in (preflight, features, matching):
        stage.run(workspace, SIFT_ONLY, report)
    assert matching.read_still(workspace) is None
    assert still_pairs.still_share(workspace.database) is None


def test_the_photo_check_says_so_before_the_job_starts(
    tmp_path: Path, workspace: Workspace, walls: list[Path]
) -> None:
    sent(workspace, walls, before_a_wall)
    files = sorted(workspace.upload.iterdir())
    report = check.check(files, tmp_path / "check")
    codes = [finding.code for finding in report.findings]
    assert "stands_still" in codes
    assert not {"near_duplicates", "copies"} & set(codes)
    numbers = {path.name: number for number, path in enumerate(files, start=1)}
    assert any("a background, a frame or an overlay" in e.sentence
               for e in explain_findings(report.findings, numbers))  # fmt: skip
    assert check.check(files, tmp_path / "check") == report, "what was kept gives the same"


# The rules.

STILL = StillMatches(200, 0.6)
MOVING = StillMatches(3, 0.05)
COPY = StillMatches(2000, 0.99)


@pytest.mark.parametrize(
    ("pairs", "share"),
    [
        ([STILL] * 10, 0.6),
        ([STILL] * 6 + [MOVING] * 4, 0.6),
        ([STILL] * 2 + [MOVING] * 8, None),
        ([STILL] * 2, None),
        ([MOVING] * 10, None),
        ([COPY] * 10, None),
        ([COPY] * 10 + [MOVING] * 20, None),
        ([COPY] * 30 + [STILL] * 10, 0.6),
        ([], None),
    ],
)
def test_most_pairs_must_show_it_and_copies_do_not_count(
    pairs: list[StillMatches], share: float | None
) -> None:
    assert standing_still.still_share(pairs) == share


def test_what_covers_all_features_covers_all() -> None:
    rng = np.random.default_rng(1)
    xy = rng.uniform(0, [640, 480], (4000, 2))
    at = standing_still.normalise(xy, 640, 480)
    rows = np.stack([np.arange(4000)] * 2, axis=1)
    assert standing_still.find_still_matches(at, at, rows) == StillMatches(4000, 1.0)
    left = rows[xy[:, 0] < 320]
    half = standing_still.find_still_matches(at, at, left)
    assert half.count == len(left)
    assert half.cover == pytest.approx(0.5, abs=0.02)
    smaller = standing_still.normalise(xy / 2, 320, 240)
    assert standing_still.find_still_matches(at, smaller, rows).count == 4000, "whatever the size"
    moved = standing_still.normalise(xy + np.array([2.0, 0.0]), 640, 480)
    assert standing_still.find_still_matches(at, moved, rows) == standing_still.NONE
