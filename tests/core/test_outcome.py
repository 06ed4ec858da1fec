"""What a run leaves behind is read as it was written, and refused if it is anything else."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from recon.pipeline.machine.environment import Check
from recon.pipeline.outcome import (
    Cameras,
    Machine,
    PlacedCamera,
    PreparedPhotos,
    Summary,
    TrainingRecord,
    read_pair_graph,
    write_pair_graph,
)
from recon.pipeline.photos.prepare import PreparedPhoto
from recon.pipeline.records import RecordError
from recon.pipeline.results import FILTERED, UNFILTERED, Folds, Measured, Results
from recon.pipeline.start_view import StartView
from recon.pipeline.words.reasons import Reason
from recon.pipeline.workspace import Workspace
from recon.poses import pair_graph
from recon.poses.colmap.pairs import Pair
from recon.poses.models.checks import ModelFacts
from recon.poses.pair_graph import RungRecord
from recon.splats.config import TrainConfig
from recon.splats.scores import Scores, ScoresAtSizes

METRICS = ("psnr", "ssim", "lpips", "psnr_corrected", "ssim_corrected", "lpips_corrected")


def scores(*views: tuple[str, float]) -> Scores:
    """Of each view: the photo's name and its PSNR."""
    return Scores(
        {
            name: dict(zip(METRICS, (psnr, 0.5, None, psnr + 1, 0.6, None), strict=True))
            for name, psnr in views
        }
    )


def scored(*views: tuple[str, float]) -> ScoresAtSizes:
    return ScoresAtSizes(scores(*views), scores(*((name, psnr - 2) for name, psnr in views)))


MODEL = ModelFacts(
    registered=2, points=7, points_per_photo=5.5, fewest_points=5, mean_reprojection_error=0.5,
    median_reprojection_error=0.4, median_triangulation_angle=3.0, spread=0.2, behind=0.0,
    shortest_focal=0.9, longest_focal=1.0, focal_change=1.1, agreeing=0.95,
)  # fmt: skip
MEASURED = Measured(
    iterations=700,
    scored={UNFILTERED: scored(("b.jpg", 21.0)), FILTERED: scored(("b.jpg", 20.5))},
    filter_loss_db=0.5,
    gaussian_counts={UNFILTERED: 9, FILTERED: 8},
    max_image_size=None,
    photo_size=1600,
    train=("a.jpg", "c.jpg"),
    test=("b.jpg",),
)
OFF = Reason("lpips_off")
FOLDS = Folds(tests=(("b.jpg",), ("a.jpg", "c.jpg")), scored=scored(("a.jpg", 19.0), ("b.jpg", 21)))
GRAPH = pair_graph.make_pair_graph(
    "abc",
    [Pair("a", "b", 90), Pair("b", "c", 17)],
    registered=["a", "b"],
    rung="relaxed",
    rungs=[RungRecord("relaxed", "a title", "best", "why", 1.5, 2, MODEL)],
    model=MODEL,
)
CAMERA = PlacedCamera(
    id=0, img_name="ü.jpg", width=60, height=40, position=(1.0, 2.0, 3.0),
    rotation=((0.0, -1.0, 0.0), (1.0, 0.0, 0.0), (0.0, 0.0, 1.0)),
    fx=50.0, fy=51.0, cx=30.0, cy=20.0, start=True,
)  # fmt: skip
TRAINING = TrainingRecord(
    iterations=700, gaussian_count=9, training_size=(400, 300), max_image_size=400,
    max_gaussians=1000, settings=TrainConfig(iterations=700, max_image_size=None),
)  # fmt: skip
PHOTOS = PreparedPhotos(
    photos=(PreparedPhoto("1.jpg", "trip/ü.heic", 60, 40, None, "0f", "body"),),
    copies={"copy.jpg": "trip/ü.heic"},
)
VIEW = StartView((1.0, 2.0, 3.0), (0.0, 0.0, 0.0), (0.0, -1.0, 0.0), 50.5, 1.5, trained_height=300)

RECORDS: dict[str, Any] = {
    "photos": PHOTOS,
    "machine": Machine(checks=(Check("torch", "2.13.0", ok=True, needed=True, advice=""),)),
    "training": TRAINING,
    "cameras": Cameras((CAMERA, PlacedCamera(**(vars(CAMERA) | {"start": False})))),
    "summary": Summary(status="COMPLETED", psnr=21.0, spread={"psnr": None}, seconds={"DONE": 1.5}),
    "view": VIEW,
    "nothing measured": Results(
        scene=FILTERED, reason=Reason("unforeseen", "why"), lpips_reason=OFF
    ),
    "held out": Results(scene=FILTERED, measured=MEASURED, lpips_reason=OFF),
    "folds": Results(scene=UNFILTERED, measured=Measured(**(vars(MEASURED) | {"folds": FOLDS}))),
    "a photo left out": Results(
        scene=FILTERED, measured=Measured(**(vars(MEASURED) | {"left_out": ("d.jpg",)}))
    ),
    "no folds": Results(
        scene=UNFILTERED,
        measured=Measured(**(vars(MEASURED) | {"folds": Folds(reason=Reason("out_of_memory"))})),
    ),
}  # fmt: skip


@pytest.mark.parametrize("record", RECORDS.values(), ids=RECORDS)
def test_a_record_is_read_as_it_was_written(tmp_path: Path, record: Any) -> None:
    workspace = Workspace(tmp_path)
    record.write(workspace)
    assert type(record).read(workspace) == record


def test_the_pair_graph_is_read_as_it_was_written(tmp_path: Path) -> None:
    write_pair_graph(Workspace(tmp_path), GRAPH)
    assert read_pair_graph(Workspace(tmp_path)) == GRAPH


READERS: list[tuple[Callable[[Workspace], object], str]] = [
    (PreparedPhotos.read, "photos_json"),
    (Machine.read, "environment_json"),
    (TrainingRecord.read, "training_json"),
    (Cameras.read, "cameras_json"),
    (Summary.read, "finished_json"),
    (StartView.read, "viewer_json"),
    (Results.read, "results_json"),
    (read_pair_graph, "pairs_json"),
]


@pytest.mark.parametrize(("read", "name"), READERS, ids=[name for _, name in READERS])
def test_a_stage_that_has_not_been_is_a_missing_file(
    tmp_path: Path, read: Callable[[Workspace], object], name: str
) -> None:
    with pytest.raises(FileNotFoundError):
        read(Workspace(tmp_path))
    (tmp_path / "work").write_text("no folder")
    with pytest.raises(FileNotFoundError):
        read(Workspace(tmp_path))


@pytest.mark.parametrize(
    "content", ["", "half a fi", "7", '"text"', '{"photos": 1, "scene": 2, "status": 3}', "[[]]"]
)
@pytest.mark.parametrize(("read", "name"), READERS, ids=[name for _, name in READERS])
def test_what_another_hand_wrote_is_refused_by_the_files_name(
    tmp_path: Path, read: Callable[[Workspace], object], name: str, content: str
) -> None:
    path: Path = getattr(Workspace(tmp_path), name)
    path.parent.mkdir(parents=True)
    path.write_text(content)
    with pytest.raises(RecordError, match=path.name):
        read(Workspace(tmp_path))


def test_the_place_of_a_fault_is_told(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    PHOTOS.write(workspace)
    content = json.loads(workspace.photos_json.read_text())
    content["photos"][0]["width"] = "wide"
    workspace.photos_json.write_text(json.dumps(content))
    with pytest.raises(RecordError, match=r"photos\.json: .*int.*\$\.photos\[0\]\.width"):
        PreparedPhotos.read(workspace)


def test_a_later_version_is_refused_and_a_part_that_may_be_missing_is_not(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    PHOTOS.write(workspace)
    content = json.loads(workspace.photos_json.read_text())
    del content["copies"]
    workspace.photos_json.write_text(json.dumps(content | {"news": 1}))
    assert PreparedPhotos.read(workspace).copies == {}
    workspace.photos_json.write_text(json.dumps(content | {"version": 2}))
    with pytest.raises(RecordError, match="version 2"):
        PreparedPhotos.read(workspace)


def test_results_have_graphdecos_names_and_the_headline_is_the_folds(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    RECORDS["folds"].write(workspace)
    content = json.loads(workspace.results_json.read_text())
    assert content["ours_700"] == content["unfiltered"]
    assert content["unfiltered"]["per_view"]["b.jpg"] == {"PSNR": 21.0, "SSIM": 0.5, "LPIPS": None}
    assert content["unfiltered"]["corrected"]["PSNR"] == 22.0
    assert content["unfiltered"]["at_photo_size"]["PSNR"] == 19.0
    assert (content["psnr"], content["protocol"]) == (20.0, "cross-validation")
    assert content["spread"]["psnr"] == pytest.approx(2**0.5)
    assert content["cross_validation"]["folds"] == [["b.jpg"], ["a.jpg", "c.jpg"]]


def test_a_camera_tells_where_the_world_is() -> None:
    """graphdeco's rotation and position, the inverse, undo what [R | t] does to a point."""
    x, y, z = 3.0, 4.0, 5.0
    rows = CAMERA.cam_from_world
    seen = [row[0] * x + row[1] * y + row[2] * z + row[3] for row in rows]
    back = [
        sum(CAMERA.rotation[i][j] * seen[j] for j in range(3)) + CAMERA.position[i]
        for i in range(3)
    ]
    assert back == pytest.approx([x, y, z])


@pytest.mark.slow
def test_the_site_reads_records_without_torch_or_pycolmap() -> None:
    code = (
        "import sys, recon.pipeline.outcome, recon.pipeline.results; "
        "print([name for name in ('torch', 'pycolmap', 'django') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"
