import json
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import av
import gsply
import numpy as np
import pytest
import torch
from PIL import Image

from recon.pipeline.config import ExportConfig, PipelineConfig
from recon.pipeline.outcome import Cameras, PlacedCamera
from recon.pipeline.progress import ListReporter
from recon.pipeline.results import Results
from recon.pipeline.stages import export
from recon.pipeline.stages.export import starting_view
from recon.pipeline.workspace import Workspace, write_json
from recon.splats.config import TrainConfig
from recon.splats.evaluation import draw, to_bytes
from recon.splats.formats import read_ply, read_splat
from recon.splats.gaussians import Camera
from recon.splats.rasterizers import rasterize
from tests.core.tiny_scene import (
    NAMES,
    tiny_camera,
    tiny_gaussians,
    write_tiny_sfm,
    write_tiny_workspace,
    write_trained,
)

CONFIG = PipelineConfig(
    train=TrainConfig(iterations=6, max_image_size=30, max_gaussians=400, sh_degree=0),
    export=ExportConfig(poster_size=48, turntable=False),
)
#: The delivered scene is the one that was measured.
AS_MEASURED = replace(CONFIG, export=replace(CONFIG.export, final_refine=False))
FILMED = replace(CONFIG, export=replace(CONFIG.export, turntable=True))


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    workspace = write_tiny_workspace(tmp_path)
    gaussians = tiny_gaussians()
    gaussians.means[0] = torch.tensor([0.0, 0.0, 60.0])  # a floater
    write_trained(workspace, gaussians, CONFIG.train)
    choose(workspace, "unfiltered")
    write_tiny_sfm(workspace)
    return workspace


def choose(workspace: Workspace, scene: str) -> None:
    Results(scene=scene).write(workspace)


def test_every_file_that_is_promised_is_there(workspace: Workspace) -> None:
    facts = export.run(workspace, FILMED, ListReporter())
    assert set(facts["artifacts"]) == {
        *("ply", "filtered_ply", "scene_ply", "held_out_ply"),
        *("splat", "spz", "other_spz", "poster", "turntable", "colmap", "results", "cameras"),
    }
    for path in facts["artifacts"].values():
        assert (workspace.root / path).is_file()
    assert not list(workspace.root.rglob("*.partial"))
    json.dumps(facts)


@pytest.mark.parametrize("scene", ["unfiltered", "filtered"])
def test_the_scene_is_the_one_that_evaluation_chose(workspace: Workspace, scene: str) -> None:
    choose(workspace, scene)
    facts = export.run(workspace, CONFIG, ListReporter())
    name = {"unfiltered": "point_cloud.ply", "filtered": "point_cloud_filtered.ply"}[scene]
    assert facts["scene"] == scene
    assert facts["artifacts"]["scene_ply"] == f"output/point_cloud/iteration_6/{name}"
    gaussians = read_ply(workspace.root / facts["artifacts"]["scene_ply"])
    records = read_splat(workspace.iteration(6) / "scene.splat")
    assert facts["gaussian_count"] == len(gaussians) == len(records)
    small = gsply.read_spz(workspace.root / facts["artifacts"]["spz"])
    assert len(small.means) == len(gaussians)
    other = {"unfiltered": "filtered_ply", "filtered": "ply"}[scene]
    other_small = gsply.read_spz(workspace.root / facts["artifacts"]["other_spz"])
    assert len(other_small.means) == len(read_ply(workspace.root / facts["artifacts"][other]))


def test_there_is_no_second_spz_where_nothing_was_filtered(workspace: Workspace) -> None:
    write_trained(workspace, tiny_gaussians(), CONFIG.train)
    mild = {"outlier_std_threshold": 1e9, "outlier_min_cluster_ratio": 0.0}
    nothing = replace(AS_MEASURED, export=replace(AS_MEASURED.export, **mild))
    facts = export.run(workspace, nothing, ListReporter())
    assert "other_spz" not in facts["artifacts"]
    assert not (workspace.iteration(6) / "other.spz").exists()


def test_the_filtered_and_the_unfiltered_scene_are_there(workspace: Workspace) -> None:
    export.run(workspace, AS_MEASURED, ListReporter())
    assert len(read_ply(workspace.iteration(6) / "point_cloud.ply")) == 300
    filtered = read_ply(workspace.iteration(6) / "point_cloud_filtered.ply")
    assert 200 < len(filtered) < 300
    assert filtered.means[:, 2].max() < 10


def test_the_poster_is_a_picture_of_the_scene(workspace: Workspace) -> None:
    export.run(workspace, CONFIG, ListReporter())
    with Image.open(workspace.poster) as poster:
        assert poster.format == "JPEG"
        assert poster.size == (48, 32)
        assert not poster.getexif()
        assert np.asarray(poster).std() > 10


def test_the_poster_is_what_the_viewer_starts_with(workspace: Workspace) -> None:
    """Its camera's principal point is the middle, wherever the photo's was."""
    cameras = workspace.undistorted_sparse / "cameras.txt"
    assert " 30.0 20.0" in cameras.read_text()
    cameras.write_text(cameras.read_text().replace(" 30.0 20.0", " 36.0 17.0"))
    view = export.run(workspace, AS_MEASURED, ListReporter())["view"]
    with Image.open(workspace.poster) as file:
        poster = np.asarray(file.convert("RGB"), float)

    def unlike(cx: float, cy: float) -> float:
        """Mean difference from the picture at the start view, in grey levels."""
        viewmat = torch.eye(4)
        viewmat[:3, 3] = -torch.tensor(view["position"])  # the cameras are not turned
        K = torch.tensor([[54.0, 0.0, cx], [0.0, 54.0, cy], [0.0, 0.0, 1.0]])
        scene = read_ply(next(workspace.point_cloud.glob("*/point_cloud.ply")))
        seen = to_bytes(draw(scene, Camera(viewmat, K, 60, 40).resized(48, 32)))
        return float(np.abs(seen - poster).mean())

    assert unlike(30.0, 20.0) < unlike(36.0, 17.0) / 2  # JPEG costs a few grey levels


def test_the_video_has_the_posters_shape(workspace: Workspace) -> None:
    export.run(workspace, FILMED, ListReporter())
    with av.open(str(workspace.turntable)) as video:
        stream = video.streams.video[0]
        assert (stream.width, stream.height) == (30, 20)
        assert sum(1 for _ in video.decode(stream)) == 24


def test_progress_never_goes_back(workspace: Workspace) -> None:
    report = ListReporter()
    export.run(workspace, FILMED, report)
    told = [fraction for fraction, _ in report.named("progress")]
    assert told == sorted(told)
    assert 0.95 < told[-1] < 1


def test_what_a_machine_cannot_make_is_left_out_and_said_in_the_log(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even if an earlier run could."""
    export.run(workspace, FILMED, ListReporter())
    monkeypatch.setitem(sys.modules, "gaussforge", None)
    monkeypatch.setitem(sys.modules, "av", None)
    shutil.rmtree(workspace.sparse)
    report = ListReporter()
    facts = export.run(workspace, FILMED, report)
    assert not {"spz", "other_spz", "turntable", "colmap"} & set(facts["artifacts"])
    for path in facts["artifacts"].values():
        assert (workspace.root / path).is_file()
    assert not list(workspace.output.rglob("*.spz"))
    assert not workspace.turntable.exists()
    assert not workspace.model_archive.exists()
    assert {"no scene.spz: gaussforge is not installed here", "no COLMAP model to pack"} <= set(
        report.named("log")
    )
    assert [code for code, _ in report.named("warn")] == ["turntable_absent"]


@pytest.mark.parametrize("missing", ["turntable", "model_archive"])
def test_a_file_that_was_deleted_is_made_again(workspace: Workspace, missing: str) -> None:
    export.run(workspace, FILMED, ListReporter())
    before = export.outputs(workspace, FILMED)
    getattr(workspace, missing).unlink()
    assert export.outputs(workspace, FILMED) != before


def test_another_model_runs_the_export_again(workspace: Workspace) -> None:
    before = export.inputs(workspace, CONFIG)
    (workspace.sparse / "points3D.bin").write_bytes(b"other")
    assert export.inputs(workspace, CONFIG) != before


def test_the_viewer_starts_at_the_photo_that_the_cameras_name(workspace: Workspace) -> None:
    Cameras(
        tuple(
            PlacedCamera(
                id=index, img_name=name, width=60, height=40, position=(0, 0, 0),
                rotation=((1, 0, 0), (0, 1, 0), (0, 0, 1)), fx=50, fy=50, cx=30, cy=20,
                start=name == NAMES[4],
            )
            for index, name in enumerate(NAMES)
        )
    ).write(workspace)  # fmt: skip
    view = export.run(workspace, CONFIG, ListReporter())["view"]
    assert json.loads(workspace.viewer_json.read_text()) == view
    assert view["position"] == pytest.approx(tiny_camera(4).position.tolist(), abs=1e-5)
    assert -1.5 < view["target"][2] < 1.5  # in the slab
    assert view["up"] == pytest.approx([0.0, -1.0, 0.0])
    assert view["aspect"] == pytest.approx(1.5)  # 60 x 40 px


def test_where_none_is_named_it_starts_at_one_of_the_two_in_the_middle(
    workspace: Workspace,
) -> None:
    view = export.run(workspace, AS_MEASURED, ListReporter())["view"]
    places = [tiny_camera(index).position.tolist() for index in (2, 3)]
    assert any(np.allclose(view["position"], place, atol=1e-5) for place in places)


def test_another_start_runs_the_export_again(workspace: Workspace) -> None:
    before = export.inputs(workspace, CONFIG)
    write_json(workspace.cameras_json, [{"img_name": NAMES[0], "start": True}])
    assert export.inputs(workspace, CONFIG) != before


def test_the_view_is_right_for_a_camera_turned_any_way() -> None:
    camera = tiny_camera(0)
    turn = torch.tensor([[0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [1.0, 0.0, 0.0]])
    viewmat = torch.eye(4)
    viewmat[:3, :3] = turn  # the camera looks along the world's x, and z is down
    viewmat[:3, 3] = torch.tensor([0.0, 0.0, 4.0])
    turned = Camera(viewmat, camera.K, camera.width, camera.height)
    gaussians = tiny_gaussians()
    gaussians.means = gaussians.means @ turn  # the same picture
    seen = rasterize(gaussians, turned, with_depth=True)
    view = starting_view(turned, seen, 30)
    assert view.position == pytest.approx([-4.0, 0.0, 0.0])
    assert view.up == pytest.approx([0.0, 0.0, -1.0])
    assert view.target[1:] == pytest.approx([0.0, 0.0])
    assert -1.0 < view.target[0] < 1.0
    # 40 px high at a focal length of 54 px.
    assert view.fov_y_degrees == pytest.approx(2 * np.degrees(np.arctan(20 / 54)))
    assert view.trained_height == 20  # of 60 x 40 px at a longest side of 30


def test_a_scene_that_nobody_sees_still_has_a_view() -> None:
    behind = tiny_gaussians(5)
    behind.means[:, 2] = -100.0
    seen = rasterize(behind, tiny_camera(0), with_depth=True)
    view = starting_view(tiny_camera(0), seen, None)
    assert np.isfinite(view.target).all()


def test_another_decision_runs_the_export_again(workspace: Workspace) -> None:
    before = export.inputs(workspace, CONFIG)
    choose(workspace, "filtered")
    assert export.inputs(workspace, CONFIG) != before


def test_the_poster_size_is_part_of_the_settings() -> None:
    other = replace(CONFIG, export=replace(CONFIG.export, poster_size=99))
    assert export.settings(other) != export.settings(CONFIG)


def test_the_snapshots_go_when_the_scene_is_there(workspace: Workspace) -> None:
    workspace.snapshot.mkdir()
    (workspace.snapshot / "snapshot.json").write_text("{}")
    export.run(workspace, CONFIG, ListReporter())
    assert not workspace.snapshot.exists()
