"""The photo that a scene starts from, and the list of cameras that names it."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from recon.pipeline.camera_list import start_photo, write_cameras
from recon.pipeline.outcome import Cameras
from recon.pipeline.records import RecordError
from recon.pipeline.start_view import StartView
from recon.pipeline.workspace import Workspace
from recon.poses.start_photo import PlacedPhoto, choose
from recon.splats.scene import Model, read_model, read_points
from tests.core.tiny_scene import NAMES, tiny_gaussians, write_tiny_workspace

HALF = (0.5, 0.7)  # tangents of half the angles of view: a portrait
STATUE = np.random.default_rng(3).uniform((-0.4, -1.2, -0.4), (0.4, 1.2, 0.4), (300, 3))


def photo_at(position: Any, target: Any, points: np.ndarray, half: Any = HALF) -> PlacedPhoto:
    """A photo that sees every point that falls in its frame; COLMAP's axes."""
    place = np.array(position, float)
    forward = np.array(target, float) - place
    forward /= np.linalg.norm(forward)
    right = np.cross([0.0, 1.0, 0.0], forward)
    right /= np.linalg.norm(right)
    rotation = np.stack([right, np.cross(forward, right), forward])
    across, down, ahead = rotation @ (points - place).T
    inside = (ahead > 0) & (np.abs(across) <= half[0] * ahead) & (np.abs(down) <= half[1] * ahead)
    return PlacedPhoto(rotation, place, half, np.flatnonzero(inside))


def test_of_a_statue_the_photo_of_all_of_it_is_taken_not_its_thighs() -> None:
    thighs = [photo_at((x, 0.6, -1.2), (x, 0.6, 0), STATUE) for x in (-0.2, 0.0, 0.2)]
    head = photo_at((0, -0.9, -1.2), (0, -0.9, 0), STATUE)
    whole = photo_at((0.1, 0, -3), (0, 0, 0), STATUE)
    assert choose([*thighs, head, whole], STATUE) == 4
    assert choose([whole, *thighs, head], STATUE) == 0


def test_of_photos_that_show_as_much_the_one_that_looks_at_the_middle_is_taken() -> None:
    targets = [(0.9, 0, 0), (-0.5, 0.4, 0), (0.05, 0, 0), (-0.9, 0, 0)]
    photos = [photo_at((0, 0, -6), target, STATUE) for target in targets]
    assert {len(photo.seen) for photo in photos} == {300}
    assert choose(photos, STATUE) == 2


def test_of_a_walk_along_a_wall_the_middle_is_taken() -> None:
    wall = np.random.default_rng(4).uniform((-5, -1, 0), (5, 1, 0.2), (2000, 3))
    photos = [photo_at((x, 0, -3), (x, 0, 0), wall) for x in (-4, -3, -2, 0, 2, 3, 4)]
    assert choose(photos, wall) == 3


def test_a_photo_that_has_the_scene_behind_it_is_not_taken() -> None:
    """Even though it shows everything that the others show only at their edges."""
    beyond = np.array([[0.0, 0.0, 9.0]] * 5)
    points = np.concatenate([STATUE, beyond])
    away = photo_at((0, 0, 4), (0, 0, 9), points)
    towards = [photo_at((x, 0, -3), (0, 0, 0), points, (0.3, 0.3)) for x in (-1, 1)]
    assert choose([away, *towards], points) > 0


def test_a_point_far_off_that_two_photos_made_up_moves_nothing() -> None:
    wrong = np.full((40, 3), 500.0)
    points = np.concatenate([STATUE, wrong])
    photos = [photo_at((0, 0, -6), (x, 0, 0), STATUE) for x in (0.8, 0.0, -0.8)]
    sees_wrong = [np.concatenate([one.seen, np.arange(300, 340)]) for one in photos[:2]]
    made_up = [
        PlacedPhoto(one.rotation, one.position, one.half, seen)
        for one, seen in zip(photos, sees_wrong, strict=False)
    ]
    assert choose([*made_up, photos[2]], points) == 1


def test_a_textured_wall_behind_it_is_not_the_scene_s_middle() -> None:
    """Most points are on the wall, and most of the wall is seen below the subject."""
    wall = np.random.default_rng(5).uniform((-2, -0.5, 1), (2, 4, 1.1), (3000, 3))
    points = np.concatenate([STATUE, wall])
    around = [(-1.2, 0, -2.9), (0.1, 0, -3.1), (1.2, 0, -2.9)]
    photos = [photo_at(place, (0, 0, 0), points) for place in around]
    photos += [photo_at((x, 1.4, -3), (x, 1.4, 0), points) for x in (0.6, 0.8)]
    assert choose(photos, points) < 3


def test_photos_without_a_common_point_start_in_their_middle() -> None:
    nothing = np.empty((0, 3))
    photos = [photo_at((x, 0, -3), (x, 0, 0), nothing) for x in (-5, 0.2, 4)]
    assert choose(photos, nothing) == 1
    assert choose(photos[:1], nothing) == 0
    with pytest.raises(ValueError, match="needs a photo"):
        choose([], nothing)


# --- The list of cameras ---


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    workspace = write_tiny_workspace(tmp_path)
    workspace.output.mkdir()
    return workspace


def model_of(workspace: Workspace) -> Model:
    return read_model(workspace.undistorted_sparse, workspace.train_txt, workspace.test_txt)


def test_points_are_read_as_they_are_written(workspace: Workspace) -> None:
    points = read_points(workspace.undistorted_sparse)
    assert points.ids.tolist() == list(range(1, 301))
    np.testing.assert_allclose(points.xyz, tiny_gaussians().means, atol=1e-6)


def test_one_camera_of_the_list_is_the_start(workspace: Workspace) -> None:
    write_cameras(workspace, model_of(workspace))
    entries = json.loads(workspace.cameras_json.read_text())
    named = [entry["img_name"] for entry in entries if "start" in entry]
    # Six photos in a row in front of a slab: one of the two in the middle.
    assert named in ([NAMES[2]], [NAMES[3]])
    assert start_photo(workspace, model_of(workspace)).name == named[0]


def test_the_list_is_believed(workspace: Workspace) -> None:
    model = model_of(workspace)
    write_cameras(workspace, model)
    entries = json.loads(workspace.cameras_json.read_text())
    for entry in entries:
        entry.pop("start", None)
    entries[5]["start"] = True
    workspace.cameras_json.write_text(json.dumps(entries))
    assert start_photo(workspace, model).name == NAMES[5]


def test_a_list_that_names_no_start_leaves_the_choice_to_the_model(workspace: Workspace) -> None:
    model = model_of(workspace)
    Cameras(()).write(workspace)
    assert start_photo(workspace, model).name in (NAMES[2], NAMES[3])


@pytest.mark.parametrize(
    "content",
    ["", "null", "{}", "[1]", '[{"start": true}]', '[{"id": 0, "img_name": "a"}]'],
)
def test_a_list_that_is_none_is_told(workspace: Workspace, content: str) -> None:
    workspace.cameras_json.write_text(content)
    with pytest.raises(RecordError, match=r"cameras\.json"):
        start_photo(workspace, model_of(workspace))


# --- A view that was sent ---

VIEW = {
    "position": [0, 1, -3], "target": [0.0, 0.5, 1e3], "up": [0, -2, 0],
    "fov_y_degrees": 41, "aspect": 0.75,
}  # fmt: skip


def test_a_view_is_read_and_written() -> None:
    view = StartView.of_sent(VIEW)
    assert view.to_dict() == VIEW | {"up": [0, -1, 0]}
    assert StartView.of_sent(json.loads(json.dumps(view.to_dict()))) == view


@pytest.mark.parametrize(
    "wrong",
    [
        {"position": None}, {"position": [1, 2]}, {"position": [1, 2, "3"]}, {"position": "abc"},
        {"position": [math.nan, 0, 0]}, {"target": [math.inf, 0, 0]}, {"target": [1e9, 0, 0]},
        {"target": [True, 0, 0]}, {"target": VIEW["position"]},
        {"up": [0, 0, 0]}, {"up": [0, -0.5, 1003]},
        {"fov_y_degrees": 0}, {"fov_y_degrees": 180}, {"fov_y_degrees": "41"},
        {"aspect": 0}, {"aspect": 50}, {"aspect": None}, {"position": [10**400, 0, 0]},
    ],
)  # fmt: skip
def test_what_is_no_view_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"."):
        StartView.of_sent(VIEW | wrong)


@pytest.mark.parametrize("missing", VIEW)
def test_half_a_view_is_refused(missing: str) -> None:
    with pytest.raises(KeyError):
        StartView.of_sent({name: value for name, value in VIEW.items() if name != missing})
