"""A focal length in the files is a hint: what the photos themselves say wins."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pycolmap
import pytest
from PIL import Image

from recon.pipeline.errors import explain
from recon.pipeline.outcome import read_pair_graph
from recon.pipeline.presets import PRESETS
from recon.pipeline.progress import ListReporter
from recon.pipeline.stages import features, mapping, matching, preflight
from recon.pipeline.workspace import Workspace
from recon.poses.ladder.candidates import Candidate
from recon.poses.ladder.focal_hints import explains_more, same_focals
from recon.samples import pose_errors, write_photos
from recon.samples.cameras import EXIF_FOCAL_35MM, EXIF_IFD
from recon.samples.truth import read_poses, write_truth
from tests.core.test_model_checks import GOOD
from tests.faults import fault

pytestmark = pytest.mark.slow

#: Degrees. A wrong hint that was believed turns cameras by 3 or more; the photos alone are off by
#: 0.02 to 0.25.
PLACED = 0.5

SIFT_ONLY = replace(
    PRESETS["quick"], mapping=replace(PRESETS["quick"].mapping, last_rung="relaxed")
)


@pytest.fixture(scope="module")
def corner(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six photos of a corner at 28 mm, with their true poses."""
    folder = tmp_path_factory.mktemp("corner")
    write_truth(write_photos(folder, 6, (480, 360), "corner"), folder / "poses.json")
    return folder


def sent(
    corner: Path, workspace: Workspace, change: Callable[[int, Image.Image, Any], Any]
) -> None:
    """Sends the photos, each as `change(number, photo, exif)` makes it."""
    for number, path in enumerate(sorted(corner.glob("*.jpg"))):
        with Image.open(path) as photo:
            exif = photo.getexif()
            changed = change(number, photo, exif.get_ifd(EXIF_IFD))
            changed.save(workspace.upload / path.name, quality=93, exif=exif.tobytes())


def mapped(workspace: Workspace, truth: Path) -> tuple[dict[str, Any], float]:
    """The warnings, and the photos' median rotation error in degrees; all must be placed."""
    report = ListReporter()
    for stage in (preflight, features, matching, mapping):
        stage.run(workspace, SIFT_ONLY, report)
    model = pycolmap.Reconstruction(workspace.sparse)
    found = {
        model.images[i].name: model.images[i].cam_from_world().matrix()
        for i in model.reg_image_ids()
    }
    assert len(found) == len(list(workspace.upload.iterdir()))
    return dict(report.named("warn")), pose_errors(found, read_poses(truth)).median_rotation


# Wrong ones


@pytest.mark.parametrize(("name", "photos"), [("corner_half", 5), ("orbit_half", 6)])
def test_photos_cropped_with_their_metadata_are_placed_as_without(
    workspace: Workspace, name: str, photos: int
) -> None:
    folder = fault(f"cropped_with_exif/{name}")
    for path in sorted(folder.glob("*.jpg"))[:photos]:
        shutil.copy(path, workspace.upload)
    warned, error = mapped(workspace, folder / "poses.json")
    assert error < PLACED
    facts = warned["focal_length_does_not_fit"]
    assert (facts["count"], facts["total"], facts["said"], facts["found"]) == (
        photos, photos, 28, 56,
    )  # fmt: skip
    assert "28 mm there, 56 mm in the photos" in explain("focal_length_does_not_fit", facts).title


@pytest.mark.parametrize("false", [14, 50])
def test_a_false_equivalent_is_dropped(corner: Path, workspace: Workspace, false: int) -> None:
    def lie(number: int, photo: Image.Image, details: Any) -> Image.Image:
        details[EXIF_FOCAL_35MM] = false
        return photo

    sent(corner, workspace, lie)
    warned, error = mapped(workspace, corner / "poses.json")
    assert error < PLACED
    facts = warned["focal_length_does_not_fit"]
    assert (facts["said"], facts["found"]) == (false, 28)
    graph = read_pair_graph(workspace)
    assert graph.rung == "incremental_free"
    assert any(record.outcome == "won" for record in graph.rungs)


def test_where_some_photos_tell_a_false_one_only_they_are_named(
    corner: Path, workspace: Workspace
) -> None:
    def lie(number: int, photo: Image.Image, details: Any) -> Image.Image:
        details[EXIF_FOCAL_35MM] = 28 if number % 2 else 55
        return photo

    sent(corner, workspace, lie)
    warned, error = mapped(workspace, corner / "poses.json")
    assert error < PLACED
    facts = warned["focal_length_does_not_fit"]
    assert facts["photos"] == ["photo_01.jpg", "photo_03.jpg", "photo_05.jpg"]


# Right ones


def test_a_right_one_is_kept_without_a_second_look(corner: Path, workspace: Workspace) -> None:
    sent(corner, workspace, lambda number, photo, details: photo)
    warned, error = mapped(workspace, corner / "poses.json")
    assert (warned, error < PLACED) == ({}, True)
    assert [r.name for r in read_pair_graph(workspace).rungs] == ["incremental"]


class Model:
    """The parts of a pycolmap reconstruction from which focal lengths are read."""

    def __init__(self, **focals: float) -> None:
        self.images = {name: Image_(name, focal) for name, focal in focals.items()}

    def reg_image_ids(self) -> list[str]:
        return list(self.images)


class Image_:
    def __init__(self, name: str, focal: float) -> None:
        self.name, self.camera = name, self
        self._focal = focal

    def mean_focal_length(self) -> float:
        return self._focal


def made(worth: float = 5.0, focal: float = 500.0, **facts: Any) -> Candidate:
    return Candidate(Model(a=focal, b=500.0), replace(GOOD, **facts), ("a", "b"), worth, 2)


def test_photos_that_lead_to_another_focal_length_from_every_start_say_nothing() -> None:
    assert same_focals([made(focal=500), made(focal=510)])
    assert not same_focals([made(focal=320), made(focal=710)])


def test_the_files_are_believed_where_the_photos_say_too_little() -> None:
    free = made(agreeing=0.97, median_reprojection_error=0.50)
    assert explains_more(free, None)  # with the hint kept, there is no model
    assert explains_more(free, made(agreeing=0.97, median_reprojection_error=0.90))
    assert explains_more(free, made(agreeing=0.80, median_reprojection_error=0.50))
    assert not explains_more(free, made(agreeing=0.96, median_reprojection_error=0.53))
    assert not explains_more(free, made(worth=9.0, agreeing=0.80))  # fewer photos agree more easily
