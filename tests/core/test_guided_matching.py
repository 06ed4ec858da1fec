"""Verified pairs matched again, along the lines that were found."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pycolmap
import pytest

from recon.pipeline.errors import Cancelled
from recon.pipeline.presets import PRESETS
from recon.pipeline.progress import ListReporter
from recon.pipeline.stages import features, matching, preflight
from recon.pipeline.workspace import Workspace
from recon.poses.colmap import pairs
from recon.poses.colmap.databases import copy_with_journal
from recon.poses.colmap.guided_matching import match_again
from recon.reporting import silent
from tests.core.walls import write_wall

QUICK = PRESETS["quick"]
SIZE = (400, 300)  # px
SHIFT = np.array([30.0, 0.0])  # px, from a feature of the first photo to the same in the second
FLAT = np.array([[1.0, 0, SHIFT[0]], [0, 1, 0], [0, 0, 1]])
SIDEWAYS = np.array(
    [[0.0, 0, 0], [0, 0, -1], [0, 1, 0]]
)  # the camera moved along x: lines are rows
ENOUGH = 15


def inliers(database: Path) -> dict[int, set[tuple[int, int]]]:
    """The verified matches by pair."""
    with pycolmap.Database.open(database) as content:
        return {
            pair_id: {(int(a), int(b)) for a, b in geometry.inlier_matches}
            for pair_id, geometry in zip(*content.read_two_view_geometries(), strict=True)
        }


@pytest.mark.slow
def test_the_matches_are_those_of_colmaps_guided_matching(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "job")
    write_wall(workspace.upload, seed=1, count=4, size=SIZE)
    for stage in (preflight, features, matching):
        stage.run(workspace, QUICK, ListReporter())
    ours, colmaps = tmp_path / "ours.db", tmp_path / "colmaps.db"
    for place in (ours, colmaps):
        copy_with_journal(workspace.database, place)
    before = inliers(ours)
    match_again(ours, min_num_inliers=ENOUGH, still=False, report=silent)

    with pycolmap.Database.open(colmaps) as content:
        content.clear_matches()
        content.clear_two_view_geometries()
    options = pycolmap.FeatureMatchingOptions()
    options.guided_matching = True
    verification = pairs.verification_options(ENOUGH, QUICK.seed)
    pycolmap.match_exhaustive(colmaps, matching_options=options, verification_options=verification)
    found, expected = inliers(ours), inliers(colmaps)
    assert found.keys() == expected.keys() == before.keys()
    assert len(found) == 6
    total = sum(len(matches) for matches in expected.values())
    both = sum(len(found[pair] & expected[pair]) for pair in expected)
    assert both >= 0.97 * total
    assert abs(sum(map(len, found.values())) - total) <= 0.02 * total
    assert total > 1.1 * sum(map(len, before.values()))


def features_of(seed: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    """`count` places on even rows, [N, 2] px, and SIFT descriptors [N, 128] that are all unlike."""
    rng = np.random.default_rng(seed)
    columns, rows = rng.uniform(10, 350, count), 10.0 + 20 * (np.arange(count) % 14)
    vectors = rng.random((count, 128)) ** 4
    descriptors = np.round(512 * vectors / np.linalg.norm(vectors, axis=1, keepdims=True))
    return np.column_stack([columns, rows]), descriptors.clip(0, 255).astype(np.uint8)


def pair_of_photos(
    place: Path, second: tuple[np.ndarray, np.ndarray], **geometry: np.ndarray
) -> Path:
    """A database of two photos: `features_of(1, 60)` and the features `second`; verified with few
    matches and this geometry."""
    first = features_of(1, 60)
    with pycolmap.Database.open(place) as content:
        camera = pycolmap.Camera.create_from_model_name(1, "SIMPLE_RADIAL", 400.0, *SIZE)
        content.write_camera(camera, use_camera_id=True)
        for number, (xy, descriptors) in enumerate((first, second), start=1):
            photo = pycolmap.Image(name=f"{number}.jpg", camera_id=1, image_id=number)
            content.write_image(photo, use_image_id=True)
            shapes = np.tile([1.0, 0.0, 0.0, 1.0], (len(xy), 1))
            content.write_keypoints(number, np.hstack([xy, shapes]).astype(np.float32))
            kind = pycolmap.FeatureExtractorType.SIFT
            content.write_descriptors(number, pycolmap.FeatureDescriptors(kind, descriptors))
        known = pycolmap.TwoViewGeometry()
        known.config = pycolmap.TwoViewGeometryConfiguration.UNCALIBRATED
        known.inlier_matches = np.column_stack([np.arange(ENOUGH)] * 2).astype(np.uint32)
        for name, value in geometry.items():
            setattr(known, name, value)
        content.write_two_view_geometry(1, 2, known)
    return place


def rivals(xy: np.ndarray, descriptors: np.ndarray, away: Any) -> tuple[np.ndarray, np.ndarray]:
    """The features and, `away` from each, another that looks the same."""
    return np.concatenate([xy, xy + away]), np.concatenate([descriptors, descriptors])


@pytest.mark.parametrize(
    ("geometry", "away", "matches"),
    [
        ({"F": SIDEWAYS}, (0.0, 10.0), 60),  # on another line
        ({"F": SIDEWAYS}, (3.0, 0.0), 0),  # on the same one: which is it?
        ({"H": FLAT}, (10.0, 0.0), 60),  # elsewhere on the plane
        ({"H": FLAT}, (0.0, 2.0), 0),
    ],
)
def test_a_feature_has_no_rivals_but_those_where_the_geometry_expects_it(
    tmp_path: Path, geometry: dict[str, np.ndarray], away: tuple[float, float], matches: int
) -> None:
    xy, descriptors = features_of(1, 60)
    second = rivals(xy + SHIFT, descriptors, away)
    database = pair_of_photos(tmp_path / "pair.db", second, **geometry)
    match_again(database, min_num_inliers=ENOUGH, still=False, report=silent)
    [found] = inliers(database).values() or [set()]
    assert found == {(i, i) for i in range(matches)}


def test_what_stands_still_is_not_matched_again(tmp_path: Path) -> None:
    xy, descriptors = features_of(1, 60)
    moved = xy + np.where(np.arange(60)[:, None] < 40, SHIFT, 0.0)
    database = pair_of_photos(tmp_path / "pair.db", (moved, descriptors), F=SIDEWAYS)
    again = tmp_path / "again.db"
    shutil.copyfile(database, again)
    match_again(database, min_num_inliers=ENOUGH, still=False, report=silent)
    match_again(again, min_num_inliers=ENOUGH, still=True, report=silent)
    assert [len(found) for found in inliers(database).values()] == [60]
    assert list(inliers(again).values()) == [{(i, i) for i in range(40)}]


def test_a_pair_with_too_few_matches_is_not_verified_any_more(tmp_path: Path) -> None:
    xy, descriptors = features_of(1, 60)
    few = (xy[: ENOUGH - 1] + SHIFT, descriptors[: ENOUGH - 1])
    database = pair_of_photos(tmp_path / "pair.db", few, F=SIDEWAYS)
    match_again(database, min_num_inliers=ENOUGH, still=False, report=silent)
    assert inliers(database) == {}


def test_it_can_be_cancelled(tmp_path: Path) -> None:
    database = pair_of_photos(tmp_path / "pair.db", features_of(1, 60), F=SIDEWAYS)

    def cancel(fraction: float, code: str = "", /, **facts: object) -> None:
        assert (code, facts) == ("pair", {"number": 1, "total": 1})
        raise Cancelled

    with pytest.raises(Cancelled):
        match_again(database, min_num_inliers=ENOUGH, still=False, report=cancel)
