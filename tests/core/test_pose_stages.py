"""PREFLIGHT to COLMAP_UNDIST on small rendered photos, and on real ones if they are there."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from recon.pipeline.config import PipelineConfig
from recon.pipeline.errors import Cancelled, Interrupted, PipelineError, UserError
from recon.pipeline.machine import environment
from recon.pipeline.presets import PRESETS
from recon.pipeline.progress import ListReporter
from recon.pipeline.stages import features, mapping, matching, preflight, undistort
from recon.pipeline.workspace import Workspace
from recon.poses.colmap import databases
from tests.core.walls import write_wall
from tests.photos import real_photos

pytestmark = pytest.mark.slow

CONFIG = replace(PRESETS["quick"], preflight=replace(PRESETS["quick"].preflight, min_photos=1))
# The late rungs have tests of their own and take longer.
SIFT_ONLY = replace(CONFIG, mapping=replace(CONFIG.mapping, last_rung="relaxed"))
POSE_STAGES = (preflight, features, matching, mapping)


@pytest.fixture(scope="module")
def wall(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four photos of one wall."""
    folder = tmp_path_factory.mktemp("wall")
    write_wall(folder, seed=1, count=4)
    return folder


@pytest.fixture(scope="module")
def placed(wall: Path, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """The wall's photos after all five stages; read-only."""
    workspace = Workspace(tmp_path_factory.mktemp("placed"))
    upload(workspace, wall.iterdir())
    run(workspace, *POSE_STAGES, undistort)
    return workspace


def upload(workspace: Workspace, photos: Iterable[Path], prefix: str = "") -> None:
    workspace.upload.mkdir(parents=True, exist_ok=True)
    for photo in photos:
        shutil.copyfile(photo, workspace.upload / f"{prefix}{photo.name}")


def run(
    workspace: Workspace, *stages: Any, config: PipelineConfig = CONFIG
) -> tuple[dict[str, Any], ListReporter]:
    """Runs the stages; returns the last one's facts and everything that was reported."""
    report, facts = ListReporter(), {}
    for stage in stages:
        facts = stage.run(workspace, config, report)
    return facts, report


def copy(workspace: Workspace, folder: Path) -> Workspace:
    shutil.copytree(workspace.root, folder)
    return Workspace(folder)


# PREFLIGHT


@pytest.mark.parametrize(("count", "code"), [(2, "too_few_photos"), (21, "too_many_photos")])
def test_the_number_of_photos_is_checked(workspace: Workspace, count: int, code: str) -> None:
    for index in range(count):
        (workspace.upload / f"{index}.jpg").write_bytes(b"")
    with pytest.raises(UserError) as caught:
        run(workspace, preflight, config=PRESETS["quick"])
    assert caught.value.code == code
    assert f"There are {count} photos" in str(caught.value)


def test_files_that_a_file_manager_hides_are_no_photos(workspace: Workspace, wall: Path) -> None:
    upload(workspace, wall.iterdir())
    (workspace.upload / "._wall1_0.jpg").write_bytes(b"Mac's notes")
    assert run(workspace, preflight)[0] == {"total": 4}


def test_an_unreadable_photo_leaves_no_half_made_folder(workspace: Workspace, wall: Path) -> None:
    upload(workspace, wall.iterdir())
    (workspace.upload / "zz.jpg").write_bytes(b"not a photo")
    with pytest.raises(UserError, match=r"zz\.jpg"):
        run(workspace, preflight)
    assert not workspace.photos.exists()
    assert [p.name for p in workspace.photos.parent.iterdir()] == ["environment.json"]


def test_preflight_writes_down_what_the_machine_has(placed: Workspace) -> None:
    rows = json.loads(placed.environment_json.read_text())["checks"]
    assert {"name", "found", "ok", "needed", "advice"} == set(rows[0])
    assert "pycolmap" in [row["name"] for row in rows]


def test_a_broken_machine_stops_preflight(
    workspace: Workspace, wall: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload(workspace, wall.iterdir())
    broken = environment.Check("numba", "does not load", False, True, "")
    monkeypatch.setattr(environment, "report", lambda *_args, **_named: [broken])
    with pytest.raises(PipelineError) as caught:
        run(workspace, preflight)
    assert caught.value.code == "environment_broken"


# COLMAP_FEAT, COLMAP_MATCH


def test_flat_pictures_have_no_features(workspace: Workspace) -> None:
    from PIL import Image

    for index in range(3):
        Image.new("RGB", (320, 240), (90, 120, 150)).save(workspace.upload / f"{index}.png")
    with pytest.raises(UserError) as caught:
        run(workspace, preflight, features)
    assert caught.value.code == "no_features"


def test_matching_leaves_the_features_digest_as_it_was(placed: Workspace, tmp_path: Path) -> None:
    workspace = copy(placed, tmp_path / "again")
    before = features.outputs(workspace, CONFIG)
    workspace.database.unlink()
    run(workspace, features)
    fresh, unmatched = features.outputs(workspace, CONFIG), matching.outputs(workspace, CONFIG)
    assert fresh == before  # features are deterministic, and their digest leaves the matches out
    assert matching.inputs(workspace, CONFIG)["features"] == before["features"]
    run(workspace, matching)
    assert features.outputs(workspace, CONFIG) == before
    assert matching.outputs(workspace, CONFIG) != unmatched


_FIRST_PHOTOS = "SELECT image_id FROM images ORDER BY name LIMIT"
_FIRST_PAIRS = "SELECT pair_id FROM matches ORDER BY pair_id LIMIT"


def interrupted(
    workspace: Workspace, stage: Any, name: str, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """The database that `stage` leaves when it is interrupted before `name` is called."""

    def stop(*_args: Any, **_named: Any) -> None:
        raise Interrupted

    with monkeypatch.context() as patched:
        patched.setattr(name, stop)
        with pytest.raises(Interrupted):
            run(workspace, stage)
    (folder,) = (path for path in workspace.colmap.glob(".*") if path.name != ".scratch")
    return folder / "database.db"


def without(source: Path, target: Path, *statements: str) -> None:
    """A copy of the database `source` after the SQL `statements`."""
    shutil.copyfile(source, target)
    with closing(sqlite3.connect(target)) as database, database:
        for statement in statements:
            database.execute(statement)


@pytest.mark.parametrize("left", ["some", "damaged", "nothing"])
def test_features_that_an_interrupted_run_had_found_are_kept(
    placed: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, left: str
) -> None:
    workspace = copy(placed, tmp_path / "again")
    expected = features.outputs(workspace, CONFIG)
    found = interrupted(workspace, features, "recon.poses.colmap.features.extract", monkeypatch)
    if left == "some":  # two photos not done, a third with keypoints only
        without(
            workspace.database,
            found,
            f"DELETE FROM descriptors WHERE image_id IN ({_FIRST_PHOTOS} 3)",  # noqa: S608
            f"DELETE FROM keypoints WHERE image_id IN ({_FIRST_PHOTOS} 2)",  # noqa: S608
            "DELETE FROM matches",
            "DELETE FROM two_view_geometries",
        )
    elif left == "damaged":
        found.write_bytes(workspace.database.read_bytes()[:20_000])
    workspace.database.unlink()
    _, report = run(workspace, features)
    assert features.outputs(workspace, CONFIG) == expected
    looked_at = {message.split(" of ")[1] for _, message in report.named("progress")}
    assert looked_at == {"3" if left == "some" else "4"}
    said = "goes on with the features that an interrupted run had found"
    assert (said in report.named("log")) == (left == "some")
    assert not found.parent.exists()


@pytest.mark.parametrize("left", ["some", "damaged", "nothing"])
def test_pairs_that_an_interrupted_run_had_matched_are_kept(
    placed: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, left: str
) -> None:
    workspace = copy(placed, tmp_path / "again")
    expected = matching.outputs(workspace, CONFIG)
    found = interrupted(
        workspace, matching, "recon.poses.colmap.pairs.match_exhaustively", monkeypatch
    )
    if left == "some":  # two pairs not matched, a third not verified
        without(
            workspace.database,
            found,
            f"DELETE FROM two_view_geometries WHERE pair_id IN ({_FIRST_PAIRS} 3)",  # noqa: S608
            f"DELETE FROM matches WHERE pair_id IN ({_FIRST_PAIRS} 2)",  # noqa: S608
        )
    elif left == "damaged":
        found.write_bytes(workspace.database.read_bytes()[:20_000])
    else:
        found.unlink()
    without(
        workspace.database, tmp_path / "unmatched.db",
        "DELETE FROM matches", "DELETE FROM two_view_geometries",
    )  # fmt: skip
    shutil.copyfile(tmp_path / "unmatched.db", workspace.database)
    _, report = run(workspace, matching)
    assert matching.outputs(workspace, CONFIG) == expected
    said = "goes on with the pairs that an interrupted run had matched"
    assert (said in report.named("log")) == (left == "some")
    assert not found.parent.exists()


def test_what_was_left_of_other_work_is_not_gone_on_with(
    placed: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = copy(placed, tmp_path / "again")
    found = interrupted(workspace, features, "recon.poses.colmap.features.extract", monkeypatch)
    fewer = replace(CONFIG, features=replace(CONFIG.features, max_num_features=50))
    shutil.copyfile(workspace.database, found)
    run(workspace, features, config=fewer)
    assert not found.parent.exists()
    assert max(databases.count_descriptors(workspace.database).values()) <= 100


def test_other_photos_change_the_features_digest(placed: Workspace, tmp_path: Path) -> None:
    workspace = copy(placed, tmp_path / "fewer")
    before = features.outputs(workspace, CONFIG)
    (workspace.upload / "wall1_3.jpg").unlink()
    run(workspace, preflight, features)
    assert features.outputs(workspace, CONFIG) != before


def test_the_pair_graph_names_photos_and_counts_matches(placed: Workspace) -> None:
    pairs = json.loads(placed.pairs_json.read_text())["pairs"]
    assert len(pairs) == 6
    assert all(pair["a"] < pair["b"] and pair["inliers"] >= 15 for pair in pairs)


def test_a_cancel_stops_native_work_and_leaves_nothing_behind(
    placed: Workspace, tmp_path: Path
) -> None:
    class Impatient(ListReporter):
        def __call__(self, fraction: float, code: str = "", /, **facts: Any) -> None:
            raise Cancelled

    workspace = copy(placed, tmp_path / "cancelled")
    before = features.outputs(workspace, CONFIG)
    files = sorted(workspace.colmap.iterdir())
    for stage in (features, matching, mapping):
        with pytest.raises(Cancelled):
            stage.run(workspace, CONFIG, Impatient())
    assert features.outputs(workspace, CONFIG) == before
    assert sorted(workspace.colmap.iterdir()) == files


# COLMAP_MAP


def test_photos_of_one_place_are_placed(placed: Workspace) -> None:
    facts, report = run(placed, mapping)
    assert (facts["registered"], facts["total"]) == (4, 4)
    assert facts["points"] > 100
    assert facts["mean_reprojection_error"] < 1.0
    assert report.named("warn") == []
    assert placed.sparse.is_dir()


def test_a_photo_of_another_place_is_left_out_by_name(
    workspace: Workspace, wall: Path, tmp_path: Path
) -> None:
    write_wall(tmp_path / "other", seed=2, count=1)
    upload(workspace, wall.iterdir())
    upload(workspace, (tmp_path / "other").iterdir(), prefix="my other ")
    facts, report = run(workspace, *POSE_STAGES, config=SIFT_ONLY)
    assert (facts["registered"], facts["total"]) == (4, 5)
    [(code, told)] = report.named("warn")
    assert code == "photos_left_out"
    assert told == {"count": 1, "total": 5, "photos": ["my other wall2_0.jpg"]}


@pytest.mark.real_photos("fern")
@pytest.mark.real_photos("sceaux")
@pytest.mark.real_photos("cake")
def test_real_photos_of_different_places_make_no_model(workspace: Workspace) -> None:
    for name in ("fern", "sceaux", "cake"):
        upload(workspace, real_photos(name)[:2], prefix=name)
    assert_no_model(workspace, total=6)


def assert_no_model(workspace: Workspace, total: int) -> None:
    small = replace(SIFT_ONLY, preflight=replace(CONFIG.preflight, max_image_size=800))
    with pytest.raises(UserError) as caught:
        run(workspace, *POSE_STAGES, config=small)
    assert caught.value.code == "photos_share_nothing"
    assert caught.value.facts["largest"] < 3
    assert caught.value.facts["total"] == total
    assert not workspace.sparse.exists()


@pytest.mark.real_photos("berlin")
def test_the_three_berlin_photos_are_placed(workspace: Workspace) -> None:
    upload(workspace, real_photos("berlin"))
    small = replace(CONFIG, preflight=replace(CONFIG.preflight, max_image_size=1000))
    assert run(workspace, *POSE_STAGES, config=small)[0]["registered"] == 3


def test_thresholds_turn_a_doubtful_model_down(placed: Workspace) -> None:
    strict = replace(SIFT_ONLY, mapping=replace(SIFT_ONLY.mapping, min_triangulation_angle=89.0))
    with pytest.raises(UserError) as caught:
        run(placed, mapping, config=strict)
    assert caught.value.code == "too_few_registered"


def test_photos_that_see_too_few_points_are_not_placed(placed: Workspace) -> None:
    strict = replace(SIFT_ONLY, mapping=replace(SIFT_ONLY.mapping, min_points_per_photo=1e6))
    with pytest.raises(UserError) as caught:
        run(placed, mapping, config=strict)
    assert caught.value.facts["registered"] == 0


# COLMAP_UNDIST


def test_the_undistorted_model_fits_its_photos(placed: Workspace) -> None:
    import pycolmap
    from PIL import Image

    model = pycolmap.Reconstruction()
    model.read_text(placed.undistorted_sparse)
    errors = []
    for image in model.images.values():
        camera = model.cameras[image.camera_id]
        assert camera.model_name == "PINHOLE"
        with Image.open(placed.images / image.name) as picture:
            assert picture.size == (camera.width, camera.height)
        K, matrix = camera.calibration_matrix(), image.cam_from_world().matrix()
        for point in image.points2D:
            if point.has_point3D():
                xyz = model.points3D[point.point3D_id].xyz
                seen = K @ (matrix @ np.append(xyz, 1.0))
                errors.append(np.linalg.norm(seen[:2] / seen[2] - point.xy))
    assert len(errors) > 1000
    assert np.mean(errors) < 0.5  # px
    tracks = {
        (e.image_id, e.point2D_idx) for p in model.points3D.values() for e in p.track.elements
    }
    assert len(tracks) == len(errors)


def test_the_split_is_written_one_name_a_line(placed: Workspace) -> None:
    assert placed.test_txt.read_text() == "wall1_1.jpg\n"
    assert placed.train_txt.read_text() == "wall1_0.jpg\nwall1_2.jpg\nwall1_3.jpg\n"
    assert sorted(p.name for p in placed.images.iterdir()) == sorted(
        (placed.train_txt.read_text() + placed.test_txt.read_text()).split()
    )
