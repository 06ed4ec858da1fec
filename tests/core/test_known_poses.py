"""Camera positions that came with the photos, through the stages and the command line."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pycolmap
import pytest
from PIL import Image

from recon.geometry import quaternion
from recon.pipeline.cli.command import main
from recon.pipeline.config import PipelineConfig
from recon.pipeline.errors import UserError
from recon.pipeline.known_poses.placement import keep_pose_files, link_poses
from recon.pipeline.outcome import read_pair_graph
from recon.pipeline.presets import PRESETS
from recon.pipeline.progress import ListReporter, Step
from recon.pipeline.runner import run_pipeline
from recon.pipeline.stages import features, mapping, matching, preflight, undistort
from recon.pipeline.workspace import Workspace
from recon.poses.pose_files.finding import find_pose_files
from recon.samples import photos as sample_photos
from recon.splats.scene import read_model
from tests.core.test_pose_files import transforms_of, write_transforms
from tests.core.walls import write_wall
from tests.reconstruction import FinishedRun

pytestmark = pytest.mark.slow

CONFIG = PRESETS["quick"]
SIZE = (480, 360)
TRUTH = {f"wall1_{index}.jpg": sample_photos.pose(4 + index, 12) for index in range(4)}
Change = Callable[[Path], None]


@pytest.fixture(scope="module")
def wall(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four photos of a wall; read-only."""
    folder = tmp_path_factory.mktemp("wall")
    write_wall(folder, seed=1, count=4, size=SIZE)
    return folder


def write_model(
    folder: Path, names: Any = tuple(TRUTH), *, size: tuple[int, int] = SIZE, **lens: Any
) -> list[Path]:
    """The true poses as a COLMAP text model without points, in `folder`; its files."""
    K = sample_photos.intrinsics(size)
    said = {"model": "PINHOLE", "fx": K[0, 0], "fy": K[1, 1], "cx": K[0, 2], "cy": K[1, 2]} | lens
    words = [said["model"], *size, *(said[name] for name in ("fx", "fy", "cx", "cy"))]
    (folder / "cameras.txt").write_text(f"1 {' '.join(map(str, words))}\n")
    lines = []
    for number, name in enumerate(names, start=1):
        pose = TRUTH.get(name, list(TRUTH.values())[number - 1])
        values = [*quaternion(pose[:, :3]), *pose[:, 3]]
        lines += [f"{number} {' '.join(map(repr, map(float, values)))} 1 {name}", ""]
    (folder / "images.txt").write_text("\n".join(lines) + "\n")
    (folder / "points3D.txt").write_text("")
    return find_pose_files(folder)


def with_poses(workspace: Workspace, wall: Path, files: list[Path], **names: str) -> Workspace:
    for photo in wall.iterdir():
        shutil.copyfile(photo, workspace.upload / photo.name)
    keep_pose_files(files, workspace, names or None)
    return workspace


def run(
    workspace: Workspace, *stages: Any, config: PipelineConfig = CONFIG
) -> tuple[dict[str, Any], ListReporter]:
    report, facts = ListReporter(), {}
    for stage in stages:
        facts = stage.run(workspace, config, report)
    return facts, report


def furthest(workspace: Workspace, truth: dict[str, Any]) -> float:
    """The largest difference of a pose that the model has and the true one, by element."""
    model = pycolmap.Reconstruction(workspace.sparse)
    return max(
        np.abs(model.image(i).cam_from_world().matrix() - truth[model.image(i).name]).max()
        for i in model.reg_image_ids()
    )


POSES = (preflight, features, matching, mapping, undistort)


@pytest.fixture(scope="module")
def matched(wall: Path, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """The wall, matched for a file with three of its photos; read-only."""
    folder = tmp_path_factory.mktemp("matched")
    workspace = Workspace(folder / "job")
    workspace.upload.mkdir(parents=True)
    with_poses(workspace, wall, write_model(folder, list(TRUTH)[:3]))
    run(workspace, preflight, features, matching)
    return workspace


def copy(workspace: Workspace, folder: Path) -> Workspace:
    shutil.copytree(workspace.root, folder)
    return Workspace(folder)


def test_points_are_found_at_poses_that_stay_as_they_are(
    matched: Workspace, tmp_path: Path
) -> None:
    """The photos that the file lacks are placed beside its own."""
    workspace = copy(matched, tmp_path / "job")
    facts, report = run(workspace, mapping)
    assert (facts["registered"], facts["rung"]) == (4, "pose_file")
    assert facts["points"] > 200
    model = pycolmap.Reconstruction(workspace.sparse)
    known = {name: TRUTH[name] for name in list(TRUTH)[:3]}
    last = model.find_image_with_name("wall1_3.jpg").cam_from_world().matrix()
    assert furthest(workspace, known | {"wall1_3.jpg": last}) < 1e-9
    assert np.abs(last - TRUTH["wall1_3.jpg"]).max() < 0.05
    assert model.camera(model.find_image_with_name("wall1_0.jpg").camera_id).params.tolist() == [
        sample_photos.intrinsics(SIZE)[i, j] for i, j in ((0, 0), (1, 1), (0, 2), (1, 2))
    ]
    warned = dict(report.named("warn"))
    assert warned["poses_lack_photos"]["photos"] == ["wall1_3.jpg"]
    run(workspace, undistort)
    scene = read_model(workspace.undistorted_sparse, workspace.train_txt, workspace.test_txt)
    for photo in scene.photos[:3]:
        found = photo.camera.viewmat[:3].double().numpy()
        assert np.abs(found - TRUTH[photo.name]).max() < 1e-5  # single precision


def test_a_file_with_points_needs_no_matches(
    finished_run: FinishedRun, workspace: Workspace
) -> None:
    theirs = pycolmap.Reconstruction(finished_run.workspace.sparse)
    with_poses(workspace, finished_run.photos, find_pose_files(finished_run.workspace.colmap))
    config = replace(CONFIG, preflight=replace(CONFIG.preflight, max_image_size=240))
    run(workspace, *POSES, config=config)
    assert not workspace.database.exists()
    model = pycolmap.Reconstruction(workspace.sparse)
    assert model.num_points3D() == theirs.num_points3D()
    truth = {i.name: i.cam_from_world().matrix() for i in theirs.images.values() if i.has_pose}
    assert furthest(workspace, truth) < 1e-9
    ours = model.compute_mean_reprojection_error() * 480 / 240
    assert ours == pytest.approx(theirs.compute_mean_reprojection_error(), rel=1e-3)
    graph = read_pair_graph(workspace)
    assert (graph.rung, len(graph.groups), bool(graph.pairs)) == ("pose_file", 1, True)


def test_a_model_of_nerfstudio_gives_the_same_poses(matched: Workspace, tmp_path: Path) -> None:
    """Its cameras are those that the photos were matched with."""
    workspace = copy(matched, tmp_path / "job")
    model = pycolmap.Reconstruction()
    K = sample_photos.intrinsics(SIZE)
    lens = [K[0, 0], K[1, 1], K[0, 2], K[1, 2]]
    camera = pycolmap.Camera(model="PINHOLE", width=480, height=360, params=lens, camera_id=1)
    model.add_camera_with_trivial_rig(camera)
    known = dict(list(TRUTH.items())[:3])
    for number, (name, pose) in enumerate(known.items(), start=1):
        image = pycolmap.Image(name=name, camera_id=1, image_id=number)
        model.add_image_with_trivial_frame(image, pycolmap.Rigid3d(pose))
    files = find_pose_files(write_transforms(tmp_path, transforms_of(model)))
    keep_pose_files(files, workspace)
    facts, _ = run(workspace, mapping)
    found = pycolmap.Reconstruction(workspace.sparse)
    for name, pose in known.items():
        there = found.find_image_with_name(name).cam_from_world().matrix()
        assert np.abs(there - pose).max() < 1e-6
    assert (facts["registered"], facts["points"] > 200) == (4, True)


def test_photos_may_have_come_under_other_names(
    workspace: Workspace, wall: Path, tmp_path: Path
) -> None:
    files = write_model(tmp_path, [f"DSC_{index}.JPG" for index in range(4)])
    names = {f"wall1_{index}.jpg": f"photos/DSC_{index}.JPG" for index in range(4)}
    with_poses(workspace, wall, files, **names)
    assert run(workspace, preflight)[0] == {"total": 4}


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda f: write_model(f, ["x.jpg", "y.jpg", "z.jpg"]), "poses_match_no_photo"),
        (lambda f: write_model(f, list(TRUTH)[:2]), "poses_too_few"),
        (lambda f: (f / "cameras.txt").write_text("1 PINHOLE 480"), "poses_unreadable"),
        (lambda f: write_model(f, model="SPHERE"), "poses_unknown_camera"),
        (lambda f: write_model(f, fx=1e9), "poses_bad_camera"),
        (lambda f: write_model(f, size=(480, 480)), "poses_size_differs"),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_computed(
    change: Change, code: str, workspace: Workspace, wall: Path, tmp_path: Path
) -> None:
    write_model(tmp_path)
    change(tmp_path)
    with_poses(workspace, wall, find_pose_files(tmp_path))
    with pytest.raises(UserError) as caught:
        run(workspace, preflight)
    assert caught.value.code == code
    unused = replace(CONFIG, mapping=replace(CONFIG.mapping, use_pose_file=False))
    assert run(workspace, preflight, config=unused)[0] == {"total": 4}


def test_poses_of_other_photos_do_not_fit(matched: Workspace, tmp_path: Path) -> None:
    """Names may match where the pictures don't."""
    workspace = copy(matched, tmp_path / "job")
    others = ["wall1_1.jpg", "wall1_2.jpg", "wall1_0.jpg"]
    text = (workspace.poses / "images.txt").read_text()
    for name, other in zip(list(TRUTH)[:3], others, strict=True):
        text = text.replace(name, other.upper())
    (workspace.poses / "images.txt").write_text(text)
    with pytest.raises(UserError) as caught:
        run(workspace, mapping)
    assert caught.value.code == "poses_do_not_fit"


def test_a_turned_photo_s_camera_turns_with_it(
    workspace: Workspace, wall: Path, tmp_path: Path
) -> None:
    """As COLMAP sees a phone's portrait photos: as they are stored, whatever the metadata say."""
    sideways = tmp_path / "photos"
    sideways.mkdir()
    for photo in wall.iterdir():
        exif = Image.Exif()
        exif[0x0112] = 6
        Image.open(photo).save(sideways / photo.name, exif=exif, quality=95)
    with_poses(workspace, sideways, write_model(tmp_path))
    facts, _ = run(workspace, *POSES[:4])
    assert facts["registered"] == 4
    assert facts["points"] > 200
    assert facts["agreeing"] > 0.9
    quarter = np.array([[0, -1, 0], [1, 0, 0], [0, 0, 1]])
    assert furthest(workspace, {n: quarter @ pose for n, pose in TRUTH.items()}) < 1e-9


def test_stages_run_again_where_the_poses_changed(
    workspace: Workspace, wall: Path, tmp_path: Path
) -> None:
    with_poses(workspace, wall, write_model(tmp_path))
    report = ListReporter()
    run_pipeline(workspace, CONFIG, report, until=Step.PREFLIGHT)
    run_pipeline(workspace, CONFIG, report, until=Step.PREFLIGHT)
    keep_pose_files([], workspace)
    run_pipeline(workspace, CONFIG, report, until=Step.PREFLIGHT)
    reused = [was for step, was in report.named("finish") if step == Step.PREFLIGHT]
    assert reused == [False, True, False]


def test_another_job_shares_the_files(workspace: Workspace, tmp_path: Path) -> None:
    keep_pose_files(write_model(tmp_path), workspace, {"a.jpg": "b.jpg"})
    other = Workspace(tmp_path / "other")
    link_poses(workspace, other)
    assert {path.name: path.read_bytes() for path in other.poses.iterdir()} == {
        path.name: path.read_bytes() for path in workspace.poses.iterdir()
    }
    assert json.loads(other.pose_names_json.read_text()) == {"a.jpg": "b.jpg"}


def test_the_command_line_takes_poses(
    wall: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = tmp_path / "model" / "sparse" / "0"
    model.mkdir(parents=True)
    write_model(model)
    words = [wall, tmp_path / "out", "--preset", "quick", "--until", "PREFLIGHT"]
    arguments = [str(word) for word in words]
    assert main([*arguments, "--poses", str(tmp_path / "model")]) == 0
    stored = Workspace(tmp_path / "out").poses
    assert {path.name for path in stored.iterdir()} == {"cameras.txt", "images.txt", "points3D.txt"}
    assert main(arguments) == 0
    assert not stored.exists()
    with pytest.raises(SystemExit) as caught:
        main([*arguments, "--poses", str(wall)])
    assert caught.value.code == 2
    assert "has no camera positions" in capsys.readouterr().err
